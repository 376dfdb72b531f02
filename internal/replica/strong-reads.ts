// Linearizable reads. All that come in one turn share one question to the leader; when it is answered, they wait until the
// leader's last entry of that moment is applied here, and judge expiry at the leader's time (rule 5):
//
//   asked -> confirmed {last, time} -> applied >= last -> the record is alive, or absent, at `time`: answer
//                                                     \-> expired at `time`, not yet by the log: wait until an entry
//                                                         stamped `time` or later is applied, and look again: from
//                                                         then on no entry is stamped below, and nobody sees it again
//
// The entry that is waited for may have gone with its leader, and the log be shorter since. When another term has begun, what still
// waits is asked anew.
//
// REQUIRES: one call a turn of `ask`, before the core's Ready is taken.

import { isBug } from "../base/assert.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { ReadAnswer, ReadRefusal } from "../raft/types.ts";
import { badKeyOf } from "./command-check.ts";

export type StrongRead =
  | { readonly kind: "record"; readonly record: EngineRecord; readonly time: Stamp }
  | { readonly kind: "absent"; readonly time: Stamp }
  | { readonly kind: "refused"; readonly why: ReadRefusal | "stopping" };

interface Asked {
  readonly key: Uint8Array;
  readonly resolve: (read: StrongRead) => void;
  readonly reject: (reason: unknown) => void;
}

interface Question {
  readonly reads: readonly Asked[];
  /** In which it was asked: of a leader of this term comes the answer, or none. */
  readonly term: Term;
}

interface Confirmed extends Question {
  readonly last: LogIndex;
  readonly time: Stamp;
}

interface Settling extends Asked {
  readonly time: Stamp;
}

export interface StrongReadParts {
  readonly readsMax: number;
  /** Asks the leader; the answer comes under the context that is returned. */
  ask(): number;
  readonly term: () => Term;
  readonly appliedIndex: () => LogIndex;
  /** Of that entry: later ones may have been looked at, and what they do is not seen yet. */
  readonly lastStamp: () => Stamp;
  get(key: Uint8Array): EngineRecord | "absent" | "need_io";
  load(key: Uint8Array): Promise<EngineRecord | undefined>;
  /** An entry stamped so or later should be committed. */
  wantTick(until: Stamp): void;
}

export class StrongReads {
  private readonly parts: StrongReadParts;
  private waiting: Asked[] = [];
  private readonly asked = new Map<number, Question>();
  private confirmed: Confirmed[] = [];
  private settling: Settling[] = [];
  /** Reads that wait for something, whatever it is. */
  count = 0;
  private isClosed = false;
  /** How often in a row nothing could be asked. */
  private speechless = 0;

  constructor(parts: StrongReadParts) {
    this.parts = parts;
  }

  /** The key's bytes are copied: the caller may use them again. */
  read(given: Uint8Array): Promise<StrongRead> {
    const bad = badKeyOf(given);
    if (bad !== undefined) return Promise.reject(bad);
    if (this.count >= this.parts.readsMax) return Promise.resolve({ kind: "refused", why: "busy" });
    this.count++;
    const key = given.slice();
    const read = new Promise<StrongRead>((resolve, reject) => this.waiting.push({ key, resolve, reject }));
    return read.finally(() => this.count--);
  }

  ask(): void {
    if (this.waiting.length === 0) return;
    this.asked.set(this.parts.ask(), { reads: this.waiting, term: this.parts.term() });
    this.waiting = [];
  }

  answered(answer: ReadAnswer): void {
    const question = this.asked.get(answer.context);
    if (question === undefined) return;
    this.asked.delete(answer.context);
    if (answer.kind === "confirmed")
      this.confirmed.push({ reads: question.reads, term: question.term, last: answer.last, time: answer.time });
    else for (const { resolve } of question.reads) resolve({ kind: "refused", why: answer.why });
  }

