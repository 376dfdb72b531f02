// The nodes of a simulated group and the network between them. The group begins with three; others come, and go.

import { replicaId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { Absences } from "./absences.ts";
import { Digest } from "./digest.ts";
import { Sightings } from "./sightings.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimNode } from "./sim-node.ts";
import type { SimNodeOptions } from "./sim-node.ts";
import { VirtualTime } from "./virtual-time.ts";

const firstVoters = [1, 2, 3].map(replicaId);

export class SimCluster {
  readonly time = new VirtualTime();
  readonly first = configuration(firstVoters);
  readonly sightings = new Sightings();
  readonly nodes = new Map<ReplicaId, SimNode>();
  readonly network: SimNetwork;
  readonly absences = new Absences();
  /** Of every message that was sent. */
  readonly messages = new Digest();
  /** Whose disks were lost, and with them what they alone had. */
  readonly lostDisks = new Set<ReplicaId>();
  /** Milliseconds that a wall clock was off at most. */
  clockErrorMost = 0;
  /** Told of every message that a node is about to send, and of every one that reaches one that is up. */
  onSend: (node: SimNode, message: ReplicaMessage) => void = () => undefined;
  onReceive: (node: SimNode, message: ReplicaMessage) => void = () => undefined;
  /** Whether a node shall belong to the group, now or again: whoever runs the group knows. */
  isWanted: (node: SimNode) => boolean = () => true;
  private readonly random: Prng;
  private readonly restarts: Prng;
  private readonly options: SimNodeOptions;
  private lastId = 3;

  constructor(seed: number, options: SimNodeOptions) {
    this.random = new Prng(seed);
    this.options = options;
    this.restarts = this.random.split("restarts");
    const { time, sightings } = this;
    const chance = this.random.split("network");
    this.network = new SimNetwork({ time, chance, sightings, lifeOf: (id) => this.nodes.get(id)?.life }, (message) =>
      this.deliver(message),
    );
    for (const id of firstVoters) this.add(id);
  }

  async start(): Promise<void> {
    for (const node of this.nodes.values()) void node.start();
    await this.time.settle();
  }

  get leader(): SimNode | undefined {
    let best: SimNode | undefined;
    for (const node of this.nodes.values()) {
      const status = node.replica?.status;
      if (status?.role === "leader" && status.term > (best?.replica?.status.term ?? 0)) best = node;
    }
    return best;
  }

  /** A node with an empty disk, under an id that never was. It runs; who belongs to the group is not its affair. */
  addNew(): SimNode {
    const node = this.add(replicaId(++this.lastId));
    void node.start();
    return node;
  }

  /** It belongs to the group no more, and is switched off. */
  retire(node: SimNode): void {
    node.isGone = true;
    if (node.isRunning) node.crash(undefined);
    this.nodes.delete(node.id);
  }

  /** Starts it again after a while. */
  restartLater(node: SimNode, milliseconds: number): void {
    this.time.after(milliseconds, () => this.restart(node));
  }

  restart(node: SimNode): void {
    if (!node.isRunning && !node.isGone && !node.isHeldDown) void node.start();
  }

  /** The connections between two nodes close, with what is on its way or without; both learn of it, if they are there. */
  disconnect(one: SimNode, other: SimNode, loses: boolean): void {
    if (loses) this.network.break(one.id, other.id);
    one.clock.live(() => one.replica?.connectionLost(other.id));
    other.clock.live(() => other.replica?.connectionLost(one.id));
  }

  /** Something failed that a client met. True: it is explained by what was done to a node. */
  explains(reason: unknown): boolean {
    for (const node of this.nodes.values()) {
      if (node.disk.explains(reason) === undefined) continue;
      node.report(reason);
      return true;
    }
    return false;
  }

  setClock(node: SimNode, milliseconds: number, driftPerMille = 0): void {
    node.clockError.set(this.time.now, milliseconds, driftPerMille);
    this.clockErrorMost = Math.max(this.clockErrorMost, Math.abs(milliseconds));
  }

  /** Nothing goes wrong any more, and everybody who is not held down comes back. */
  heal(): void {
    this.network.heal();
    for (const node of this.nodes.values()) {
      node.disk.heal();
      node.clockError.set(this.time.now, 0);
      if (node.disk.isDamaged && !node.isGone) node.lose();
      this.restart(node);
    }
  }

  private add(id: ReplicaId): SimNode {
    const { time, sightings } = this;
    const node = new SimNode(
      {
        id,
        time,
        sightings,
        random: this.random.split(`node ${id}`),
        first: this.first,
        send: (message) => this.network.send(message),
        onSend: (node, message) => {
          this.digest(message);
          this.onSend(node, message);
        },
        isWanted: (node) => this.isWanted(node),
        leader: () => this.leader?.id,
        onErased: (node) => {
          sightings.note("removed replica erased");
          this.retire(node);
        },
        onEnd: (ended) => this.ended(ended),
      },
      this.options,
    );
    this.nodes.set(id, node);
    return node;
  }

  private digest(message: ReplicaMessage): void {
    const { messages } = this;
    const { from, to, type } = message;
    messages.addTime(this.time.now).add(8 * from + to);
    messages.add(type.length + 256 * type.charCodeAt(type.length - 1));
    if ("term" in message) messages.add(message.term);
    if ("index" in message) messages.add(message.index);
  }

  private ended(node: SimNode): void {
    if (node.isGone) this.lostDisks.add(node.id);
    else this.restartLater(node, this.restarts.between(10, 4000));
  }

  private deliver(message: ReplicaMessage): void {
    const node = this.nodes.get(message.to);
    if (node?.replica === undefined) this.sightings.note("message to a node that is down");
    if (node?.clock.isPaused === true) this.sightings.note("message of a paused process arrives late");
    if (node?.replica !== undefined) {
      this.onReceive(node, message);
      const { role, term } = node.replica.status;
      if (role === "leader") this.absences.heard(message, term, this.time.now);
    }
    node?.clock.live(() => node.receive(message));
  }
}
