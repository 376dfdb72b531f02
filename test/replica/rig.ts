// A world for the replicas of one group: real logs and engines on disks in memory, a clock that moves only by ticks, and a
// network that a test cuts, filters or holds back. Everything that needs no time comes to rest between two ticks.
//
//   const rig = await Rig.open();              three nodes, no leader yet
//   await rig.elect(1);                        node 1 leads, its no-op is applied everywhere
//   rig.isolate(1); await rig.ticks(100);      it is cut off for a second
//
// A node crashes by `crash` and comes back by `start`, with what its disk kept.

import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { groupId, logIndex, replicaId, term } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { neverExpires } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import { Engine } from "../../internal/engine/engine.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import type { Clock, Scheduler, Timer } from "../../internal/platform/clock.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Command, Operation } from "../../internal/replica/command.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { openReplica } from "../../internal/replica/open-replica.ts";
import type { ReplicaOptions } from "../../internal/replica/options.ts";
import { openRetired } from "../../internal/replica/retired-replica.ts";
import type { RetiredReplica } from "../../internal/replica/retired-replica.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import type { Survival } from "../disk/power-cut.ts";

export const theGroup = groupId(1);
const tickMilliseconds = 10;

export interface RigOptions {
  readonly log?: Partial<LogOptions>;
  readonly engine?: Partial<EngineOptions>;
  readonly replica?: Partial<ReplicaOptions>;
}

/** Time that moves by ticks; each node's wall clock may be off by something. */
class RigTime implements Scheduler {
  now = 0;
  private timers: { readonly at: number; action: (() => void) | undefined }[] = [];

  after(milliseconds: number, act: () => void): Timer {
    const timer: { readonly at: number; action: (() => void) | undefined } = {
      at: this.now + milliseconds,
      action: act,
    };
    this.timers.push(timer);
    return {
      cancel: () => {
        timer.action = undefined;
      },
    };
  }

  afterTurn(act: () => void): void {
    setImmediate(act);
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
    const due = this.timers.filter((timer) => timer.at <= this.now);
    this.timers = this.timers.filter((timer) => timer.at > this.now);
    for (const timer of due) timer.action?.();
  }
}

export class RigNode {
  readonly id: ReplicaId;
  disk = new MemoryDisk();
  /** What log and engine see of the disk: a test may put something before it. */
  see: (disk: MemoryDisk) => Disk = (disk) => disk;
  skew = 0;
  /** Of the machine: another one means that it was started anew. */
  bootId = "first";
  log: Log | undefined;
  engine: Engine | undefined;
  replica: Replica | undefined;
  retired: RetiredReplica | undefined;
  failures: Error[] = [];
  private background: InlineBackground | undefined;
  private readonly rig: Rig;
  private life = 0;

  constructor(rig: Rig, id: ReplicaId) {
    this.rig = rig;
    this.id = id;
  }

  /** REQUIRES: it is up. */
  get up(): Replica {
    if (this.replica === undefined) throw new Error(`node ${this.id} is down`);
    return this.replica;
  }

  async start(): Promise<void> {
    if (this.log === undefined) await this.open();
    const replica = await openReplica({ ...this.place(), first: configuration([1, 2, 3].map(replicaId)) });
    const { engine, log } = this;
    engine?.onFlushed((applied) => {
      const index = applied.get(replica.incarnation);
      if (index !== undefined) replica.flushed(index);
    });
    log?.onFlushWanted(() => {
      engine?.flush().catch((reason: unknown) => this.failures.push(reason as Error));
    });
    this.replica = replica;
  }

  /** Opens log and engine, and no replica. */
  async open(): Promise<void> {
    const life = ++this.life;
    const disk = this.see(this.disk);
    this.background = new InlineBackground(disk.jobs);
    const { background } = this;
    const clock = this.clock();
    const world = { disk, background, clock, scheduler: this.scheduler(life) };
    const seams = { ...world, logger: silentLogger };
    await disk.makeFolder("/node/engine");
    await disk.syncFolder("/node");
    await disk.syncFolder("/");
    this.log = await openLog("/node/log", { ...seams, machine: { bootId: this.bootId } }, this.rig.options.log ?? {});
    this.engine = await Engine.open(seams, "/node/engine", this.rig.options.engine ?? {});
  }

