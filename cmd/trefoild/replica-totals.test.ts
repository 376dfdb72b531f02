import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId } from "../../internal/base/ids.ts";
import { ReplicaNumbers } from "../../internal/replica/replica-numbers.ts";
import { ReplicaTotals } from "./replica-totals.ts";

const one = groupId(1);
const two = groupId(2);

function replica(sentBytes: number, salvaged: number, sending = 0) {
  const fates = { salvaged, superseded: 1, lost: 0 };
  const numbers = Object.assign(new ReplicaNumbers(), { fates, sentBytes, receivedBytes: 7, made: 3, installed: 1 });
  return { numbers, snapshotsUnderWay: { sending, receiving: 0 } };
}

describe("what the replicas of a node have counted", () => {
  it("is told of each group, of the replica that is here and of those before it, so that it never goes back", () => {
    const totals = new ReplicaTotals();
    assert.deepEqual(totals.salvage(), { salvaged: 0, superseded: 0, lost: 0 });
    assert.deepEqual(totals.snapshots(), []);
    const first = replica(100, 2, 1);
    const other = replica(1, 0);
    totals.note(
      new Map([
        [one, first],
        [two, other],
      ]),
    );
    first.numbers.sentBytes += 5;
    const ofOther = { group: two, sending: 0, receiving: 0, sentBytes: 1, receivedBytes: 7, made: 3, installed: 1 };
    assert.deepEqual(totals.snapshots(), [
      { group: one, sending: 1, receiving: 0, sentBytes: 105, receivedBytes: 7, made: 3, installed: 1 },
      ofOther,
    ]);
    totals.note(new Map([[one, replica(10, 1)]]));
    assert.deepEqual(totals.snapshots(), [
      { group: one, sending: 0, receiving: 0, sentBytes: 115, receivedBytes: 14, made: 6, installed: 2 },
      ofOther,
    ]);
    assert.deepEqual(totals.salvage(), { salvaged: 3, superseded: 3, lost: 0 });
  });
});
