// How fresh a replica's own records are.
//
// Staleness (rule 15): at T0 the leader was asked for its last index, which a quorum confirmed; once that is applied here, what
// is read is at most now - T0 old. Only by that very entry: another log that has grown as far need not have what its leader answered
// fast. A leader knows as much by each round of its heartbeats, asked or not. The monotonic clock stands still while a machine is
// suspended and the wall clock jumps: the greater difference counts.
//
// Own answers (rule 16): what was answered to a client of this node is read by its clients: fast reads wait for it for a moment. What
// a log lost meanwhile is not waited for: it comes back by a merge, or not at all.

import { assert } from "../base/assert.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { ReadAnswer } from "../raft/types.ts";
import { compareVersions } from "./answer.ts";
import { millisecondsBetween, momentOf } from "./moment.ts";
import type { Moment } from "./moment.ts";
import type { LeaderConfirmed } from "./quorum-age.ts";

export interface FreshnessParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly waitMilliseconds: number;
  /** Reads that wait, at most; beyond, they are told at once that it takes too long. */
  readonly waitersMax: number;
  /** The last entry whose effect is seen. */
  applied(): Version;
  /** Whether an entry is one of those that were applied; undefined: nobody knows any more. */
  holds(version: Version): boolean | undefined;
  readonly term: () => Term;
  /** Asks the leader; the answer comes under the context that is returned. */
  ask(): number;
}

interface Question {
  readonly at: Moment;
  /** In which it was asked: of a leader of this term comes the answer, or none. */
  readonly term: Term;
}

interface Waiting {
  readonly version: Version;
  readonly resolve: (isApplied: boolean) => void;
}

export class Freshness {
  private readonly parts: FreshnessParts;
  private readonly asked = new Map<number, Question>();
  /** In the order of hearing of them; while nothing is applied the oldest ones and the newest. */
  private unproven: LeaderConfirmed[] = [];
  /** Everything that the leader had then is here. */
  private proven: Moment | undefined;
  private answered: Version = { term: term(0), index: logIndex(0) };
  private waiting: Waiting[] = [];
  private isClosed = false;

  constructor(parts: FreshnessParts) {
    this.parts = parts;
  }

  /** Asks the leader how far it is; what comes of it makes the bound smaller. */
  refresh(): void {
    // Answers get lost.
    if (this.asked.size >= questionsMax) return;
    const at = momentOf(this.parts.clock);
    this.asked.set(this.parts.ask(), { at, term: this.parts.term() });
  }

  /** At most so many milliseconds behind the leader that a quorum knew; undefined: nobody can say. */
  get stalenessMilliseconds(): number | undefined {
    if (this.proven === undefined) return undefined;
    return millisecondsBetween(this.proven, momentOf(this.parts.clock));
  }

  readAnswered(answer: ReadAnswer): void {
    const question = this.asked.get(answer.context);
    if (question === undefined) return;
    this.asked.delete(answer.context);
    const { at, term: of } = question;
    if (answer.kind === "confirmed") this.confirmed({ at, last: { term: of, index: answer.last } });
  }

  /** By an answer of the leader, or, where that is this replica, by its own rounds. */
  confirmed(leader: LeaderConfirmed): void {
    if (this.isDecided(leader)) return;
    // What a later one proves as soon proves less: of a leader that went away, and had more in its log, nothing may ever be proven.
    this.unproven = this.unproven.filter(
      ({ at, last }) => isBehind(last, leader.last) || at.monotonic > leader.at.monotonic,
    );
    // The oldest is proven first, and the newest proves most.
    if (this.unproven.length >= unprovenMax) this.unproven.pop();
    this.unproven.push(leader);
  }

  /** A client of this node was answered out of an entry, by whoever leads. */
  noteAnswered(version: Version): void {
    if (isBehind(this.answered, version)) this.answered = version;
  }

  /** All that clients of this node were answered is here. */
  get isOwnApplied(): boolean {
    return !isBehind(this.parts.applied(), this.answered);
  }

  /** True: all that clients of this node were answered is here. False: not yet, and the leader has to be asked. */
  whenOwnApplied(): Promise<boolean> {
    return this.whenApplied(this.answered);
  }

  /** True: an entry is applied here, or never will be: one of a later term is. False: not in time. */
  whenApplied(version: Version): Promise<boolean> {
    const { parts } = this;
    if (!isBehind(parts.applied(), version)) return Promise.resolve(true);
    if (this.isClosed || this.waiting.length >= parts.waitersMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiting = { version, resolve };
      this.waiting.push(waiting);
      parts.scheduler.after(parts.waitMilliseconds, () => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        resolve(false);
      });
    });
  }

  applied(): void {
    const present = this.parts.applied();
    if (this.unproven.length > 0) this.unproven = this.unproven.filter((leader) => !this.isDecided(leader));
    for (const { version, resolve } of this.waiting) if (!isBehind(present, version)) resolve(true);
    this.waiting = this.waiting.filter(({ version }) => isBehind(present, version));
  }

  /** Whether all that the leader had is applied, which proves something, or never will be: its log went another way. */
  private isDecided({ at, last }: LeaderConfirmed): boolean {
    const { parts } = this;
    if (isBehind(parts.applied(), last)) return false;
    const isHere = parts.holds(last) === true;
    if (isHere && (this.proven === undefined || at.monotonic > this.proven.monotonic)) this.proven = at;
    return true;
  }

  checkInvariants(): void {
    const { asked, unproven, waiting } = this;
    assert(asked.size <= questionsMax, "questions to the leader beyond their bound", { count: asked.size });
    assert(unproven.length <= unprovenMax, "what a leader had beyond its bound", { count: unproven.length });
    assert(waiting.length <= this.parts.waitersMax, "reads that wait beyond their bound", { count: waiting.length });
  }

  close(): void {
    this.isClosed = true;
    for (const { resolve } of this.waiting.splice(0)) resolve(false);
  }
}

const questionsMax = 8;
const unprovenMax = 8;

/** Terms do not fall along a log: behind an entry of a later term none of an earlier one comes any more. */
const isBehind = (applied: Version, version: Version): boolean => compareVersions(applied, version) < 0;