  /** More is applied. */
  applied(): void {
    const index = this.parts.appliedIndex();
    const ready = this.confirmed.filter((confirmed) => confirmed.last <= index);
    if (ready.length > 0) {
      this.confirmed = this.confirmed.filter((confirmed) => confirmed.last > index);
      for (const { reads, time } of ready) for (const read of reads) this.serve(read, time);
    }
    this.settle();
  }

  /** Entries that are waited for, asking for a tick, and the tick, may be lost with a leader; now there is one. */
  remind(): void {
    const present = this.parts.term();
    this.speechless = 0;
    for (const { reads, term } of this.confirmed) if (term !== present) this.waiting.push(...reads);
    this.confirmed = this.confirmed.filter(({ term }) => term === present);
    let latest: Stamp | undefined;
    for (const { time } of this.settling) if (latest === undefined || time > latest) latest = time;
    if (latest !== undefined) this.parts.wantTick(latest);
  }

  /** What is not decided up to `decided` may not be for long: who waits for that is told so now (rule 10). */
  refuseUndecided(decided: LogIndex, why: ReadRefusal): void {
    const refused = this.settling.splice(0).map(({ resolve }) => resolve);
    for (const { reads, last } of this.confirmed)
      if (last > decided) refused.push(...reads.map(({ resolve }) => resolve));
    this.confirmed = this.confirmed.filter(({ last }) => last <= decided);
    for (const resolve of refused) resolve({ kind: "refused", why });
  }

  /** Said in place of `remind`. A moment without a leader, or without room, passes; nobody waits for longer. */
  cannotAsk(decided: LogIndex, why: ReadRefusal): void {
    if (++this.speechless === 1) return;
    const questions = [...this.asked.values()].flatMap(({ reads }) => reads);
    for (const { resolve } of [...this.waiting.splice(0), ...questions]) resolve({ kind: "refused", why });
    this.asked.clear();
    this.refuseUndecided(decided, why);
  }

  /** The replica stops. */
  failAll(): void {
    this.isClosed = true;
    const all: Asked[] = [...this.waiting, ...this.settling];
    for (const { reads } of this.asked.values()) all.push(...reads);
    for (const { reads } of this.confirmed) all.push(...reads);
    this.waiting = [];
    this.settling = [];
    this.confirmed = [];
    this.asked.clear();
    for (const { resolve } of all) resolve({ kind: "refused", why: "stopping" });
  }

  private serve(read: Asked, time: Stamp): void {
    let found: ReturnType<StrongReadParts["get"]>;
    try {
      found = this.parts.get(read.key);
    } catch (reason) {
      if (isBug(reason)) throw reason;
      return read.reject(reason);
    }
    // Of now, not of when the record is loaded: what is applied meanwhile may have prolonged it, and is not in what is loaded.
    const seen = this.parts.lastStamp();
    if (found === "need_io") {
      this.parts.load(read.key).then((record) => this.judge(read, record, { time, seen }), read.reject);
      return;
    }
    this.judge(read, found === "absent" ? undefined : found, { time, seen });
  }

  /** Entries stamped up to `seen` at least had their effect when the record was looked for. */
  private judge(read: Asked, record: EngineRecord | undefined, { time, seen }: { time: Stamp; seen: Stamp }): void {
    if (this.isClosed) return read.resolve({ kind: "refused", why: "stopping" });
    if (record === undefined) return read.resolve({ kind: "absent", time });
    if (!isExpired(record.expiry, time)) return read.resolve({ kind: "record", record, time });
    if (isExpired(record.expiry, seen)) return read.resolve({ kind: "absent", time });
    this.settling.push({ ...read, time });
    if (this.parts.lastStamp() < time) this.parts.wantTick(time);
    else this.settle();
  }

  private settle(): void {
    if (this.settling.length === 0) return;
    const stamp = this.parts.lastStamp();
    const done = this.settling.filter((settling) => settling.time <= stamp);
    if (done.length === 0) return;
    this.settling = this.settling.filter((settling) => settling.time > stamp);
    // A next leader whose clock is behind may have stamped below `time`, and have found the record alive: what is there now counts.
    for (const read of done) this.serve(read, read.time);
  }
}
