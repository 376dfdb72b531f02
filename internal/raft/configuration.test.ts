import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TrefoilError } from "../base/errors.ts";
import { replicaId } from "../base/ids.ts";
import { configuration, Configurations, decodeConfiguration, encodeConfiguration, faultOf } from "./configuration.ts";
import { logIndex } from "../base/ids.ts";

const ids = (...numbers: number[]): ReturnType<typeof replicaId>[] => numbers.map(replicaId);

describe("raft: configurations", () => {
  it("come back from their bytes", () => {
    const id = fc.integer({ min: 1, max: 0xffff_ffff });
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 6, maxLength: 14 }), fc.boolean(), (all, isJoint) => {
        const [a = 1, b = 2, c = 3, d = 4, ...learners] = all;
        const made = configuration(ids(a, b, c), ids(...learners.slice(0, 8)), isJoint ? ids(a, b, d) : []);
        assert.deepEqual(decodeConfiguration(encodeConfiguration(made)), made);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it("are refused as corruption when their bytes are damaged, never otherwise", () => {
    const good = encodeConfiguration(configuration(ids(1, 2, 3), ids(4)));
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length + 4));
    fc.assert(
      fc.property(change, ([at, value, length]) => {
        const bytes = new Uint8Array(length);
        bytes.set(good.subarray(0, length));
        if (at < length) bytes[at] = value;
        try {
          assert.equal(faultOf(decodeConfiguration(bytes)), undefined);
        } catch (error) {
          assert.ok(error instanceof TrefoilError && error.code === "corruption", String(error));
        }
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it("have three voters, none twice, and no learner among them", () => {
    const fault = (voters: number[], learners: number[] = [], outgoing: number[] = []): string | undefined =>
      faultOf({ voters: ids(...voters), learners: ids(...learners), outgoing: ids(...outgoing) });
    assert.equal(fault([1, 2, 3], [4]), undefined);
    assert.equal(fault([1, 2, 4], [], [1, 2, 3]), undefined);
    for (const wrong of [
      fault([1, 2]),
      fault([1, 2, 2]),
      fault([1, 2, 3, 4]),
      fault([1, 2, 3], [3]),
      fault([1, 2, 3], [4], [1, 2, 4]),
      fault([1, 2, 3], [], [1, 2]),
    ]) {
      assert.notEqual(wrong, undefined);
    }
  });

  it("go with their entries when those are truncated, and are kept when those are committed", () => {
    const first = configuration(ids(1, 2, 3));
    const known = new Configurations([{ index: logIndex(0), configuration: first }]);
    known.append(logIndex(4), configuration(ids(1, 2, 3), ids(4)));
    known.append(logIndex(6), configuration(ids(1, 2, 4), [], ids(1, 2, 3)));
    assert.equal(known.truncateFrom(logIndex(6)), true);
    assert.equal(known.newest.index, 4);
    known.settle(logIndex(4));
    assert.equal(known.truncateFrom(logIndex(5)), false);
    assert.throws(() => known.truncateFrom(logIndex(4)));
  });
});
