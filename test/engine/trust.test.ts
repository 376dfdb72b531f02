// Tables that come out wrong from under the hands of a job: they are opened before the manifest names them, and never do.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stamp } from "../../internal/base/stamp.ts";
import { parseFileName } from "../../internal/engine/file-names.ts";
import { engineFolder } from "./engine-life.ts";
import { FaultRig } from "./fault-rig.ts";

const endOfTime = stamp(1_000_000);

async function tablesOf(rig: FaultRig): Promise<string[]> {
  return (await rig.memory.list(engineFolder)).filter((name) => parseFileName(name)?.kind === "table");
}

/** The end of each table that is written from now on, which is its footer, has a bit flipped. */
function flipFooters(rig: FaultRig): void {
  rig.memory.onOperation((name, path) => {
    const bytes = name === "syncData" && path.endsWith(".table") ? rig.memory.peek(path)?.slice() : undefined;
    if (bytes === undefined || bytes.length === 0) return;
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 16;
    rig.memory.put(path, bytes);
  });
}

describe("a table that cannot be opened when its job is done", () => {
  it("of a flush is not installed: writers are told, and reads go on from memory", async () => {
    const rig = await FaultRig.open();
    await rig.table(30, 100);
    const before = await tablesOf(rig);
    flipFooters(rig);
    await rig.life.write(rig.of, [{ key: "late", text: "written since" }]);
    const expected = await rig.life.contents(rig.of, endOfTime);
    await assert.rejects(rig.engine.flush(), { code: "corruption" });
    assert.equal(rig.engine.trouble?.code, "corruption");
    assert.deepEqual(await tablesOf(rig), before);
    assert.match(JSON.stringify([...expected]), /late/);
    assert.deepEqual(await rig.life.contents(rig.of, endOfTime), expected);
    await rig.engine.close();
  });

  it("of a merge is not installed: its inputs stay, and are read", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 3 });
    await rig.table(30, 100);
    await rig.table(30, 110);
    const expected = await rig.life.contents(rig.of, endOfTime);
    const before = await tablesOf(rig);
    flipFooters(rig);
    await assert.rejects(rig.engine.compactRange(rig.of), { code: "corruption" });
    assert.deepEqual(await tablesOf(rig), before);
    assert.deepEqual(await rig.life.contents(rig.of, endOfTime), expected);
    await rig.engine.close();
  });
});
