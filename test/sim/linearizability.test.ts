import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Model, Operation } from "./linearizability.ts";

type Input = { readonly write: number } | "read" | { readonly from: number; readonly to: number };
type Output = number | "ok" | "failed";

const register: Model<number, Input, Output> = {
  first: 0,
  apply(state, { input, output }) {
    if (input === "read") return output === undefined || output === state ? [state] : [];
    // It may come to one more than it says: some writes have two results.
    if ("write" in input) return input.write === 2 ? [2, 3] : [input.write];
    if (output === "failed") return state === input.from ? [] : [state];
    return state === input.from ? [input.to] : [];
  },
  nameOf: String,
  inOrder: () => [],
};

type Op = Operation<Input, Output>;
const op = (input: Input, output: Output | undefined, calledAt: number, returnedAt: number): Op => {
  return { input, output, calledAt, returnedAt };
};
const verdict = (...operations: Op[]): string => checkLinearizable(operations, register).kind;

describe("the checker of linearizability", () => {
  it("accepts what can be put in order", () => {
    assert.equal(verdict(), "linearizable");
    assert.equal(verdict(op({ write: 1 }, "ok", 0, 1), op("read", 1, 2, 3)), "linearizable");
    // Two reads that overlap a write may see either value, the newer one not before the older.
    assert.equal(verdict(op({ write: 1 }, "ok", 0, 10), op("read", 0, 1, 2), op("read", 1, 3, 4)), "linearizable");
    assert.equal(
      verdict(op({ write: 1 }, "ok", 0, 10), op({ from: 1, to: 2 }, "ok", 1, 9), op("read", 2, 11, 12)),
      "linearizable",
    );
  });

  it("refuses a stale read, a lost write, a value from the future and two winners", () => {
    assert.equal(verdict(op({ write: 1 }, "ok", 0, 1), op("read", 0, 2, 3)), "violated");
    assert.equal(verdict(op({ write: 1 }, "ok", 0, 10), op("read", 1, 1, 2), op("read", 0, 3, 4)), "violated");
    assert.equal(verdict(op("read", 1, 0, 1), op({ write: 1 }, "ok", 2, 3)), "violated");
    const both = [op({ from: 0, to: 1 }, "ok", 0, 5), op({ from: 0, to: 2 }, "ok", 0, 5)];
    assert.equal(verdict(...both), "violated");
  });

  it("lets an unknown write take effect late, once, or never", () => {
    const unknown = op({ write: 7 }, undefined, 0, 1);
    assert.equal(verdict(unknown, op("read", 0, 2, 3), op("read", 7, 4, 5)), "linearizable");
    assert.equal(verdict(unknown, op("read", 0, 2, 3)), "linearizable");
    assert.equal(verdict(unknown, op("read", 7, 2, 3), op("read", 0, 4, 5)), "violated");
  });

  it("is not lost among writes that nobody knows of and that never took effect (seed 546324)", () => {
    const unknown = Array.from({ length: 30 }, (_, at) => op({ write: 10 + at }, undefined, at, at + 1));
    const reads = Array.from({ length: 10 }, (_, at) => op("read", 0, 100 + 2 * at, 101 + 2 * at));
    assert.equal(checkLinearizable([...unknown, ...reads], register, 10_000).kind, "linearizable");
  });

  it("comes back from a wrong guess about what explains an answer, though much else may have happened (seed 681659)", () => {
    // One write of unknown outcome changed the version, and 30 others may have: but then the value would be another one.
    const touch = { input: "touch", output: undefined, calledAt: 31, returnedAt: 31 } as const;
    const puts = Array.from({ length: 30 }, (_, at) => ({
      input: { put: at + 2 },
      output: undefined,
      calledAt: at,
      returnedAt: at,
    }));
    const seen = [
      { input: "is it version 0?", output: "no", calledAt: 40, returnedAt: 41 },
      ...Array.from({ length: 5 }, (_, at) => {
        return { input: "is it version 0?", output: "no", calledAt: 42 + at, returnedAt: 43 + at } as const;
      }),
      { input: "read", output: 1, calledAt: 50, returnedAt: 51 },
    ] as const;
    assert.equal(
      checkLinearizable<Versioned, Asked, Said>([...puts, touch, ...seen], versioned, 10_000).kind,
      "linearizable",
    );
  });

  it("agrees with trying every order, on random histories", () => {
    const seed = 20_260_101;
    const random = new Prng(seed);
    const verdicts = new Map<string, number>();
    for (let round = 0; round < 4000; round++) {
      const operations = randomHistory(random);
      const expected = anyOrderFits(operations) ? "linearizable" : "violated";
      const actual = checkLinearizable(operations, register).kind;
      assert.equal(actual, expected, `seed ${seed}, round ${round}: ${JSON.stringify(operations)}`);
      verdicts.set(actual, (verdicts.get(actual) ?? 0) + 1);
    }
    assert.ok(
      (verdicts.get("linearizable") ?? 0) > 400 && (verdicts.get("violated") ?? 0) > 400,
      String([...verdicts]),
    );
  });

  it("says so when it gives up", () => {
    const operations = Array.from({ length: 30 }, (_, value) => op({ write: value }, "ok", 0, 100));
    operations.push(op("read", 99, 101, 102));
    assert.equal(checkLinearizable(operations, register, 1000).kind, "undecided");
  });
});

interface Versioned {
  readonly value: number;
  readonly version: number;
}
type Asked = "touch" | "read" | "is it version 0?" | { readonly put: number };
type Said = number | "no";

const versioned: Model<Versioned, Asked, Said> = {
  first: { value: 1, version: 0 },
  apply: (state, { input, output }) => {
    const version = state.version + 1;
    if (input === "touch") return [{ ...state, version }];
    if (input === "read") return output === state.value ? [state] : [];
    if (input === "is it version 0?") return state.version > 0 ? [state] : [];
    return [{ value: input.put, version }];
  },
  nameOf: ({ value, version }) => `${value}@${version}`,
  inOrder: () => [],
};

function randomHistory(random: Prng): Op[] {
  return Array.from({ length: random.between(1, 6) }, () => {
    const calledAt = random.below(12);
    const returnedAt = calledAt + random.below(6);
    const isUnknown = random.chance(1, 6);
    switch (random.below(3)) {
      case 0:
        return op({ write: random.below(3) }, isUnknown ? undefined : "ok", calledAt, returnedAt);
      case 1:
        return op("read", random.below(4), calledAt, returnedAt);
      default: {
        const input = { from: random.below(3), to: random.below(3) };
        return op(input, isUnknown ? undefined : random.pick(["ok", "failed"] as const), calledAt, returnedAt);
      }
    }
  });
}

function anyOrderFits(operations: readonly Op[]): boolean {
  const place = (state: number, left: readonly Op[]): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    return left.some((next) => {
      // Nothing that returned before it was called may come behind it.
      const isFirst = left.every(({ output, returnedAt }) => output === undefined || returnedAt >= next.calledAt);
      if (!isFirst) return false;
      const others = left.filter((other) => other !== next);
      return register.apply(state, next).some((after) => place(after, others));
    });
  };
  return place(register.first, operations);
}
