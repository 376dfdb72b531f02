// Time in the simulator: events in the order of their virtual moments, and nothing happens between them.
//
//   moment:  due events -> promise chains drain -> what was put off to the end of the turn -> drain ... -> next
//
// Chains are drained by process.nextTick, whose queue Node looks at when no microtask is left: a round of the event loop
// (setImmediate) shows the same and costs more than what happens in it.
//
// A turn of a node's event loop is one such round, or takes a while: then whatever comes for the node meanwhile waits, and makes up
// its next turn, and what a pause held back comes in one turn as well:
//
//   node:  event ( busy ) event event event ( busy ) event ...        turn of one; turn of three, with one end; turn of one
//
// So a seed decides everything: the order of events is that of their moments, and among equals that of their making.

import process from "node:process";
import { assert } from "../../internal/base/assert.ts";
import { stampsPerMillisecond } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { Clock, Scheduler, Timer } from "../../internal/platform/clock.ts";
import { expectThat } from "./violation.ts";

/** In a virtual second. Runs have some thousands; what has more than this makes more and more of itself. */
const eventsMax = 100_000;

interface Event {
  readonly at: number;
  readonly order: number;
  action: (() => void) | undefined;
}

export class VirtualTime {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Events that have happened. */
  events = 0;
  private readonly heap: Event[] = [];
  private made = 0;
  /** The second that is going on, and the events in it. */
  private second = 0;
  private inSecond = 0;
  private turn: (() => void)[] = [];
  private rest: (() => void) | undefined;

  at(moment: number, action: () => void): Event {
    assert(moment >= this.now, "an event in the past", { moment, now: this.now });
    const event = { at: moment, order: this.made++, action };
    push(this.heap, event);
    return event;
  }

  after(milliseconds: number, action: () => void): Timer {
    const event = this.at(this.now + Math.max(0, milliseconds), action);
    return {
      cancel: () => {
        event.action = undefined;
      },
    };
  }

  afterTurn(action: () => void): void {
    this.turn.push(action);
  }

  /** What the present event has still to do in its turn, when promise chains have drained. REQUIRES: one at a time. */
  goOn(rest: () => void): void {
    this.rest = rest;
  }

  /** Runs until `moment`, or until `isDone` says so between two moments. */
  async runTo(moment: number, isDone: () => boolean = () => false): Promise<void> {
    while (!isDone()) {
      await this.settle();
      const next = this.heap[0];
      if (next === undefined || next.at > moment) {
        this.now = moment;
        return;
      }
      this.now = next.at;
      pop(this.heap);
      this.count();
      next.action?.();
      while (this.rest !== undefined) {
        await drained();
        const { rest } = this;
        this.rest = undefined;
        rest();
      }
    }
  }

  private count(): void {
    this.events++;
    const second = Math.floor(this.now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.inSecond = 0;
    }
    this.inSecond++;
    expectThat(this.inSecond <= eventsMax, "storm", () => `more than ${eventsMax} events in second ${second}`);
  }

  /** Lets everything end that needs no time. */
  async settle(): Promise<void> {
    for (;;) {
      await drained();
      if (this.turn.length === 0) return;
      const due = this.turn;
      this.turn = [];
      for (const action of due) {
        this.count();
        action();
      }
    }
  }
}

/** How far a machine's wall clock is off. It lives longer than a process. */
export class ClockError {
  private offset = 0;
  private perMille = 0;
  private since = 0;

  /** It shows so many milliseconds more than the true time from now on, and gains so many in each second. */
  set(now: number, milliseconds: number, driftPerMille = 0): void {
    this.offset = milliseconds;
    this.perMille = driftPerMille;
    this.since = now;
  }

  at(now: number): number {
    return this.offset + Math.floor(((now - this.since) * this.perMille) / 1000);
  }
}

/** How a process's event loop gets its events. */
export interface Turns {
  /** So long each of them takes; 0: each event has one of its own, unless the process was paused. */
  readonly milliseconds: number;
  /** Promise chains drain between the events of a turn, as between what comes from different sockets. */
  readonly drains: boolean;
}

const turnOfEach: Turns = { milliseconds: 0, drains: false };

/** A process's own idea of the time. One that is paused gets no turn. */
export class NodeClock implements Clock, Scheduler {
  /** Set when its process is no more: nothing that it put off happens. */
  isDead = false;
  private readonly time: VirtualTime;
  private readonly error: ClockError;
  private readonly turns: Turns;
  /** Turns of more than one event. */
  private fullTurns = 0;
  private pausedUntil = 0;
  private busyUntil = 0;
  private endsPutOff = 0;
  /** It is paused for so long in its next turn, behind so many events or at its end. */
  private pauseInTurn: { readonly milliseconds: number; readonly events: number } | undefined;
  /** A turn that goes on when the pause is over: its other events, and what was put off to its end. */
  private interrupted: { readonly rest: readonly (() => void)[]; readonly ends: (() => void)[] } | undefined;
  /** What has come, and waits for the next turn, which is due. */
  private waiting: (() => void)[] = [];