  /** What the present replica leaves, or what lies here of one, goes on as one that takes no part any more. */
  async retire(): Promise<RetiredReplica> {
    this.replica?.close();
    await this.replica?.ended();
    this.replica = undefined;
    const { log, engine } = this.place();
    const { life } = this;
    const send = (message: ReplicaMessage): void => {
      if (life === this.life) this.rig.send(message);
    };
    this.retired = await openRetired({
      group: theGroup,
      id: this.id,
      log,
      engine,
      options: this.rig.replicaOptions,
      send,
    });
    return this.retired;
  }

  /** The machine goes down, and comes back by `start`; or only the process, when all that was written survives. */
  crash(survival: Survival | "all" = nothingSurvives()): void {
    this.life++;
    this.replica?.close();
    this.replica = undefined;
    this.retired = undefined;
    this.log = undefined;
    this.engine = undefined;
    const before = this.disk;
    this.disk = survival === "all" ? before.cloneAfterKill() : before.clone(survival);
    before.cutPower();
  }

  /** What lies under a user's key, expired or not; undefined: nothing. */
  async read(key: string): Promise<string | undefined> {
    const record = await this.up.readFast(utf8(key));
    return record === undefined ? undefined : valueOf(record);
  }

  private clock(): Clock {
    return {
      wallMilliseconds: () => 1_700_000_000_000 + this.rig.time.now + this.skew,
      monotonicMilliseconds: () => this.rig.time.now,
    };
  }

  /** Nothing that a dead process has put off happens. */
  private scheduler(life: number): Scheduler {
    const live = (act: () => void) => (): void => {
      if (life === this.life) act();
    };
    return {
      after: (milliseconds, act) => this.rig.time.after(milliseconds, live(act)),
      afterTurn: (act) => this.rig.time.afterTurn(live(act)),
    };
  }

  private place() {
    const { log, engine, id, life, background } = this;
    if (log === undefined || engine === undefined || background === undefined)
      throw new Error(`node ${id} is not open`);
    return {
      group: theGroup,
      id,
      log,
      engine,
      background,
      disk: this.see(this.disk),
      snapshotFolder: "/node/snapshot",
      random: new Prng(100 * id + life),
      isSynced: this.rig.options.log?.fsync?.kind !== "interval",
      options: this.rig.replicaOptions,
      seams: {
        clock: this.clock(),
        scheduler: this.scheduler(life),
        logger: silentLogger,
        send: (message: ReplicaMessage) => {
          if (life === this.life) this.rig.send(message);
        },
        onFailure: (failure: Error) => void this.failures.push(failure),
      },
    };
  }
}

export class Rig {
  readonly time = new RigTime();
  readonly nodes = new Map<number, RigNode>();
  readonly options: RigOptions;
  readonly replicaOptions: Partial<ReplicaOptions>;
  /** Of every message: false, and it is lost. */
  passes: (message: ReplicaMessage) => boolean = () => true;
  /** Everything that was sent, lost or not. */
  readonly sent: ReplicaMessage[] = [];
  private readonly isolated = new Set<number>();
  private flying: ReplicaMessage[] = [];
  private moves = 0;

  constructor(options: RigOptions = {}) {
    this.options = options;
    this.replicaOptions = { tickMilliseconds, ...options.replica };
    for (const id of [1, 2, 3]) this.add(id);
  }

  static async open(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    for (const node of rig.nodes.values()) await node.start();
    return rig;
  }

  add(id: number): RigNode {
    const node = new RigNode(this, replicaId(id));
    this.nodes.set(id, node);
    return node;
  }

  node(id: number): RigNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  replica(id: number): Replica {
    return this.node(id).up;
  }

  send(message: ReplicaMessage): void {
    this.moves++;
    this.sent.push(message);
    if (this.isolated.has(message.from) || this.isolated.has(message.to) || !this.passes(message)) return;
    if (this.flying.push(message) === 1) setImmediate(() => this.arrive());
  }

  /** Nothing gets to these nodes, or from them. */
  isolate(...ids: number[]): void {
    for (const id of ids) this.isolated.add(id);
  }

  rejoin(...ids: number[]): void {
    for (const id of ids) this.isolated.delete(id);
  }

  /** Lets everything end that needs no time. */
  async rest(): Promise<void> {
    for (let quiet = 0, before = this.moves; quiet < 12;) {
      await turn();
      quiet = this.moves === before ? quiet + 1 : 0;
      before = this.moves;
    }
  }

