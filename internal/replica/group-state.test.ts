import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { logIndex, replicaId, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { configuration } from "../raft/configuration.ts";
import { GroupState } from "./group-state.ts";

describe("which entries a log holds", () => {
  it("is known from where its terms ended, of any log", () => {
    const terms = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 });
    const check = (steps: readonly number[]): void => {
      const state = new GroupState(configuration([1, 2, 3].map(replicaId)));
      const log = [0];
      for (const step of steps) {
        log.push((log.at(-1) ?? 0) + (log.length === 1 ? 1 + step : step));
        const [of, index] = [log.at(-1) ?? 0, log.length - 1];
        state.advance({ term: term(of), index: logIndex(index), stamp: stamp(index) });
      }
      const newest = log.at(-1) ?? 0;
      for (let of = 1; of <= newest + 1; of++) {
        for (let index = 1; index <= log.length; index++) {
          assert.equal(state.holds(term(of), logIndex(index)), log[index] === of, `${of}.${index} of ${log.join(" ")}`);
        }
      }
    };
    fc.assert(fc.property(terms, check), { seed: 7 });
  });
});
