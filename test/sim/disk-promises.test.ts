import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, nobody, replicaId, term } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { DiskPromises } from "./disk-promises.ts";
import type { KeptLog } from "./disk-promises.ts";

const [one, two, three] = [replicaId(1), replicaId(2), replicaId(3)];

function keptLog(inTerm: number, vote = nobody): KeptLog {
  const start = logIndex(0);
  return {
    hardState: { term: term(inTerm), vote, commit: start },
    base: { term: term(0), index: start },
    lastIndex: start,
    termOf: () => undefined,
  };
}

function voteFor(to: typeof one, inTerm: number): ReplicaMessage {
  return { type: "vote_answer", from: three, to, term: term(inTerm), isGranted: true };
}

describe("what a node said that its disk must know", () => {
  it("is violated by a vote that the disk does not have", () => {
    const promises = new DiskPromises();
    promises.note(voteFor(two, 14), keptLog(14, two));
    promises.check(keptLog(14, two));
    assert.throws(() => promises.check(keptLog(14)), /replica 2 got the vote of term 14, the disk has 0/);
    assert.throws(() => promises.check(keptLog(14, one)), /the disk has 1/);
  });

  it("does not bind it in a newer term by a vote that waited for the disk meanwhile (seed 412653)", () => {
    const promises = new DiskPromises();
    const answer: ReplicaMessage = {
      type: "heartbeat_answer",

      from: three,
      to: one,
      term: term(15),
      round: 1,
      hasSalvage: false,
    };
    promises.note(answer, keptLog(15));
    promises.note(voteFor(two, 14), keptLog(15));
    promises.check(keptLog(15));
  });
});
