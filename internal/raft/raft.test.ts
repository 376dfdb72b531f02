import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, nobody, replicaId, term } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { stamp } from "../base/stamp.ts";
import { configuration } from "./configuration.ts";
import { Raft } from "./raft.ts";
import type { Entry } from "./types.ts";

const payload = new Uint8Array(0);
const entry = (entryTerm: number, index: number): Entry => {
  return { term: term(entryTerm), index: logIndex(index), stamp: stamp(100 + index), flags: 0, kind: 2, payload };
};

/** Replica 2, which has committed 1.1 and holds 2.2 beside it. */
function follower(): Raft {
  return new Raft({
    id: replicaId(2),
    hardState: { term: term(2), vote: nobody, commit: logIndex(1) },
    log: {
      base: { index: logIndex(0), term: term(0) },
      runs: [{ start: logIndex(1), term: term(1) }],
      commit: logIndex(1),
      commitStamp: stamp(101),
      tail: [entry(2, 2)],
    },
    configurations: [{ index: logIndex(0), configuration: configuration([1, 2, 3].map(replicaId)) }],
    entries: { readNow: () => undefined },
    random: new Prng(1),
  });
}

describe("raft: a Ready", () => {
  it("never calls committed in its hard state what it discards or brings itself: a crash may keep the first part alone", () => {
    const raft = follower();
    const previous = { previousIndex: logIndex(1), previousTerm: term(1) };
    const entries = [entry(3, 2), entry(3, 3)];
    const way = { from: replicaId(1), to: replicaId(2), term: term(3), hasQuorum: true, commit: logIndex(3) };
    assert.equal(raft.step({ type: "append", ...way, ...previous, entries }).kind, "taken");
    const ready = raft.ready();
    assert.equal(raft.status.commit, 3);
    assert.equal(ready?.truncateFrom, 2);
    assert.deepEqual(ready?.hardState, { term: 3, vote: nobody, commit: 1 });
  });
});
