// The checkers are checked: histories that are good, and others, each with one thing that cannot be.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { checkRegisters, judgeHistory } from "./checkers.ts";
import type { JudgedBy } from "./checkers.ts";
import { History } from "./history.ts";
import type { HistoryEntry, Mode, Step, StepAction, Told } from "./history.ts";
import { Violation } from "./violation.ts";

const at = (index: number, of = 1): Version => ({ term: term(of), index: logIndex(index) });
const fine: JudgedBy = { clockError: 0, fates: new Map(), leaders: [] };

/** A history in which each operation is told by its call, its return and its answer. */
class Story {
  readonly history = new History();

  write(
    steps: readonly Step[],
    span: readonly [number, number],
    told: Told | undefined,
    mode: "fast" | "strong" = "strong",
  ): HistoryEntry {
    const done = { kind: "write", mode, steps, request: undefined } as const;
    const entry = this.history.begin(1, done, span[0]);
    this.history.end(entry, told, span[1]);
    return entry;
  }

  read(key: string, span: readonly [number, number], told: Told, mode: Mode = "strong"): HistoryEntry {
    const entry = this.history.begin(2, { kind: "read", mode, key }, span[0]);
    this.history.end(entry, told, span[1]);
    return entry;
  }

  /** The check that speaks, or "fine". */
  verdict(by: Partial<JudgedBy> = {}): string {
    try {
      judgeHistory(this.history, { ...fine, ...by });
      return "fine";
    } catch (failure) {
      assert.ok(failure instanceof Violation, String(failure));
      return failure.by;
    }
  }

  /** Whether its strong operations can be put into an order. */
  order(clockError = 0): string {
    return checkRegisters(this.history.entries, clockError).kind;
  }
}

const step = (action: StepAction, key: string, more: Partial<Step> = {}): Step => {
  return { key, action, condition: "none", expiry: "never", body: "", wantsPrevious: false, ...more };
};
const put = (key: string, body: string, more: Partial<Step> = {}): Step => step("put", key, { body, ...more });
const done = (version: Version, stamped?: number, ...values: (string | undefined)[]): Told => {
  return { kind: "done", version, at: stamped, values };
};
const refused = (present?: Version, which = 0): Told => ({ kind: "refused", why: "condition", step: which, present });
const saw = (value?: string, version?: Version, expiresAt?: number): Told => ({
  kind: "saw",
  value,
  version,
  expiresAt,
});

