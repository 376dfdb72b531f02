// Entries that did nothing: what it costs to tell of each for a week.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Version } from "../../internal/engine/cell.ts";
import { conditionKind } from "../../internal/replica/command.ts";
import { accepted, put, Rig } from "./rig.ts";

/** Everything of the group that is not users' records. */
async function recordsOfTheGroup(rig: Rig, id: number): Promise<number> {
  const { engine } = rig.node(id);
  assert.ok(engine !== undefined);
  const walk = engine.iterate(rig.replica(id).incarnation, { upper: Uint8Array.of(1) });
  let count = 0;
  while (await walk.nextLoaded()) count++;
  walk.close();
  return count;
}

describe("commands whose condition does not hold", () => {
  it("rule 13: leave a bit each, over restarts and terms, and every receipt tells of its own entry", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const before = await recordsOfTheGroup(rig, 1);
    await rig.write(1, "strong", put("lock", "held"));
    const [rejected, committed]: [Version[], Version[]] = [[], []];
    const some = async (): Promise<void> => {
      const lead = rig.replica(rig.leader as number); // there is one whenever this is called
      const outcomes = [];
      for (let at = 0; at < 700; at++) {
        const condition = at % 7 === 3 ? conditionKind.present : conditionKind.absent;
        const { version, outcome } = accepted(lead.propose("strong", () => put("lock", "x", { condition })));
        (condition === conditionKind.absent ? rejected : committed).push(version);
        outcomes.push(outcome);
        if (at % 100 === 99) await rig.answer(Promise.all(outcomes.splice(0)));
      }
    };
    await some();
    await rig.level();
    await rig.answer(rig.node(3).engine?.flush() ?? Promise.resolve());
    rig.node(3).crash("all");
    await rig.node(3).start();
    await some();
    await rig.elect(2);
    await some();
    await rig.level();
    for (const id of [1, 2, 3]) {
      for (const version of rejected) assert.equal(await rig.replica(id).receiptOf(version), "rejected");
      for (const version of committed) assert.equal(await rig.replica(id).receiptOf(version), "committed");
      const cost = (await recordsOfTheGroup(rig, id)) - before;
      assert.ok(cost < 10, `${cost} records of ${rejected.length} entries`);
    }
    await rig.close();
  });
});
