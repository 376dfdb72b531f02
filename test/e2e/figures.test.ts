import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { History } from "../sim/history.ts";
import type { Mode, Written } from "../sim/history.ts";
import { figuresOf, shortcomings } from "./figures.ts";
import type { Figures } from "./figures.ts";

const done: Written = { kind: "done", version: { term: term(1), index: logIndex(1) }, at: undefined, values: [] };

/** What was asked for from one moment to another, with an answer or without. */
function story(...asked: readonly (readonly [from: number, to: number, isAnswered: boolean, mode?: Mode])[]): History {
  const history = new History();
  for (const [from, to, isAnswered, mode = "strong"] of asked) {
    const step = {
      key: "k",
      action: "put",
      condition: "none",
      expiry: "never",
      body: "",
      wantsPrevious: false,
    } as const;
    const entry =
      mode === "strong"
        ? history.begin(1, { kind: "write", mode, steps: [step], request: undefined }, from)
        : history.begin(1, { kind: "read", mode, key: "k" }, from);
    history.end(entry, isAnswered ? done : undefined, to);
  }
  return history;
}

describe("what clients met in a run of real processes", () => {
  it("is inside of a fault when any of it was, and outside else", () => {
    const { entries } = story(
      [0, 9, true],
      [9, 11, false],
      [12, 13, true],
      [19, 21, true],
      [21, 22, true],
      [23, 24, false],
    );
    const { inside, outside } = figuresOf(entries, [{ from: 10, to: 20 }]);
    assert.deepEqual(inside, { asked: 3, answered: 2 });
    assert.deepEqual(outside, { asked: 3, answered: 2 });
  });

  it("has a gap between the answered strong writes from each fault on, until the first that is answered after it", () => {
    const rounds = [
      { from: 10, to: 20 },
      { from: 100, to: 110 },
    ];
    const { entries } = story(
      [1, 2, true],
      [11, 13, true],
      [14, 15, false],
      [14, 16, true, "fast"],
      [20, 28, true],
      [99, 104, true],
      [111, 112, true],
    );
    assert.equal(figuresOf(entries, rounds).longestGap, 15, "from 13 to 28");
    const late = story([99, 104, true], [111, 190, true]);
    assert.equal(figuresOf(late.entries, rounds).longestGap, 94, "nothing from 10 to 104");
  });
});

describe("whether a run of real processes is enough for a verdict", () => {
  const figures: Figures = {
    inside: { asked: 500, answered: 100 },
    outside: { asked: 1000, answered: 990 },
    longestGap: 900,
  };
  const counts = { silent: 0, late: 0 };
  const wanted = { operations: 1090, judgesPace: true };

  it("is when nearly all is answered outside of faults, something inside, and everybody gets an answer", () => {
    assert.deepEqual(shortcomings(figures, counts, wanted), { fails: [], tells: [] });
  });

  it("is not when too little happened, was answered, or was answered in time", () => {
    const few = { ...figures, outside: { asked: 1000, answered: 989 } };
    assert.deepEqual(shortcomings(few, counts, { ...wanted, operations: 1000 }).fails, [
      "only 989 of 1000 operations outside of the fault were answered",
    ]);
    assert.deepEqual(shortcomings(figures, counts, { ...wanted, operations: 1091 }).fails, [
      "1090 operations were answered, of at least 1091",
    ]);
    const dead = { ...figures, inside: { asked: 500, answered: 0 } };
    assert.deepEqual(shortcomings(dead, counts, { ...wanted, operations: 900 }).fails, [
      "no operation was answered while the fault lasted",
    ]);
    assert.deepEqual(shortcomings(figures, { silent: 1, late: 2 }, wanted).fails, [
      "1 requests were never answered",
      "2 requests were answered long after their deadline",
    ]);
  });

  it("is, where pace is not judged, unless somebody waits for ever: what was slow is told", () => {
    const slow = { ...figures, inside: { asked: 500, answered: 0 }, outside: { asked: 1000, answered: 800 } };
    const patient = { ...wanted, judgesPace: false };
    const { fails, tells } = shortcomings(slow, { silent: 0, late: 2 }, patient);
    assert.deepEqual(fails, []);
    assert.deepEqual(tells, [
      "2 requests were answered long after their deadline",
      "800 operations were answered, of at least 1090",
      "only 800 of 1000 operations outside of the fault were answered",
      "no operation was answered while the fault lasted",
    ]);
    assert.deepEqual(shortcomings(figures, { silent: 1, late: 0 }, patient).fails, ["1 requests were never answered"]);
    const dead = { ...slow, outside: { asked: 1000, answered: 0 } };
    assert.deepEqual(shortcomings(dead, counts, patient).fails, ["nothing was answered at all"]);
  });
});
