// One key with a version in every place where an engine keeps versions: the newest is the answer, and every
// snapshot finds its own, wherever the other versions lie.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { fileNumber, groupId, incarnation, logIndex, sequence } from "../../internal/base/ids.ts";
import { EngineSnapshot } from "../../internal/engine/live-snapshots.ts";
import { tablePath } from "../../internal/engine/file-names.ts";
import { engineKey } from "../../internal/engine/reader.ts";
import { TableBuilder } from "../../internal/engine/table/table-builder.ts";
import type { TableMeta } from "../../internal/engine/table-meta.ts";
import { Manifest } from "../../internal/engine/version/manifest.ts";
import { emptyState } from "../../internal/engine/version/version-edit.ts";
import { levelCount } from "../../internal/engine/version/version.ts";
import { engineFolder, EngineLife, IncarnationLog } from "./engine-life.ts";
import { calmOptions, FaultRig } from "./fault-rig.ts";
import { makeCell, viewOf } from "./table-fixture.ts";

const group = groupId(1);
const of = incarnation(1);
const key = "the key";

/** A table with one version of the key between two other keys; the sequence tells its age. */
function build(rig: FaultRig, number: number, age: number, tombstone = false): TableMeta {
  const file = rig.memory.jobs.createFile(tablePath(engineFolder, fileNumber(number)));
  const builder = new TableBuilder(file, { number: fileNumber(number), blockBytes: 512, bloomBitsPerKey: 10 });
  for (const [at, name] of ["a", key, "z"].entries()) {
    const payload = tombstone && name === key ? new Uint8Array(0) : utf8(`${name} ${age}`);
    const cell = makeCell({ payload, stamp: age, index: age, tombstone: tombstone && name === key });
    builder.add(viewOf({ key: engineKey(of, utf8(name)), sequence: sequence(age * 10 + at), cell }));
  }
  const meta = builder.finish();
  file.close();
  return meta;
}

/** Three tables in level 0 and one in each level below; the deeper the older. `deleted`: the age of a tombstone. */
async function fullTree(deleted = 0): Promise<FaultRig> {
  const rig = new FaultRig();
  await rig.memory.makeFolder(engineFolder);
  const levels: TableMeta[][] = [];
  for (let level = 1; level < levelCount; level++) {
    const age = levelCount - level;
    levels[level] = [build(rig, 10 + level, age, age === deleted)];
  }
  levels[0] = [9, 8, 7].map((age) => build(rig, 20 + age, age, age === deleted));
  const groups = new Map([[group, { incarnation: of, snapshot: undefined }]]);
  const state = {
    ...emptyState,
    version: { levels },
    groups,
    applied: new Map([[of, logIndex(9)]]),
    nextIncarnation: incarnation(2),
    lastSequence: sequence(99),
    nextFileNumber: fileNumber(100),
  };
  const manifest = await Manifest.create({ disk: rig.memory, folder: engineFolder, bytesMax: 100_000 }, state);
  await manifest.close();
  // The tree is to stay as it is: merges wait.
  rig.gate("compaction");
  const logs = new Map([[of, new IncarnationLog(of, new Map(), 9)]]);
  rig.life = await EngineLife.open({ seams: rig.seams, engine: { ...calmOptions, memtablesMax: 8 } }, logs);
  rig.of = of;
  return rig;
}

async function textAt(rig: FaultRig, snapshot?: EngineSnapshot): Promise<string | undefined> {
  const record = await rig.engine.get(of, utf8(key), { snapshot });
  const found = record === undefined ? undefined : utf8Text(record.payload);
  for (const backward of [false, true]) {
    const iterator = rig.engine.iterate(of, { snapshot, backward, lower: utf8(key), upper: utf8(`${key}!`) });
    const walked = (await iterator.nextLoaded())
      ? utf8Text(iterator.entry.cellBytes.slice(iterator.entry.cellStart, iterator.entry.cellEnd))
      : undefined;
    iterator.close();
    assert.equal(walked?.endsWith(found ?? "?") ?? false, found !== undefined, `a walk ${backward ? "backward" : ""}`);
  }
  return found;
}

const upTo = (limit: number): EngineSnapshot => new EngineSnapshot(sequence(limit), () => undefined);

describe("a key with a version in every level", () => {
  it("is answered by the newest, and to every snapshot by the newest that it sees", async () => {
    const rig = await fullTree();
    assert.equal(await textAt(rig), `${key} 9`);
    for (let age = 9; age > 0; age--) {
      assert.equal(await textAt(rig, upTo(age * 10 + 9)), `${key} ${age}`);
      assert.equal(await textAt(rig, upTo(age * 10)), age === 1 ? undefined : `${key} ${age - 1}`);
    }
    rig.gate("flush");
    await rig.life.write(of, [{ key, text: "in a sealed memtable" }]);
    const sealed = rig.engine.snapshot();
    rig.engine.flush().catch(() => undefined);
    await rig.life.write(of, [{ key, text: "in memory, at first" }]);
    const early = rig.engine.snapshot();
    await rig.life.write(of, [{ key, text: "in memory" }]);
    assert.equal(rig.engine.stats().memtablesSealed, 1);
    assert.equal(await textAt(rig), "in memory");
    assert.equal(await textAt(rig, early), "in memory, at first");
    assert.equal(await textAt(rig, sealed), "in a sealed memtable");
    assert.equal(await textAt(rig, upTo(99)), `${key} 9`);
  });

  it("is gone where the newest is a delete, in whichever level that lies", async () => {
    for (let age = 1; age <= 9; age++) {
      const rig = await fullTree(age);
      assert.equal(await textAt(rig), age === 9 ? undefined : `${key} 9`);
      assert.equal(await textAt(rig, upTo(age * 10 + 9)), undefined);
      if (age > 1) assert.equal(await textAt(rig, upTo(age * 10)), `${key} ${age - 1}`);
    }
  });
});
