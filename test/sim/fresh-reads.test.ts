// The judges of bounded reads and of reads of what a node's clients were answered, on hand-made histories.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { judgeHistory } from "./checkers.ts";
import type { JudgedBy } from "./checkers.ts";
import { History } from "./history.ts";
import type { HistoryEntry } from "./history.ts";
import { Violation } from "./violation.ts";

const at = (index: number): Version => ({ term: term(1), index: logIndex(index) });
const successor = { leaders: [{ term: 2, since: 7 }] };

/** Value 1 is written at 0, value 2 answered at 10 by way of the process 1/1; what is read, from 20 to 21, is value 1. */
function stale(mode: "fast" | "strong", about: (read: HistoryEntry) => void, by: Partial<JudgedBy> = {}): string {
  const history = new History();
  for (const [body, start] of [
    ["1", 0],
    ["2", 9],
  ] as const) {
    const step = { key: "f0", action: "put", condition: "none", expiry: "never", body, wantsPrevious: false } as const;
    const write = history.begin(1, { kind: "write", mode, steps: [step], request: undefined }, start);
    write.via = "1/1";
    history.end(write, { kind: "done", version: at(Number(body)), at: start, values: [] }, start + 1);
  }
  const read = history.begin(2, { kind: "read", mode: "fast", key: "f0" }, 20);
  about(read);
  history.end(read, { kind: "saw", value: "1", version: at(1), expiresAt: undefined }, 21);
  try {
    judgeHistory(history, { clockError: 0, fates: new Map(), leaders: [], ...by });
    return "fine";
  } catch (failure) {
    assert.ok(failure instanceof Violation, String(failure));
    return failure.by;
  }
}

describe("a stale read", () => {
  for (const mode of ["fast", "strong"] as const) {
    it(`of a ${mode} write is wrong when it says that it was fresh since, and only then`, () => {
      const freshAt = (moment: number | undefined) => (read: HistoryEntry) => (read.freshAt = moment);
      assert.equal(stale(mode, freshAt(undefined)), "fine");
      assert.equal(stale(mode, freshAt(9)), "fine");
      assert.equal(stale(mode, freshAt(11)), "bounded reads");
      // What the next leader knows nothing of, nobody can prove to have.
      assert.equal(stale(mode, freshAt(11), successor), mode === "fast" ? "fine" : "bounded reads");
    });

    it(`of a ${mode} write is wrong where a client was answered by way of the same process`, () => {
      const via = (name: string) => (read: HistoryEntry) => (read.via = name);
      assert.equal(stale(mode, via("1/1")), "own reads");
      assert.equal(stale(mode, via("1/2")), "fine", "it remembers nothing of its former life");
      assert.equal(stale(mode, via("2/1")), "fine");
      assert.equal(stale(mode, via("1/1"), successor), mode === "fast" ? "fine" : "own reads");
    });
  }
});
