import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Deadlines } from "./deadlines.ts";

/** A clock that goes when it is told, with the timers that are due by then. */
class HandClock {
  now = 0;
  timers: { readonly at: number; readonly action: () => void }[] = [];
  readonly clock = { monotonicMilliseconds: () => this.now, wallMilliseconds: () => this.now };
  readonly scheduler = {
    after: (milliseconds: number, action: () => void) => {
      const timer = { at: this.now + milliseconds, action };
      this.timers.push(timer);
      return { cancel: () => void (this.timers = this.timers.filter((each) => each !== timer)) };
    },
    afterTurn: (action: () => void) => action(),
  };

  goTo(time: number): void {
    for (;;) {
      const due = this.timers.toSorted((left, right) => left.at - right.at).find(({ at }) => at <= time);
      if (due === undefined) break;
      this.timers = this.timers.filter((each) => each !== due);
      this.now = due.at;
      due.action();
    }
    this.now = time;
  }
}

describe("deadlines", () => {
  it("are told at their time, the later ones and those that came later too, and never when they were ended", () => {
    const hand = new HandClock();
    const deadlines = new Deadlines(hand.clock, hand.scheduler);
    const told: string[] = [];
    const begin = (name: string, milliseconds: number) =>
      deadlines.begin(milliseconds, () => void told.push(`${name} at ${hand.now}`));
    begin("long", 5000);
    const ended = begin("ended", 40);
    begin("short", 50);
    hand.goTo(30);
    begin("shorter", 10);
    deadlines.end(ended);
    hand.goTo(1000);
    assert.deepEqual(told, ["shorter at 40", "short at 50"]);
    hand.goTo(6000);
    assert.deepEqual(told.slice(2), ["long at 5000"]);
    assert.deepEqual(hand.timers, []);
  });

  it("set one timer for many that follow one another", () => {
    const hand = new HandClock();
    const deadlines = new Deadlines(hand.clock, hand.scheduler);
    for (let count = 0; count < 1000; count++) {
      hand.goTo(count);
      deadlines.end(deadlines.begin(5000, assert.fail));
      assert.equal(hand.timers.length, 1);
    }
    hand.goTo(20_000);
    assert.deepEqual(hand.timers, []);
  });
});