describe("the model of strong keys", () => {
  it("knows conditions: of two that expect the same version one wins", () => {
    for (const [second, expected] of [
      [refused(at(2)), "linearizable"],
      [done(at(3)), "violated"],
    ] as const) {
      const story = new Story();
      story.write([put("s0", "a")], [0, 1], done(at(1)));
      story.write([put("s0", "b", { condition: at(1) })], [2, 9], done(at(2)));
      story.write([put("s0", "c", { condition: at(1) })], [2, 9], second);
      assert.equal(story.order(), expected);
    }
    const story = new Story();
    story.write([put("s0", "a")], [0, 1], done(at(1)));
    story.write([put("s0", "b", { condition: at(1) })], [2, 3], refused(at(1)));
    assert.equal(story.order(), "violated", "a condition that held was refused");
  });

  it("knows counters and appends, and that each takes effect once", () => {
    const count = (sums: readonly string[]): string => {
      const story = new Story();
      for (const [which, sum] of sums.entries()) {
        story.write([step("increment", "s1", { body: "2" })], [0, 9], done(at(which + 1), 0, sum));
      }
      story.write([step("append", "s1", { body: "x" })], [10, 11], done(at(9), 10, "2"));
      return story.order();
    };
    assert.equal(count(["4", "2"].reverse()), "linearizable");
    assert.equal(count(["2", "2"]), "violated", "one of the two was lost");
    assert.equal(count(["2", "6"]), "violated", "one of the two counted twice");
  });

  it("lets an addition of unknown outcome count once or never, and later as well", () => {
    for (const [sums, expected] of [
      [["1", "3"], "linearizable"],
      [["1", "2"], "linearizable"],
      [["1", "4"], "violated"],
    ] as const) {
      const story = new Story();
      story.write([step("increment", "s1", { body: "1" })], [0, 1], undefined);
      for (const [which, sum] of sums.entries()) {
        const span = [10 * which + 10, 10 * which + 11] as const;
        story.write([step("increment", "s1", { body: "1" })], span, done(at(which + 5), 0, sum));
      }
      assert.equal(story.order(), expected);
    }
  });

  it("sees a record gone only from its expiry on, alive only before, and never gone and back", () => {
    const story = (...reads: readonly (readonly [number, boolean])[]): Story => {
      const told = new Story();
      told.write([put("s0", "a", { expiry: 100 })], [0, 1], done(at(1), 0.5));
      for (const [moment, isThere] of reads) {
        told.read("s0", [moment, moment + 1], isThere ? saw("a", at(1), 100.5) : saw());
      }
      return told;
    };
    assert.equal(story([50, true], [120, false]).order(10), "linearizable");
    assert.equal(story([50, false]).order(10), "violated", "too early");
    assert.equal(story([120, true]).order(10), "violated", "too late");
    assert.equal(story([95, false], [105, true]).order(10), "violated", "gone and back");
    assert.equal(story([95, true], [105, false]).order(10), "linearizable");
    const other = new Story();
    other.write([put("s0", "a", { expiry: 100 })], [0, 1], done(at(1), 0.5));
    other.read("s0", [50, 51], saw("a", at(1), 150));
    assert.equal(other.order(10), "violated", "it was given other time");
  });

  it("keeps the expiry when it is to be kept, and clears it when nothing is said", () => {
    for (const [expiry, expected] of [
      ["keep", "violated"],
      ["never", "linearizable"],
    ] as const) {
      const story = new Story();
      story.write([put("s0", "a", { expiry: 100 })], [0, 1], done(at(1), 0));
      story.write([put("s0", "b", { expiry })], [2, 3], done(at(2), 2));
      story.read("s0", [300, 301], saw("b", at(2)));
      assert.equal(story.order(), expected);
    }
  });

  it("takes a batch whole or not at all", () => {
    for (const [other, expected] of [
      [saw("b", at(3)), "linearizable"],
      [saw(), "violated"],
    ] as const) {
      const story = new Story();
      story.write([put("s0/a", "a"), put("s0/b", "b")], [0, 1], done(at(3)));
      story.read("s0/a", [2, 3], saw("a", at(3)));
      story.read("s0/b", [2, 3], other);
      assert.equal(story.order(), expected);
    }
    const story = new Story();
    story.write([put("s0/a", "a"), put("s0/b", "b", { condition: "present" })], [0, 1], refused(undefined, 1));
    story.read("s0/a", [2, 3], saw("a", at(1)));
    assert.equal(story.order(), "violated", "a part of a batch that was refused");
  });

  it("tells previous values, versions that grow, and what a stale read is", () => {
    const story = (second: Told, read: Told): string => {
      const told = new Story();
      told.write([put("s0", "a")], [0, 1], done(at(5)));
      told.write([put("s0", "b", { wantsPrevious: true })], [2, 3], second);
      told.read("s0", [4, 5], read);
      return told.order();
    };
    assert.equal(story(done(at(6), 0, "a"), saw("b", at(6))), "linearizable");
    assert.equal(story(done(at(6), 0, "x"), saw("b", at(6))), "violated");
    assert.equal(story(done(at(4), 0, "a"), saw("b", at(4))), "violated", "an older version for a newer write");
    assert.equal(story(done(at(6), 0, "a"), saw("a", at(5))), "violated", "a stale read");
    assert.equal(story(done(at(6), 0, "a"), saw("b", at(7))), "violated", "another version than was told");
  });
});