  constructor(time: VirtualTime, error = new ClockError(), turns = turnOfEach) {
    this.time = time;
    this.error = error;
    this.turns = turns;
  }

  wallMilliseconds(): number {
    const { now } = this.time;
    return epochMilliseconds + Math.floor(now) + this.error.at(now);
  }

  monotonicMilliseconds(): number {
    return this.time.now;
  }

  pause(milliseconds: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.time.now + milliseconds);
  }

  /** It stands still in its next turn: behind so many of its events, or, where there are fewer, between them and the turn's end. */
  pauseWithinTurn(milliseconds: number, events: number): void {
    this.pauseInTurn = { milliseconds, events };
  }

  wasPausedSince(moment: number): boolean {
    return this.pausedUntil > moment;
  }

  /** What it put off to its turn's end has still to come. */
  get isWithinTurn(): boolean {
    return this.interrupted !== undefined || this.endsPutOff > 0;
  }

  get isPaused(): boolean {
    return this.time.now < this.pausedUntil;
  }

  /** Does it now, or in the process's next turn, unless it has ended by then. */
  live(action: () => void): void {
    if (this.isDead) return;
    const free = Math.max(this.pausedUntil, this.busyUntil);
    if (this.waiting.length === 0) {
      if (this.time.now >= free && this.interrupted === undefined) return this.handle([action], 0);
      this.time.at(Math.max(free, this.time.now), () => this.takeTurn());
    }
    this.waiting.push(action);
  }

  after(milliseconds: number, action: () => void): Timer {
    let isCancelled = false;
    // It may be cancelled by what comes before it in its turn.
    const due = (): void => {
      if (!isCancelled) action();
    };
    const timer = this.time.after(milliseconds, () => this.live(due));
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  afterTurn(action: () => void): void {
    this.endsPutOff++;
    this.time.afterTurn(() => {
      this.endsPutOff--;
      if (this.isDead) return;
      if (this.interrupted !== undefined) this.interrupted.ends.push(action);
      else if (this.isPaused) this.live(() => this.afterTurn(action));
      else action();
    });
  }

  /** How many of its turns had more than one event since it was asked last. */
  takeFullTurns(): number {
    const { fullTurns } = this;
    this.fullTurns = 0;
    return fullTurns;
  }

  private takeTurn(): void {
    if (this.isDead) return;
    const free = Math.max(this.pausedUntil, this.busyUntil, this.time.now);
    if (free > this.time.now || this.interrupted !== undefined) {
      this.time.at(free, () => this.takeTurn());
      return;
    }
    const due = this.waiting;
    this.waiting = [];
    if (due.length > 1) this.fullTurns++;
    this.handle(due, 0);
  }

  private handle(due: readonly (() => void)[], from: number): void {
    const { time, turns } = this;
    this.busyUntil = time.now + turns.milliseconds;
    for (let at = from; at < due.length; at++) {
      if (this.isDead) return;
      (due[at] as () => void)();
      if (at + 1 === this.pauseInTurn?.events && at + 1 < due.length) return this.pauseWith(due.slice(at + 1));
      if (turns.drains && at + 1 < due.length) return time.goOn(() => this.handle(due, at + 1));
    }
    if (this.pauseInTurn !== undefined) this.pauseWith([]);
  }

  /** The turn goes on with the rest of its events when the pause is over. */
  private pauseWith(rest: readonly (() => void)[]): void {
    this.pause(this.pauseInTurn?.milliseconds ?? 0);
    this.pauseInTurn = undefined;
    this.interrupted = { rest, ends: [] };
    this.time.at(this.pausedUntil, () => this.resume());
  }

  private resume(): void {
    const { interrupted, time } = this;
    if (this.isDead || interrupted === undefined) return;
    if (this.isPaused) {
      time.at(this.pausedUntil, () => this.resume());
      return;
    }
    this.interrupted = undefined;
    for (const end of interrupted.ends) this.afterTurn(end);
    this.handle(interrupted.rest, 0);
  }
}

const epochMilliseconds = 1_700_000_000_000;

/** Resolves when no microtask is left. REQUIRES: it is called from one. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** A stamp or an expiry as a moment of virtual time, by a clock that is right. */
export const virtualMilliseconds = (value: Stamp): number => value / stampsPerMillisecond - epochMilliseconds;

const isBefore = (left: Event, right: Event): boolean =>
  left.at < right.at || (left.at === right.at && left.order < right.order);

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Event;
    if (!isBefore(event, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
}
