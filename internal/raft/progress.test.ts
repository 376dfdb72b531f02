import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { logIndex, replicaId } from "../base/ids.ts";
import { InFlight, Progress } from "./progress.ts";

const window = { messagesMax: 3, bytesMax: 100 };

describe("raft: the window to a follower", () => {
  it("holds what a plain list holds", () => {
    const step = fc.record({
      frees: fc.boolean(),
      by: fc.integer({ min: 0, max: 4 }),
      bytes: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tested = new InFlight(window);
        let list: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const { frees, by, bytes } of steps) {
          if (frees) {
            tested.freeTo(logIndex(last - by < 0 ? 0 : last - by));
            list = list.filter((sent) => sent.last > last - by);
          } else if (!tested.isFull) {
            last += 1 + by;
            tested.add(logIndex(last), bytes);
            list.push({ last, bytes });
          }
          const sum = list.reduce((total, sent) => total + sent.bytes, 0);
          assert.equal(tested.isEmpty, list.length === 0);
          assert.equal(tested.isFull, list.length === window.messagesMax || sum >= window.bytesMax);
        }
      }),
      { seed: 7, numRuns: 1000 },
    );
  });

  it("moves neither match nor next back for an old answer", () => {
    const follower = probed(7);
    follower.accepted(logIndex(7));
    assert.equal(follower.rejected(logIndex(5), logIndex(2)), false);
    follower.accepted(logIndex(3));
    assert.deepEqual([follower.match, follower.next, follower.state], [7, 8, "replicate"]);
  });

  it("goes back to probing behind its match when an append is refused", () => {
    const follower = probed(7);
    follower.accepted(logIndex(7));
    assert.equal(follower.rejected(logIndex(12), logIndex(3)), true);
    assert.deepEqual([follower.match, follower.next, follower.state], [7, 8, "probe"]);
  });

  it("goes on probing while answers come that say less than the probe's own will (seed 778059)", () => {
    const follower = probed(9);
    for (const index of [3, 5, 8]) {
      follower.accepted(logIndex(index));
      assert.deepEqual([follower.match, follower.state, follower.maySend], [index, "probe", false]);
    }
    follower.accepted(logIndex(9));
    assert.deepEqual([follower.match, follower.next, follower.state], [9, 10, "replicate"]);
  });

  /** A probe is on its way that ends with this entry. */
  function probed(last: number): Progress {
    const follower = new Progress(replicaId(2), logIndex(1), window);
    follower.isProbeSent = true;
    follower.probeLast = logIndex(last);
    return follower;
  }
});