describe("the promises of a key", () => {
  const written = (mode: "fast" | "strong" = "fast"): Story => {
    const story = new Story();
    story.write([put("f0", "1")], [0, 1], done(at(1), 0), mode);
    story.write([put("f0", "2")], [2, 3], done(at(2), 2), mode);
    return story;
  };

  it("are kept by a history in which a fast read is stale", () => {
    const story = written();
    story.read("f0", [5, 6], saw("1", at(1)), "fast");
    story.read("f0", [7, 8], saw("2", at(2)));
    assert.equal(story.verdict({ fates: new Map([["1.2", "committed"]]) }), "fine");
  });

  it("forbid what nobody wrote, or only later, or what had no effect", () => {
    const never = written();
    never.read("f0", [5, 6], saw("7", at(7)), "fast");
    assert.equal(never.verdict(), "reads of what was written");
    const early = new Story();
    early.read("f0", [0, 1], saw("1", at(1)), "fast");
    early.write([put("f0", "1")], [2, 3], done(at(1), 2), "fast");
    assert.equal(early.verdict(), "reads of what was written");
    const without = new Story();
    const entry = without.history.begin(
      1,
      { kind: "write", mode: "strong", steps: [put("f0", "1")], request: undefined },
      0,
    );
    without.history.endVoid(entry, 1);
    without.read("f0", [2, 3], saw("1", at(1)), "fast");
    assert.equal(without.verdict(), "reads of what was written");
  });

  it("forbid two writes of one version, and one request in two", () => {
    const two = written();
    two.read("f0", [5, 6], saw("1", at(2)), "fast");
    assert.equal(two.verdict(), "one write a version");
    const twice = new Story();
    const request = twice.history.begin(1, { kind: "write", mode: "fast", steps: [put("f0", "1")], request: "r" }, 0);
    twice.history.end(request, done(at(1)), 9);
    request.versions.push(at(1), at(3));
    twice.read("f0", [10, 11], saw("1", at(1)));
    twice.read("f0", [12, 13], saw("1", at(3)));
    assert.equal(twice.verdict(), "once a request");
    // A leader that is cut off shows a try that a later one takes the place of.
    const shown = new Story();
    const retried = shown.history.begin(1, { kind: "write", mode: "fast", steps: [put("f0", "1")], request: "r" }, 0);
    shown.history.end(retried, done(at(3)), 9);
    retried.versions.push(at(1), at(3));
    shown.read("f0", [10, 11], saw("1", at(1)), "fast");
    shown.read("f0", [12, 13], saw("1", at(3)));
    assert.equal(shown.verdict(), "fine");
  });

  it("forbid strong reads to go back, or to miss what was answered strongly or by the present leader", () => {
    const back = written();
    back.read("f0", [5, 6], saw("2", at(2)));
    back.read("f0", [7, 8], saw("1", at(1)));
    assert.equal(back.verdict(), "strong reads");
    const missed = written("strong");
    missed.read("f0", [5, 6], saw("1", at(1)));
    assert.equal(missed.verdict(), "strong reads");
    const answered = written();
    answered.read("f0", [5, 6], saw("1", at(1)));
    assert.equal(answered.verdict(), "strong reads of fast writes");
    assert.equal(answered.verdict({ leaders: [{ term: 2, since: 4 }] }), "fine", "another leader need not know");
    const gone = written();
    gone.read("f0", [5, 6], saw("2", at(2)));
    gone.read("f0", [7, 8], saw());
    assert.equal(gone.verdict(), "strong reads");
  });

  it("forbid a leader to forget what it answered, and a replica what it has applied", () => {
    const forgotten = written();
    forgotten.read("f0", [5, 6], saw("1", at(1)), "fast").ledTerm = 1;
    assert.equal(forgotten.verdict(), "reads at the leader");
    const session = written();
    session.read("f0", [5, 6], saw("1", at(1)), "session").versions.push(at(2));
    assert.equal(session.verdict(), "session reads");
  });

  it("forbid a node to show less than it has shown, unless that is lost, or another node did", () => {
    const by = { remembersReads: true };
    const story = (
      first: readonly [Told, string],
      then: readonly [Told, string],
      mode: "fast" | "strong" = "strong",
    ) => {
      const told = written(mode);
      for (const [at, [saw, via]] of [first, then].entries()) {
        told.read("f0", [5 + 2 * at, 6 + 2 * at], saw, "fast").via = via;
      }
      return told;
    };
    const [older, newer] = [saw("1", at(1)), saw("2", at(2))];
    assert.equal(story([older, "n1/1"], [newer, "n1/1"]).verdict(by), "fine");
    assert.equal(story([newer, "n1/1"], [older, "n1/1"]).verdict(by), "own reads");
    assert.equal(story([newer, "n1/1"], [older, "n1/1"]).verdict(), "fine", "it never promised that");
    assert.equal(story([newer, "n1/1"], [older, "n1/3"]).verdict(by), "fine", "another process");
    assert.equal(story([newer, "n1/1"], [saw(), "n1/1"]).verdict(by), "own reads");
    assert.equal(story([newer, "n1/1"], [older, "n1/1"], "fast").verdict(by), "own reads");
    const lost = { ...by, leaders: [{ term: 2, since: 7 }] };
    assert.equal(story([newer, "n1/1"], [older, "n1/1"], "fast").verdict(lost), "fine", "its leader has a successor");
    assert.equal(story([newer, "n1/1"], [older, "n1/1"]).verdict(lost), "own reads", "it was written strongly");
  });

  it("forbid a node to show less than a condition was told to have met by way of it", () => {
    for (const [via, verdict] of [
      ["n1/1", "own reads"],
      ["n1/3", "fine"],
    ] as const) {
      const story = written("strong");
      story.write([put("f0", "3", { condition: "absent" })], [4, 5], refused(at(2))).via = "n1/1";
      story.read("f0", [6, 7], saw("1", at(1)), "fast").via = via;
      assert.equal(story.verdict({ remembersReads: true }), verdict);
    }
  });

  it("forbid a node to show again what it has shown and then found gone", () => {
    const story = (modeOfDelete: "fast" | "strong", ...reads: readonly Told[]): string => {
      const told = written("strong");
      told.write([step("delete", "f0")], [4, 5], done(at(3), 4), modeOfDelete);
      for (const [which, one] of reads.entries()) {
        told.read("f0", [6 + 2 * which, 7 + 2 * which], one, "fast").via = "n1/1";
      }
      return told.verdict({ remembersReads: true });
    };
    const there = saw("2", at(2));
    assert.equal(story("strong", there, saw()), "fine");
    assert.equal(story("strong", there, saw(), there), "own reads");
    assert.equal(story("fast", there, saw(), there), "fine", "the delete may be lost");
    assert.equal(story("strong", saw(), there), "fine", "it may not have known of it at all");
  });

  it("forbid what had expired, and what was gone and came back", () => {
    const late = new Story();
    late.write([put("f0", "1", { expiry: 10 })], [0, 1], done(at(1), 0), "fast");
    late.read("f0", [30, 31], saw("1", at(1), 10), "fast");
    assert.equal(late.verdict({ clockError: 5 }), "expiry");
    assert.equal(late.verdict({ clockError: 25 }), "fine");
    const back = new Story();
    back.write([put("m0", "1", { expiry: 10 })], [0, 1], done(at(1), 0), "fast");
    back.read("m0", [2, 3], saw("1", at(1), 10));
    back.read("m0", [11, 12], saw());
    back.read("m0", [13, 14], saw("1", at(1), 10));
    assert.equal(back.verdict({ clockError: 5 }), "gone and back");
  });

  it("forbid that a strong read finds nothing where a touch found something, though their versions differ", () => {
    const story = (lives: number, ...more: readonly Step[]): Story => {
      const told = new Story();
      told.write([put("m0", "1", { expiry: 100 })], [0, 1], done(at(1), 0), "strong");
      told.read("m0", [95, 200], saw());
      told.write([step("touch", "m0", { expiry: lives })], [105, 106], done(at(3), 105), "strong");
      for (const one of more) told.write([one], [97, 99], done(at(2), 98), "strong");
      return told;
    };
    assert.equal(story(1000).verdict({ clockError: 20 }), "gone and back");
    assert.equal(story(50).verdict({ clockError: 20 }), "fine", "it had expired");
    assert.equal(story(1000, put("m0", "2")).verdict({ clockError: 20 }), "fine", "it was made anew");
  });

  it("forbid fates that are not true", () => {
    const lost = written();
    lost.read("f0", [5, 6], saw("2", at(2)));
    assert.equal(lost.verdict({ fates: new Map([["1.2", "lost"]]) }), "fates");
    const kept = written();
    kept.read("f0", [5, 6], saw("1", at(1)));
    const by = { leaders: [{ term: 2, since: 4 }] };
    assert.equal(kept.verdict({ ...by, fates: new Map([["1.2", "salvaged"]]) }), "fates");
    assert.equal(kept.verdict({ ...by, fates: new Map([["1.2", "lost"]]) }), "fine");
  });
});