  async ticks(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      this.time.advance(tickMilliseconds);
      for (const { replica, retired } of this.nodes.values()) {
        replica?.tick();
        retired?.tick();
      }
      await this.rest();
    }
  }

  /** Ticks until something is so. */
  async until(isSo: () => boolean, what: string, most = 2000): Promise<void> {
    for (let left = most; left > 0; left--) {
      if (isSo()) return;
      await this.ticks(1);
    }
    throw new Error(`waited in vain: ${what}`);
  }

  get leader(): number | undefined {
    let best: { id: number; term: number } | undefined;
    for (const [id, { replica }] of this.nodes) {
      const status = replica?.status;
      if (status?.role === "leader" && status.term > (best?.term ?? 0)) best = { id, term: status.term };
    }
    return best?.id;
  }

  /** The node leads a term of its own, and has applied the entry that opens it. */
  async elect(id: number): Promise<Replica> {
    const leads = (): boolean => {
      const { status, state } = this.replica(id);
      return this.leader === id && status.role === "leader" && state.last.term === status.term;
    };
    for (let round = 0; round < 200 && !leads(); round++) {
      await this.ticks(10);
      const { leader } = this;
      if (leader !== undefined && leader !== id) this.replica(leader).transfer(replicaId(id));
    }
    if (!leads()) throw new Error(`node ${id} does not come to lead`);
    return this.replica(id);
  }

  /** All that are up, and not isolated, have applied all that the leader has. */
  async level(): Promise<void> {
    await this.until(() => {
      const { leader } = this;
      if (leader === undefined) return false;
      const { last } = this.replica(leader).status;
      return [...this.nodes].every(([id, { replica }]) => {
        return this.isolated.has(id) || replica === undefined || replica.appliedIndex === last;
      });
    }, "all level");
  }

  /** Writes through whoever is said to lead, ticking until it is answered. */
  async write(id: number, consistency: "fast" | "strong", made: Command): Promise<WriteOutcome> {
    const proposed = this.replica(id).propose(consistency, () => made);
    if (proposed.kind === "refused") throw new Error(`refused: ${proposed.why}`);
    return this.answer(proposed.outcome);
  }

  /** Ticks until a promise is settled. */
  async answer<T>(promise: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const done = promise.finally(() => {
      state.isDone = true;
    });
    done.catch(() => undefined);
    await this.rest();
    await this.until(() => state.isDone, "an answer");
    return done;
  }

  async close(): Promise<void> {
    for (const { replica, engine, log } of this.nodes.values()) {
      replica?.close();
      await replica?.ended();
      await engine?.close();
      await log?.close();
    }
  }

  private arrive(): void {
    this.moves++;
    const arrived = this.flying;
    this.flying = [];
    for (const message of arrived) {
      if (this.isolated.has(message.to)) continue;
      const node = this.nodes.get(message.to);
      node?.replica?.receive(message);
      node?.retired?.receive(message);
    }
  }
}

const plain = { condition: conditionKind.none, expiry: expiryMode.never, wantsPrevious: false } as const;

/** The payload of a value without a content type. */
const payload = (value: string): Uint8Array => Uint8Array.from([0, ...utf8(value)]);

export function put(key: string, value: string, more: Partial<Operation> = {}): Command {
  const operation = { action: action.put, key: utf8(key), ...plain, body: payload(value), ...more };
  return { request: undefined, operations: [operation] };
}

export function putUntil(key: string, value: string, expiresAt: Stamp): Command {
  return put(key, value, { expiry: expiryMode.at, expiresAt });
}

export function del(key: string): Command {
  const operation = { action: action.delete, key: utf8(key), ...plain, body: new Uint8Array(0) };
  return { request: undefined, operations: [operation] };
}

export const asked = (command: Command, id: string, stamp: Stamp): Command => {
  return { ...command, request: { id: utf8(id), stamp } };
};

export const valueOf = (record: EngineRecord): string => utf8Text(record.payload.subarray(1));

export const foreign = (version: readonly [of: number, index: number], key: string, value: string | undefined) => {
  const [of, index] = version;
  return {
    version: { term: term(of), index: logIndex(index) },
    request: undefined,
    isDelete: value === undefined,
    key: utf8(key),
    payload: value === undefined ? new Uint8Array(0) : payload(value),
    expiry: neverExpires,
  };
};

/** Whoever proposed it was not refused. */
export function accepted<T extends { readonly kind: string }>(proposed: T): Extract<T, { readonly kind: "accepted" }> {
  if (proposed.kind !== "accepted") throw new Error(`not accepted: ${JSON.stringify(proposed)}`);
  return proposed as Extract<T, { readonly kind: "accepted" }>;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
