// One machine of a simulated cluster: a clock, a disk, an address, and on it, as in production, a whole node. Its process crashes at
// any await, stops in order, or is paused, and comes back with what its disk kept; a lost disk is exchanged for an empty one.

import { TrefoilError } from "../../../internal/base/errors.ts";
import { nodeId } from "../../../internal/base/ids.ts";
import type { GroupId, NodeId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import { replicaMessages } from "../../../internal/grpc/replica-messages.ts";
import { Node } from "../../../internal/node/node.ts";
import { StartWatch } from "../../../internal/node/start-watch.ts";
import { silentLogger } from "../../../internal/platform/logger.ts";
import type { Logger } from "../../../internal/platform/logger.ts";
import type { ReplicaMessage } from "../../../internal/replica/messages.ts";
import { InlineBackground } from "../../disk/inline-background.ts";
import type { Survival } from "../../disk/power-cut.ts";
import { honestLogger } from "../honest-logger.ts";
import { NodeNetwork } from "../network/node-network.ts";
import type { Wires } from "../network/wires.ts";
import { SimDisk } from "../sim-disk.ts";
import { ClockError, NodeClock } from "../virtual-time.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { ClusterLimits } from "./cluster-limits.ts";
import type { ClusterSighting, Met } from "./met.ts";
import { NodePromises } from "./node-promises.ts";

export interface MachineParts {
  readonly name: string;
  /** Of the nodes that begin; none: it joins, by these addresses. */
  readonly peers: ReadonlyMap<NodeId, string>;
  readonly seeds: readonly string[];
  readonly time: VirtualTime;
  readonly wires: Wires;
  readonly random: Prng;
  readonly limits: ClusterLimits;
  readonly met: Met<ClusterSighting>;
  /** What nodes say of themselves. */
  readonly logger: ((machine: string) => Logger) | undefined;
  /** Its process ended by itself, for a reason that was made. */
  onEnd(machine: Machine): void;
}

const folder = "/node";
const lookMilliseconds = 100;
export const addressOf = (name: string): string => `${name}:7400`;

export class Machine {
  readonly id: NodeId;
  readonly address: string;
  readonly clockError = new ClockError();
  disk: SimDisk;
  clock: NodeClock;
  /** Open, and taking part; perhaps without a cluster yet. */
  node: Node | undefined;
  /** Its process runs, though it may not be open yet. */
  isRunning = false;
  /** It stays down until it is told otherwise. */
  isHeldDown = false;
  isStopping = false;
  /** Looks whether the present process may be given work. */
  startWatch: StartWatch | undefined;
  /** What stopped it, when it was not a fault of the simulation. */
  failure: Error | undefined;
  /** Why its process gave up founding, as often as it did so in turn. */
  refusals = 0;
  /** How often its process began or ended. */
  life = 0;
  /** It says that it must not go on with what is on its disk; whoever runs it gives it an empty one. */
  isUntrusted = false;
  /** How often it got another disk, or began anew on the one that it has. */
  disks = 0;
  /** As its data folder calls itself, when a process said so last. */
  private diskName: string | undefined;
  private readonly parts: MachineParts;
  private promises = new NodePromises();
  private readonly ends = new Set<() => void>();
  private network: NodeNetwork | undefined;
  private cuts = 0;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.id = nodeId(parts.name);
    this.address = addressOf(parts.name);
    this.disk = this.newDisk();
    this.clock = new NodeClock(parts.time, this.clockError);
  }

  /** Its node takes requests, and some replica that the map gives it is not open yet. */
  get isOpening(): boolean {
    const { node, id } = this;
    const groups = node?.keeper.map?.groups ?? [];
    return groups.some(
      (group) => group.replicas.some((seat) => seat.node === id) && node?.groups.get(group.id) === undefined,
    );
  }

  /** What it acknowledges may not be synced yet. */
  get isBuffered(): boolean {
    return this.parts.limits.log.fsync?.kind === "interval";
  }

  /** The present process, for whoever wants to know whether it is the same later. */
  get process(): string {
    return `${this.id}/${this.life}`;
  }

  /** Begins a process. */
  start(): void {
    if (this.isRunning || this.isHeldDown) return;
    if (this.isUntrusted) this.loseDisk();
    const life = ++this.life;
    this.isRunning = true;
    this.isStopping = false;
    this.open(life).catch((failure: unknown) => this.blame(life, failure));
  }

  /** The process ends without a word, and with it, where there is a `survival`, the power. */
  crash(survival: Survival | undefined): void {
    if (!this.isRunning) return;
    this.ended();
    this.network?.crash(survival !== undefined);
    this.network = undefined;
    if (survival !== undefined) this.cuts++;
    this.disk.end(survival);
  }

  /** It stops as it is asked to, unless something else ends it before: at once, or when others have taken over, for so long at most. */
  async stop(leaveMilliseconds: number | undefined): Promise<void> {
    const { life, node } = this;
    if (node === undefined || this.isStopping) return;
    try {
      if (leaveMilliseconds !== undefined) {
        await node.leave(leaveMilliseconds);
        if (life !== this.life || this.isStopping) return;
        this.parts.met.note("node left before it stopped");
      }
      this.isStopping = true;
      await node.close();
    } catch (failure) {
      this.blame(life, failure);
      return;
    }
    if (life !== this.life) return;
    this.ended();
    this.network = undefined;
    this.disk.end(undefined);
    this.parts.met.note("node stopped in order");
    this.parts.onEnd(this);
  }

  /** Everything that was on its disk is gone. */
  loseDisk(): void {
    this.crash(undefined);
    this.disks++;
    this.isUntrusted = false;
    this.promises = new NodePromises();
    this.diskName = undefined;
    this.disk = this.newDisk();
  }

  /** It has set aside what was damaged: nothing that it promised before binds it. */
  private noteName(name: string): void {
    if (this.diskName !== undefined && this.diskName !== name) {
      this.disks++;
      this.disk.isDamaged = false;
      this.promises = new NodePromises();
      this.parts.met.note("node set aside what was damaged");
    }
    this.diskName = name;
  }

  /** Calls back when the present process is no more. */
  whenEnded(action: () => void): () => void {
    this.ends.add(action);
    return () => this.ends.delete(action);
  }

  /** Something failed in its present process, or in what it answered. */
  report(failure: unknown): void {
    this.blame(this.life, failure);
  }

  private newDisk(): SimDisk {
    const { random, limits } = this.parts;
    return new SimDisk(random.split(`disk ${this.disks}`), limits.diskFaults);
  }

  private async open(life: number): Promise<void> {
    const { time, random, limits, wires, peers, seeds } = this.parts;
    const clock = new NodeClock(time, this.clockError);
    this.clock = clock;
    const disk = this.disk.begin(clock);
    const chance = random.split(`life ${life}`);
    const background = new InlineBackground(disk.jobs, { random: chance.split("jobs") });
    const network = new NodeNetwork({ wires, address: this.address, clock, chance: chance.split("network") });
    this.network = network;
    const { id, address } = this;
    const logger = honestLogger(this.parts.logger?.(id) ?? silentLogger, (refused) => this.blame(life, refused));
    const node = await Node.open(
      {
        disk,
        background,
        clock,
        scheduler: clock,
        machine: { bootId: `boot ${this.cuts}` },
        logger,
        random: chance.split("node"),
        network,
        codec: { decode: replicaMessages.decode, encode: (group, message) => this.encode(group, message) },
        onFailure: (failure) => this.blame(life, failure),
      },
      {
        id,
        folder,
        peers,
        seeds,
        groups: limits.groups,
        zone: limits.zoneOf(id),
        addresses: { peer: address, http: `${id}:8080`, resp: "", grpc: "", admin: "" },
        defaults: { read: "fast", write: "strong" },
        log: limits.log,
        engine: limits.engine,
        replica: limits.replica,
      },
    );
    if (life !== this.life) return;
    this.noteName(node.watched.disk);
    // Its replicas are about to open, and have not touched the log yet.
    this.promises.check(node.log);
    this.node = node;
    const watch = new StartWatch(node.watched, clock);
    this.startWatch = watch;
    await node.whenReady();
    watch.allOpen();
    this.lookAgain(watch, clock);
  }

  /** As a process does. */
  private lookAgain(watch: StartWatch, clock: NodeClock): void {
    if (watch.look()) this.parts.met.note("node ready");
    else clock.after(lookMilliseconds, () => this.lookAgain(watch, clock));
  }

  /** A failure that its process met. */
  private blame(life: number, reason: unknown): void {
    if (life !== this.life || !this.isRunning) return;
    const { met } = this.parts;
    if (this.disk.explains(reason) !== undefined) {
      met.note(this.node === undefined ? "start refused by its disk" : "process ended by its disk");
    } else if (isConflict(reason, "the machine went down")) {
      this.isUntrusted = true;
      met.note("node does not trust its tail");
    } else if (isConflict(reason, "the founding of")) {
      this.refusals++;
      met.note("founder waits for its operator");
    } else {
      this.failure = reason instanceof Error ? reason : new Error(String(reason));
      return;
    }
    this.crash(undefined);
    this.parts.onEnd(this);
  }

  /** What leaves it is a promise. */
  private encode(group: GroupId, message: ReplicaMessage): Uint8Array {
    if (this.node !== undefined && !this.clock.isDead) this.promises.note(group, message, this.node.log);
    return replicaMessages.encode(group, message);
  }

  private ended(): void {
    this.promises.ended(this.node?.groups.all ?? new Map());
    this.life++;
    this.isRunning = false;
    this.isStopping = false;
    this.clock.isDead = true;
    this.node = undefined;
    this.startWatch = undefined;
    for (const action of this.ends) action();
    this.ends.clear();
  }
}

const isConflict = (reason: unknown, words: string): boolean =>
  reason instanceof TrefoilError && reason.code === "conflict" && reason.message.includes(words);
