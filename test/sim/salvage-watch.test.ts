import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import type { AppliedWatch } from "./applied-watch.ts";
import { FastPromises } from "./fast-promises.ts";
import { SalvageWatch } from "./salvage-watch.ts";
import type { SimNode } from "./sim-node.ts";

interface Place {
  readonly life: number;
  readonly applied: number;
  readonly last: number;
  readonly keeps: boolean;
}

describe("a fast write that a node has answered", () => {
  function answered(): { readonly look: (place: Place) => void } {
    const promises = new FastPromises();
    const made = { client: 1, key: "a", isRetried: false, request: undefined, at: 0 };
    promises.add({ ...made, node: replicaId(6), version: { term: term(7), index: logIndex(651) } });
    const watch = new SalvageWatch(promises, {} as AppliedWatch);
    const look = ({ life, applied, last, keeps }: Place): void => {
      const state = { last: { term: 9, index: applied }, holds: () => false };
      const log = { lastTerm: 9, lastIndex: last, base: { index: 626 }, salvageBytes: keeps ? 50 : 0 };
      const group = { ...log, isKept: () => keeps, termOf: () => 9 };
      const parts = { replica: { state, appliedIndex: applied, incarnation: 1 }, engine: { getNow: () => "absent" } };
      watch.check({ id: 6, life, ...parts, log: { group: () => group }, disk: {} } as unknown as SimNode);
    };
    return { look };
  }

  // Seed 353838.
  it("may be in the log of a node that applied its merge, let go of it, and crashed before anybody looked", () => {
    const { look } = answered();
    look({ life: 1, applied: 653, last: 670, keeps: true });
    look({ life: 2, applied: 653, last: 670, keeps: false });
    look({ life: 2, applied: 669, last: 672, keeps: false });
    assert.throws(() => look({ life: 2, applied: 670, last: 672, keeps: false }), /7\.651 of a/);
  });

  it("is missed at once where nothing was started again", () => {
    const { look } = answered();
    look({ life: 1, applied: 653, last: 653, keeps: true });
    assert.throws(() => look({ life: 1, applied: 653, last: 670, keeps: false }), /7\.651 of a/);
  });
});
