import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { replicaId } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { configuration } from "./configuration.ts";
import { countVotes, isQuorum, reachedByQuorum } from "./quorum.ts";

const three = fc.uniqueArray(fc.integer({ min: 1, max: 6 }).map(replicaId), { minLength: 3, maxLength: 3 });
const anyConfiguration = fc
  .tuple(three, fc.option(three))
  .map(([voters, outgoing]) => configuration(voters, [], outgoing ?? []));
const values = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 7, maxLength: 7 });
const seeded = { seed: 7, numRuns: 2000 };

describe("raft: quorums against brute force", () => {
  it("reach the greatest value that two of three have in each set", () => {
    fc.assert(
      fc.property(anyConfiguration, values, (config, has) => {
        const sets = [config.voters, config.outgoing].filter((set) => set.length > 0);
        const reach = (ids: readonly ReplicaId[]): number =>
          ids.map((id) => has[id] as number).sort((left, right) => left - right)[1] as number;
        assert.equal(
          reachedByQuorum(config, (id) => has[id] as number),
          Math.min(...sets.map(reach)),
        );
      }),
      seeded,
    );
  });

  it("count votes as if every open one were tried both ways", () => {
    const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(anyConfiguration, votes, (config, cast) => {
        const given = new Map<ReplicaId, boolean>();
        cast.forEach((vote, id) => void (vote !== undefined && id > 0 && given.set(replicaId(id), vote)));
        const outcomes = new Set<boolean>();
        for (let open = 0; open < 128; open++) {
          outcomes.add(isQuorum(config, (id) => given.get(id) ?? ((open >> id) & 1) === 1));
        }
        const expected = outcomes.size === 2 ? "open" : outcomes.has(true) ? "won" : "lost";
        assert.equal(countVotes(config, given), expected);
      }),
      seeded,
    );
  });
});
