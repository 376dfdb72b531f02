// Clients of the simulator: each does one thing after the other and writes down what it was told. The first letter of a key says
// how it is used: s strong only, f fast writes and any reads, c counters, t with time to live.

import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Operation } from "../../internal/replica/command.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { Proposed } from "../../internal/replica/write-answers.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import type { Done, History, HistoryEntry, Mode, Told } from "./history.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface ClientCounts {
  completed: number;
  succeeded: number;
  refused: number;
  unknown: number;
}

/** A fast write that its leader answered. */
export interface FastPromise {
  readonly version: { readonly term: number; readonly index: number };
  readonly key: string;
}

const deadline = 2000;
const keysOfAKind = 3;

export class Client {
  private readonly id: number;
  private readonly cluster: SimCluster;
  private readonly history: History;
  private readonly random: Prng;
  private readonly counts: ClientCounts;
  private readonly promises: FastPromise[];
  private made = 0;
  isStopped = false;

  constructor(parts: {
    readonly id: number;
    readonly cluster: SimCluster;
    readonly history: History;
    readonly random: Prng;
    readonly counts: ClientCounts;
    readonly promises: FastPromise[];
  }) {
    this.id = parts.id;
    this.cluster = parts.cluster;
    this.history = parts.history;
    this.random = parts.random;
    this.counts = parts.counts;
    this.promises = parts.promises;
  }

  /** Until it is stopped; `think` is the most milliseconds between two operations. */
  async work(think: number): Promise<void> {
    while (!this.isStopped) {
      await this.sleep(this.random.between(1, think));
      if (!this.isStopped) await this.once();
    }
  }

  /** One strong read of a key, again and again until it is answered. */
  async readLast(key: string): Promise<void> {
    for (;;) {
      const entry = this.begin({ kind: "read", key, mode: "strong" });
      const replica = this.cluster.leader?.replica;
      if (replica !== undefined) await this.readStrong(entry, replica);
      if (entry.told !== undefined) return;
      entry.isVoid = true;
      await this.sleep(50);
    }
  }

  private async once(): Promise<void> {
    const { random } = this;
    const kind = random.pick(["s", "s", "f", "c", "t"]);
    const key = `${kind}${random.below(keysOfAKind)}`;
    const value = `${this.id}-${this.made++}`;
    const what = random.below(10);
    if (what < 4) {
      const mode: Mode = kind === "s" || kind === "c" || random.chance(1, 2) ? "strong" : "fast";
      await this.read({ kind: "read", key, mode });
    } else if (kind === "c") {
      await this.add(key);
    } else if (kind === "s" && what < 6) {
      await this.swap(key, value);
    } else if (what === 9) {
      await this.write({ kind: "delete", key, mode: kind === "s" ? "strong" : "fast" }, undefined);
    } else {
      await this.write({ kind: "put", key, value, mode: kind === "s" || kind === "t" ? "strong" : "fast" }, kind);
    }
  }

  private async read(done: Done & { kind: "read" }): Promise<void> {
    const nodes = [...this.cluster.nodes.values()].filter((node) => node.isUp);
    const replica = nodes.length === 0 ? undefined : this.random.pick(nodes).replica;
    const entry = this.begin(done);
    if (replica === undefined) {
      entry.isVoid = true;
      return;
    }
    if (done.mode === "strong") return this.readStrong(entry, replica);
    const record = await this.within(replica.readFast(utf8(done.key)));
    if (record === "late") return this.finish(entry, undefined);
    this.finish(entry, sawOf(record));
  }

  private async readStrong(entry: HistoryEntry, replica: Replica): Promise<void> {
    const read = await this.within(replica.readStrong(utf8(entry.done.key)));
    if (read === "late" || read.kind === "refused") {
      this.counts.refused++;
      entry.isVoid = true;
      return;
    }
    this.finish(entry, sawOf(read.kind === "record" ? read.record : undefined));
  }

  private async write(done: Done & { kind: "put" | "delete" }, kind: string | undefined): Promise<void> {
    const body = done.kind === "put" ? payloadOf(done.value) : new Uint8Array(0);
    const ttl = kind === "t" ? this.random.between(100, 5000) : undefined;
    await this.propose(done, done.mode, (now) => ({
      action: done.kind === "put" ? action.put : action.delete,
      key: utf8(done.key),
      condition: conditionKind.none,
      expiry: ttl === undefined ? expiryMode.never : expiryMode.at,
      expiresAt: ttl === undefined ? undefined : stamp(now + stampOfMilliseconds(ttl)),
      wantsPrevious: false,
      body,
    }));
  }

