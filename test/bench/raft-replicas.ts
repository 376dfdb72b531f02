// Three nodes with a shared log and an engine each, on disks in memory, and replicas of some groups: what a write costs
// from its proposal to its answer, and what groups cost that do nothing. Messages arrive in the next turn; ticks come
// when the benchmark says so.

import { utf8 } from "../../internal/base/bytes.ts";
import { groupId, replicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { Engine } from "../../internal/engine/engine.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { Clock, Scheduler, Timer } from "../../internal/platform/clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { openReplica } from "../../internal/replica/open-replica.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";

const ids = [1, 2, 3].map((id) => replicaId(id));
const tickMilliseconds = 10;

/** Time that stands still but for ticks; a turn is a turn of the real event loop. */
class TickedTime implements Clock, Scheduler {
  now = 0;
  private timers: { at: number; action: (() => void) | undefined }[] = [];

  wallMilliseconds(): number {
    return 1_700_000_000_000 + this.now;
  }

  monotonicMilliseconds(): number {
    return this.now;
  }

  after(milliseconds: number, act: () => void): Timer {
    const timer: { at: number; action: (() => void) | undefined } = { at: this.now + milliseconds, action: act };
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
    if (due.length === 0) return;
    this.timers = this.timers.filter((timer) => timer.at > this.now);
    for (const timer of due) timer.action?.();
  }
}

interface Node {
  readonly log: Awaited<ReturnType<typeof openLog>>;
  readonly engine: Engine;
  readonly replicas: readonly Replica[];
}

export class BenchReplicas {
  messages = 0;
  private readonly time = new TickedTime();
  private nodes: readonly Node[] = [];
  /** On their way, by group and replica. */
  private flying: { readonly group: number; readonly message: ReplicaMessage }[] = [];

  static async open(groups: number): Promise<BenchReplicas> {
    const cluster = new BenchReplicas();
    cluster.nodes = await Promise.all(ids.map((id) => cluster.openNode(id, groups)));
    while (cluster.nodes.some((node) => node.replicas.some((replica) => replica.status.leader === 0))) {
      await cluster.tick();
    }
    return cluster;
  }

  /** So many strong writes of values of so many bytes, `lanes` of them under way at any time. */
  async write(count: number, lanes: number, valueBytes: number): Promise<void> {
    const leader = this.nodes.flatMap((node) => node.replicas.slice(0, 1)).find((it) => it.status.role === "leader");
    if (leader === undefined) throw new Error("the group of the benchmark has lost its leader");
    const body = new Uint8Array(1 + valueBytes);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const command = put(utf8(`key ${next++ % 100_000}`), body);
        const proposed = leader.propose("strong", () => command);
        if (proposed.kind === "refused") throw new Error(`a write of the benchmark was refused: ${proposed.why}`);
        const outcome = await proposed.outcome;
        if (outcome.kind !== "done") throw new Error(`a write of the benchmark ended as ${outcome.kind}`);
      }
    };
    const work = Promise.all(Array.from({ length: lanes }, lane));
    const state = { isDone: false };
    const done = work.finally(() => {
      state.isDone = true;
    });
    for (let turns = 0; !state.isDone; turns++) {
      // Heartbeats go on: every some hundred turns.
      if (turns % 200 === 0) this.advance();
      await turn();
    }
    await done;
  }

  /** A tick of all replicas, and all that comes of it. */
  async tick(): Promise<void> {
    this.advance();
    for (let quiet = 0; quiet < 3;) {
      const before = this.messages;
      await turn();
      quiet = this.messages === before ? quiet + 1 : 0;
    }
  }

  async close(): Promise<void> {
    for (const { replicas, engine, log } of this.nodes) {
      for (const replica of replicas) replica.close();
      await engine.close();
      await log.close();
    }
  }

  private advance(): void {
    this.time.advance(tickMilliseconds);
    for (const { replicas } of this.nodes) for (const replica of replicas) replica.tick();
  }

  private async openNode(id: (typeof ids)[number], groups: number): Promise<Node> {
    const disk = new MemoryDisk();
    const background = new InlineBackground(disk.jobs);
    const world = { disk, background, clock: this.time, scheduler: this.time, logger: silentLogger };
    const log = await openLog("/node/log", world);
    await disk.makeFolder("/node/engine");
    const engine = await Engine.open(world, "/node/engine", {});
    const replicas: Replica[] = [];
    for (let group = 1; group <= groups; group++) {
      const replica = await openReplica({
        group: groupId(group),
        id,
        first: configuration(ids),
        log,
        engine,
        seams: {
          clock: this.time,
          scheduler: this.time,
          logger: silentLogger,
          send: (message) => this.send(group, message),
          onFailure: (failure) => {
            throw failure;
          },
        },
        random: new Prng(id * 1000 + group),
        isSynced: true,
        disk,
        background,
        snapshotFolder: `/node/snapshot-${group}`,
      });
      replicas.push(replica);
    }
    engine.onFlushed((applied) => {
      for (const replica of replicas) {
        const index = applied.get(replica.incarnation);
        if (index !== undefined) replica.flushed(index);
      }
    });
    log.onFlushWanted(() => void engine.flush());
    return { log, engine, replicas };
  }

  private send(group: number, message: ReplicaMessage): void {
    this.messages++;
    if (this.flying.push({ group, message }) === 1) setImmediate(() => this.arrive());
  }

  private arrive(): void {
    const arrived = this.flying;
    this.flying = [];
    for (const { group, message } of arrived) this.nodes[message.to - 1]?.replicas[group - 1]?.receive(message);
  }
}

function put(key: Uint8Array, body: Uint8Array): Command {
  const plain = { condition: conditionKind.none, expiry: expiryMode.never, wantsPrevious: false };
  return { request: undefined, operations: [{ action: action.put, key, ...plain, body }] };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