describe("the model and trying every order", () => {
  it("agree on random histories of conditions, counters and time to live", () => {
    const seed = 20_261_121;
    const random = new Prng(seed);
    const verdicts = new Map<string, number>();
    for (let round = 0; round < 3000; round++) {
      const story = randomStory(random);
      const { kind } = checkRegisters(story.history.entries, 0);
      const expected = someOrderFits(story.history.entries) ? "linearizable" : "violated";
      assert.equal(kind, expected, `seed ${seed}, round ${round}: ${JSON.stringify(story.history.entries)}`);
      verdicts.set(kind, (verdicts.get(kind) ?? 0) + 1);
    }
    const counts = String([...verdicts]);
    assert.ok((verdicts.get("linearizable") ?? 0) > 300 && (verdicts.get("violated") ?? 0) > 300, counts);
  });
});

/** What was told is right now and then only. */
function randomStory(random: Prng): Story {
  const story = new Story();
  let index = 1;
  for (let count = random.between(1, 5); count > 0; count--) {
    const calledAt = random.below(12);
    const span = [calledAt, calledAt + random.below(6)] as const;
    const isUnknown = random.chance(1, 6);
    const version = at(index++);
    const value = random.pick([undefined, "1", "2", "3"]);
    switch (random.below(4)) {
      case 0: {
        const expiry = random.chance(1, 3) ? 6 : "never";
        story.write(
          [put("s0", random.pick(["1", "2"]), { expiry })],
          span,
          isUnknown ? undefined : done(version, calledAt),
        );
        break;
      }
      case 1:
        story.write(
          [step("increment", "s0", { body: "1" })],
          span,
          isUnknown ? undefined : done(version, calledAt, value ?? "1"),
        );
        break;
      case 2: {
        const told = random.chance(1, 2)
          ? done(version, calledAt)
          : refused(value === undefined ? undefined : at(random.between(1, 5)));
        story.write([put("s0", "3", { condition: "absent" })], span, isUnknown ? undefined : told);
        break;
      }
      default:
        story.read(
          "s0",
          span,
          value === undefined ? saw() : saw(value, at(random.between(1, 5)), random.chance(1, 4) ? 6 : undefined),
        );
    }
  }
  return story;
}

