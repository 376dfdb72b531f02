import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, logIndex, nobody, replicaId, term } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { stamp } from "../base/stamp.ts";
import { configuration } from "./configuration.ts";
import type { Message } from "./messages.ts";
import { Raft } from "./raft.ts";
import type { Entry } from "./types.ts";

const payload = new Uint8Array(0);
const entry = (entryTerm: number, index: number): Entry => {
  return { term: term(entryTerm), index: logIndex(index), stamp: stamp(100 + index), flags: 0, kind: 2, payload };
};

/** Replica 2, which has committed 1.1 and holds 2.2 beside it. */
function follower(id = 2, group = 1): Raft {
  return new Raft({
    group: groupId(group),
    id: replicaId(id),
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

describe("raft: rule 24", () => {
  it("who stands first of those that lost their leader differs from group to group", () => {
    const ticksUntilItStands = (id: number, group: number): number => {
      const raft = follower(id, group);
      raft.setWallClock(1000);
      raft.step({
        type: "heartbeat",
        ...way,
        from: replicaId(1),
        to: replicaId(id),
        term: term(2),
        hasQuorum: true,
        commit: logIndex(1),
        round: 1,
      });
      raft.connectionLost(replicaId(1));
      for (let ticks = 0; ; ticks++) {
        if (raft.status.role === "pre_candidate" || ticks > 100) return ticks;
        raft.tick();
      }
    };
    for (const group of [1, 3])
      assert.deepEqual(
        [2, 3].map((id) => ticksUntilItStands(id, group)),
        [4, 1],
      );
    for (const group of [0, 2])
      assert.deepEqual(
        [2, 3].map((id) => ticksUntilItStands(id, group)),
        [1, 4],
      );
  });
});

/** Replica 1, which leads term 1 with its first entry. */
function leader(): Raft {
  const raft = new Raft({
    group: groupId(1),
    id: replicaId(1),
    hardState: { term: term(0), vote: nobody, commit: logIndex(0) },
    log: {
      base: { index: logIndex(0), term: term(0) },
      runs: [],
      commit: logIndex(0),
      commitStamp: stamp(1),
      tail: [],
    },
    configurations: [{ index: logIndex(0), configuration: configuration([1, 2, 3].map(replicaId)) }],
    entries: { readNow: () => undefined },
    random: new Prng(1),
  });
  const settle = (): void => {
    for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) raft.persisted(ready.number);
  };
  raft.setWallClock(1000);
  for (let ticks = 0; raft.status.role !== "pre_candidate"; ticks++) {
    assert.ok(
      ticks < 100,
      `after ${ticks} ticks without a leader it is a ${raft.status.role}, and asks for no pre-vote`,
    );
    raft.tick();
  }
  settle();
  raft.step({ type: "pre_vote_answer", ...way, isGranted: true, isSticky: false, isRemoved: false });
  settle();
  raft.step({ type: "vote_answer", ...way, isGranted: true });
  settle();
  assert.equal(raft.status.role, "leader");
  return raft;
}

const way = { from: replicaId(2), to: replicaId(1), term: term(1) };

describe("raft: a message that contradicts what was proved", () => {
  const answer = { ...way, hasSalvage: false };
  const wrong: Readonly<Record<string, Message>> = {
    "accepts what does not exist": { type: "append_accepted", ...answer, index: logIndex(2), isClockRefused: false },
    "rejects what follows what does not exist": {
      type: "append_rejected",
      ...answer,
      rejected: logIndex(2),
      hintIndex: logIndex(0),
      hintTerm: term(0),
    },
    "answers a round that was not begun": { type: "heartbeat_answer", ...answer, round: 1 },
    "comes from a second leader of the term": {
      type: "heartbeat",
      ...way,
      hasQuorum: true,
      commit: logIndex(0),
      round: 1,
    },
  };
  for (const [name, message] of Object.entries(wrong)) {
    it(`and ${name} is refused by a leader and changes nothing`, () => {
      const raft = leader();
      const before = JSON.stringify([raft.status, raft.followers()]);
      assert.equal(raft.step(message).kind, "refused");
      assert.equal(JSON.stringify([raft.status, raft.followers()]), before);
    });
  }

  it("and brings another entry than the committed one is refused by a follower, in a newer term too", () => {
    for (const present of [2, 3]) {
      const raft = follower();
      const before = JSON.stringify(raft.status);
      const append = { type: "append", from: replicaId(1), to: replicaId(2), term: term(present) } as const;
      const place = { hasQuorum: true, commit: logIndex(1), previousIndex: logIndex(0), previousTerm: term(0) };
      assert.equal(raft.step({ ...append, ...place, entries: [entry(2, 1)] }).kind, "refused");
      assert.equal(JSON.stringify(raft.status), before);
    }
  });
});
