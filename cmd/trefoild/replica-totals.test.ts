import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId } from "../../internal/base/ids.ts";
import { ReplicaNumbers } from "../../internal/replica/replica-numbers.ts";
import { ReplicaTotals } from "./replica-totals.ts";

const one = groupId(1);

function replica(sentBytes: number, salvaged: number, sending = 0) {
  const fates = { salvaged, superseded: 1, lost: 0 };
  const numbers = Object.assign(new ReplicaNumbers(), { fates, sentBytes, receivedBytes: 7, installed: 1 });
  return { numbers, snapshotsUnderWay: { sending, receiving: 0 } };
}

describe("what the replicas of a node have counted", () => {
  it("is that of all that are here, and of those that had a successor, so that it never goes back", () => {
    const totals = new ReplicaTotals();
    assert.deepEqual(totals.salvage(), { salvaged: 0, superseded: 0, lost: 0 });
    const first = replica(100, 2, 1);
    totals.note(
      new Map([
        [one, first],
        [groupId(2), replica(1, 0)],
      ]),
    );
    first.numbers.sentBytes += 5;
    assert.deepEqual(totals.snapshots(), { sending: 1, receiving: 0, sentBytes: 106, receivedBytes: 14, installed: 2 });
    totals.note(new Map([[one, replica(10, 1)]]));
    assert.deepEqual(totals.snapshots(), { sending: 0, receiving: 0, sentBytes: 116, receivedBytes: 21, installed: 3 });
    assert.deepEqual(totals.salvage(), { salvaged: 3, superseded: 3, lost: 0 });
  });
});