interface Held {
  readonly value: string;
  readonly version: number | undefined;
  readonly expiresAt: number | undefined;
}

/** All orders, and in each of them all moments: on a grid that is fine enough, for everything happens at whole milliseconds. */
function someOrderFits(entries: readonly HistoryEntry[]): boolean {
  const place = (held: Held | undefined, floor: number, moment: number, left: readonly HistoryEntry[]): boolean => {
    if (left.every(({ told }) => told === undefined)) return true;
    return left.some((entry) => {
      const others = left.filter((other) => other !== entry);
      const end = entry.told === undefined ? 40 : entry.returnedAt;
      for (let now = Math.max(moment, entry.calledAt); now <= end; now += 0.5) {
        if (others.some(({ told, returnedAt }) => told !== undefined && returnedAt < now)) break;
        for (const next of resultsOf(entry, held, { floor, now })) {
          if (place(next.held, next.floor, now, others)) return true;
        }
      }
      return false;
    });
  };
  return place(undefined, 0, 0, entries);
}

function resultsOf(
  { done: what, told, calledAt }: HistoryEntry,
  held: Held | undefined,
  { floor, now }: { floor: number; now: number },
): { held: Held | undefined; floor: number }[] {
  const isGone = held?.expiresAt !== undefined && held.expiresAt <= now;
  const present = isGone ? undefined : held;
  if (what.kind === "read") {
    if (told?.kind !== "saw" || told.value !== present?.value) return [];
    if (present === undefined) return [{ held: undefined, floor }];
    const isSame =
      told.expiresAt === present.expiresAt && (present.version ?? told.version?.index) === told.version?.index;
    return isSame
      ? [{ held: { ...present, version: told.version?.index }, floor: Math.max(floor, told.version?.index ?? 0) }]
      : [];
  }
  const [one] = what.steps as [Step];
  if (told?.kind === "refused") {
    const fits =
      present !== undefined &&
      told.present !== undefined &&
      (present.version ?? told.present.index) === told.present.index;
    return fits ? [{ held: present, floor }] : [];
  }
  if (one.condition === "absent" && present !== undefined) return [];
  if (told?.kind === "done" && told.version.index <= floor) return [];
  const sum = String(Number(present?.value ?? "0") + 1);
  if (one.action === "increment" && told?.kind === "done" && told.values[0] !== sum) return [];
  const version = told?.kind === "done" ? told.version.index : undefined;
  const expiresAt = typeof one.expiry === "number" ? (told === undefined ? now : calledAt) + one.expiry : undefined;
  const value = one.action === "increment" ? sum : one.body;
  return [{ held: { value, version, expiresAt }, floor: Math.max(floor, version ?? 0) }];
}