  private async swap(key: string, value: string): Promise<void> {
    const replica = this.cluster.leader?.replica;
    if (replica === undefined) return;
    const seen = await this.within(replica.readFast(utf8(key)));
    if (seen === "late") return;
    const expected = seen === undefined ? undefined : { term: seen.term, index: seen.index };
    await this.propose({ kind: "swap", key, expected, value }, "strong", () => ({
      action: action.put,
      key: utf8(key),
      condition: expected === undefined ? conditionKind.absent : conditionKind.version,
      version: expected,
      expiry: expiryMode.never,
      wantsPrevious: false,
      body: payloadOf(value),
    }));
  }

  /** Sometimes under a request id, and then again until it is answered: it counts once. */
  private async add(key: string): Promise<void> {
    const isKeyed = this.random.chance(1, 2);
    const request = isKeyed ? `${this.id}/${this.made++}` : undefined;
    const entry = this.begin({ kind: "add", key, request });
    for (let tries = isKeyed ? 4 : 1; tries > 0; tries--) {
      const told = await this.tryAdd(entry, key, request);
      if (told !== "unknown") return;
      await this.sleep(this.random.between(10, 400));
    }
    this.finish(entry, undefined);
  }

  private async tryAdd(entry: HistoryEntry, key: string, request: string | undefined): Promise<"settled" | "unknown"> {
    const operation: Operation = {
      action: action.increment,
      key: utf8(key),
      condition: conditionKind.none,
      expiry: expiryMode.never,
      wantsPrevious: false,
      body: utf8("1"),
    };
    const replica = this.cluster.leader?.replica;
    const result = replica?.propose("strong", (now) => ({
      request: request === undefined ? undefined : { id: utf8(request), stamp: now },
      operations: [operation],
    }));
    if (result === undefined || result.kind === "refused") {
      if (request !== undefined) return "unknown";
      this.counts.refused++;
      entry.isVoid = true;
      return "settled";
    }
    const outcome = await this.within(result.outcome);
    if (outcome !== "late" && outcome.kind === "done" && outcome.answer.kind === "done") {
      const sum = Number(utf8Text(outcome.answer.values[0] ?? new Uint8Array(0)));
      this.finish(entry, { kind: "written", version: outcome.version, sum });
      return "settled";
    }
    if (request === undefined) this.finish(entry, undefined);
    return request === undefined ? "settled" : "unknown";
  }

  private async propose(done: Done, mode: Mode, make: (now: number) => Operation): Promise<void> {
    const entry = this.begin(done);
    const nodes = [...this.cluster.nodes.values()].filter((node) => node.replica?.status.role === "leader");
    // Clients may still know an old leader.
    const node = nodes.length === 0 ? undefined : this.random.pick(nodes);
    const replica = node?.replica;
    const command = (now: number): { request: undefined; operations: Operation[] } => {
      return { request: undefined, operations: [make(now)] };
    };
    const result: Proposed | undefined = replica?.propose(mode, command);
    if (result === undefined || result.kind === "refused") {
      this.counts.refused++;
      entry.isVoid = true;
      return;
    }
    const outcome = await this.within(result.outcome);
    if (mode === "fast" && outcome !== "late" && outcome.kind === "done") node?.promises.noteFast(outcome.version);
    this.settle(entry, outcome, mode);
  }

  private settle(entry: HistoryEntry, outcome: WriteOutcome | "late", mode: Mode): void {
    if (outcome === "late" || outcome.kind === "unknown") return this.finish(entry, undefined);
    if (outcome.kind === "overridden") {
      // Of a fast one nobody knows yet whether it will be salvaged.
      if (mode === "fast") return this.finish(entry, undefined);
      this.counts.refused++;
      entry.isVoid = true;
      return;
    }
    if (mode === "fast") this.promises.push({ version: outcome.version, key: entry.done.key });
    if (outcome.kind === "done") this.finish(entry, { kind: "written", version: outcome.version });
    else this.finish(entry, { kind: "refused" });
  }

  private begin(done: Done): HistoryEntry {
    return this.history.begin(this.id, done, this.time.now);
  }

  private finish(entry: HistoryEntry, told: Told | undefined): void {
    entry.told = told;
    entry.returnedAt = this.time.now;
    this.counts.completed++;
    if (told === undefined) this.counts.unknown++;
    else this.counts.succeeded++;
  }

  private get time(): VirtualTime {
    return this.cluster.time;
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.time.after(milliseconds, resolve));
  }

  private within<T>(promise: Promise<T>): Promise<T | "late"> {
    return new Promise((resolve, reject) => {
      const timer = this.time.after(deadline, () => resolve("late"));
      promise.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (reason: unknown) => {
          timer.cancel();
          if (this.cluster.explains(reason)) resolve("late");
          else reject(reason instanceof Error ? reason : new Error(String(reason)));
        },
      );
    });
  }
}

function payloadOf(value: string): Uint8Array {
  return utf8(`\0${value}`);
}

function sawOf(record: EngineRecord | undefined): Told {
  if (record === undefined) return { kind: "saw", value: undefined, version: undefined };
  const version = { term: record.term, index: record.index };
  return { kind: "saw", value: utf8Text(record.payload.subarray(1)), version };
}
