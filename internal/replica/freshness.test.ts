import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../base/ids.ts";
import type { Term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { Freshness } from "./freshness.ts";

/** Time goes on by itself, a millisecond a look; an entry is applied when a test says so. */
class World {
  now = 0;
  index = 0;
  /** Of the leader that is asked. */
  term = term(1);
  /** What was applied, by index. */
  private readonly terms: Term[] = [];
  asked = 0;
  readonly freshness = new Freshness({
    clock: { wallMilliseconds: () => this.now, monotonicMilliseconds: () => this.now },
    scheduler: { after: () => ({ cancel: () => undefined }), afterTurn: () => undefined },
    waitMilliseconds: 50,
    waitersMax: 3,
    applied: () => ({ term: this.terms[this.index] ?? term(0), index: logIndex(this.index) }),
    holds: (version) => version.index <= this.index && this.terms[version.index] === version.term,
    term: () => this.term,
    ask: () => ++this.asked,
  });

  /** The leader was at `last` when it was asked at `at`. */
  confirm(at: number, last: number): void {
    this.now = at;
    this.freshness.refresh();
    const place = { commit: logIndex(last), last: logIndex(last), time: stamp(1) };
    this.freshness.readAnswered({ kind: "confirmed", context: this.asked, ...place });
    this.freshness.checkInvariants();
  }

  /** Entries up to `index`, those that are new of the present term. */
  apply(index: number): void {
    while (this.index < index) this.terms[++this.index] = this.term;
    this.freshness.applied();
  }
}

describe("how fresh a replica's records are", () => {
  it("rule 15: proves with the first and the newest of what the leader said while nothing was applied, and keeps few", () => {
    const world = new World();
    for (let at = 1; at <= 200; at++) world.confirm(at, at);
    world.now = 1000;
    world.apply(1);
    assert.equal(world.freshness.stalenessMilliseconds, 999);
    world.apply(199);
    assert.ok((world.freshness.stalenessMilliseconds ?? 0) > 800);
    world.apply(200);
    assert.equal(world.freshness.stalenessMilliseconds, 800);
  });

  it("rule 15: is not held up by what a leader that went away had, and nobody ever applies", () => {
    const world = new World();
    for (let at = 1; at <= 20; at++) world.confirm(at, 9000 + at);
    for (let at = 100; at <= 2000; at += 2) {
      world.apply(at - 5);
      world.confirm(at, at);
    }
    assert.equal(world.freshness.stalenessMilliseconds, 6);
  });

  it("rule 15: proves nothing by an entry that another leader's has taken the place of", () => {
    const world = new World();
    world.apply(1);
    world.confirm(10, 3);
    world.confirm(20, 2);
    world.term = term(2);
    world.now = 100;
    world.apply(5);
    assert.equal(world.freshness.stalenessMilliseconds, undefined);
    world.confirm(200, 6);
    world.now = 250;
    world.apply(6);
    assert.equal(world.freshness.stalenessMilliseconds, 50);
  });

  it("rule 15: an answer is of the leader that was asked, whoever leads when it is taken", () => {
    const world = new World();
    world.apply(1);
    world.now = 10;
    world.freshness.refresh();
    world.term = term(2);
    world.apply(5);
    const place = { commit: logIndex(1), last: logIndex(3), time: stamp(1) };
    world.freshness.readAnswered({ kind: "confirmed", context: world.asked, ...place });
    assert.equal(world.freshness.stalenessMilliseconds, undefined);
  });

  it("rule 16: has no more than so many reads wait; others are told at once that it takes too long", async () => {
    const { freshness } = new World();
    const version = { term: term(1), index: logIndex(7) };
    const waiting = [1, 2, 3].map(() => freshness.whenApplied(version));
    assert.equal(await freshness.whenApplied(version), false);
    freshness.checkInvariants();
    freshness.close();
    assert.deepEqual(await Promise.all(waiting), [false, false, false]);
  });
});
