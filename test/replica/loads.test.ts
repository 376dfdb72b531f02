// Records that come in with a slot, from another group: what no replica could apply, and what there is no room for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import { accepted, del, foreign, Rig } from "./rig.ts";

const slots = [slotOf(utf8("k"))];
const loaded = (version: readonly [number, number], value: string | undefined) => {
  return { ...foreign(version, "k", value), stamp: stamp(77) };
};

describe("a load", () => {
  it("of two different writes of one version to one key is refused before it is in the log", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const { last } = lead.status;
    for (const other of ["two", undefined]) {
      const refused = lead.proposeLoad([loaded([1, 5], "one"), loaded([1, 6], "between"), loaded([1, 5], other)]);
      assert.equal(refused.kind === "refused" && refused.why, "bad_command");
    }
    assert.equal(lead.status.last, last, "nothing got into the log");
    await rig.close();
  });

  it("is refused while the disk is full or the engine is behind, and slots move on all the same", async () => {
    const rig = await Rig.open({ replica: { unappliedEntriesMax: 3 } });
    const lead = await rig.elect(1);
    await rig.level();
    await rig.answer(accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots })).outcome);
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    let trouble: TrefoilError | undefined = new TrefoilError("storage_full", "no space is left");
    Object.defineProperty(engine, "trouble", { get: () => trouble });
    assert.deepEqual(lead.proposeLoad([loaded([1, 5], "x")]), { kind: "refused", why: "storage_full" });
    assert.equal(
      (await rig.answer(accepted(lead.proposeSlots({ mode: "close", above: term(0), slots })).outcome)).kind,
      "done",
    );
    trouble = undefined;
    engine.canWrite = () => false;
    while (lead.status.last - lead.appliedIndex < 3) accepted(lead.propose("strong", () => del("other")));
    assert.deepEqual(lead.proposeLoad([loaded([1, 5], "x")]), { kind: "refused", why: "busy" });
    Reflect.deleteProperty(engine, "canWrite");
    await rig.level();
    await rig.answer(accepted(lead.proposeLoad([loaded([1, 5], "x")])).outcome);
    assert.equal(await rig.node(1).read("k"), "x");
    await rig.close();
  });
});
