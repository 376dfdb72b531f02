import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { everythingSurvives, namesWithoutBytes } from "../../test/disk/power-cut.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { checkFolder, engineFolder, EngineLife } from "../../test/engine/engine-life.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import { utf8 } from "../base/bytes.ts";
import { silentLogger } from "../platform/logger.ts";
import { groupId } from "../base/ids.ts";
import type { Incarnation } from "../base/ids.ts";
import { Engine } from "./engine.ts";
import { joinPath } from "./file-names.ts";

const group = groupId(1);

interface Written {
  readonly disk: MemoryDisk;
  readonly life: EngineLife;
  readonly of: Incarnation;
}

/** A closed engine with a few tables. */
async function written(): Promise<Written> {
  const disk = new MemoryDisk();
  const life = await EngineLife.open({ seams: seamsOn(disk, new ManualTime(), 1), engine: tinyOptions });
  const of = await life.create(group);
  for (let round = 0; round < 3; round++) {
    await life.fill(of, 20);
    await life.engine.flush();
  }
  await life.engine.settle();
  await life.engine.close();
  return { disk, life, of };
}

const open = (disk: MemoryDisk): Promise<Engine> =>
  Engine.open(seamsOn(disk, new ManualTime(), 2), engineFolder, tinyOptions);

async function namesOf(disk: MemoryDisk, kind: RegExp): Promise<string[]> {
  return (await disk.list(engineFolder)).filter((name) => kind.test(name));
}

/** Opening fails as damage that names `what`, and changes nothing. */
async function refuses(disk: MemoryDisk, what: RegExp): Promise<void> {
  const before = disk.operations;
  const names = await disk.list(engineFolder);
  await assert.rejects(open(disk), (error: Error & { code?: string }) => {
    assert.equal(error.code, "corruption");
    assert.match(error.message, what);
    return true;
  });
  assert.equal(disk.operations, before, "nothing on disk was changed");
  assert.deepEqual(await disk.list(engineFolder), names);
  assert.equal(disk.openFileCount, 0, "no file stays open");
}

describe("opening an engine's folder", () => {
  it("finds what was flushed, and leaves nothing behind", async () => {
    const { disk, life, of } = await written();
    const again = await life.reopen();
    assert.equal(again.engine.appliedIndex(of), 60);
    await again.check(of);
    await again.engine.close();
    await checkFolder(disk);
  });

  it("refuses when a table is missing, and names it", async () => {
    const { disk } = await written();
    const table = (await namesOf(disk, /table$/))[0] as string;
    await disk.remove(joinPath(engineFolder, table));
    await refuses(disk, new RegExp(`${engineFolder}/${table} is missing`));
  });

  it("refuses when the manifest is missing, and names it", async () => {
    const { disk } = await written();
    const manifest = (await namesOf(disk, /^manifest/))[0] as string;
    await disk.remove(joinPath(engineFolder, manifest));
    await refuses(disk, new RegExp(`${engineFolder}/${manifest} is missing`));
  });

  it("refuses when current is missing beside tables", async () => {
    const { disk } = await written();
    await disk.remove(joinPath(engineFolder, "current"));
    await refuses(disk, /current is missing.*\.table/);
  });

  it("refuses when current is missing beside a manifest that cannot be a first one", async () => {
    const disk = new MemoryDisk();
    const life = await EngineLife.open({ seams: seamsOn(disk, new ManualTime(), 1), engine: tinyOptions });
    await life.create(group);
    await (await life.reopen()).engine.close();
    await disk.remove(joinPath(engineFolder, "current"));
    await refuses(disk, /current is missing.*manifest-000002/);
  });

  it("refuses when current names no manifest", async () => {
    const { disk } = await written();
    for (const text of ["", "manifest-000001", "000003.table\n", "../manifest-000001\n"]) {
      disk.put(joinPath(engineFolder, "current"), utf8(text));
      await refuses(disk, /current does not name a manifest/);
    }
  });

  it("removes tables, manifests and temporary files that the manifest does not name, and never gives their numbers again", async () => {
    const { disk, life, of } = await written();
    for (const name of ["000500.table", "manifest-000600", "000700.temporary"]) {
      disk.put(joinPath(engineFolder, name), utf8("left behind"));
    }
    const again = await life.reopen();
    for (const name of await disk.list(engineFolder)) assert.doesNotMatch(name, /000500|000600|000700/);
    await again.fill(of, 10);
    await again.engine.flush();
    const numbers = (await disk.list(engineFolder)).map((name) => Number(/\d+/.exec(name)?.[0] ?? 0));
    assert.ok(Math.max(...numbers) > 700);
    await again.check(of);
    await again.engine.close();
    await checkFolder(disk);
  });

  it("sets aside what a damaged last edit may have named, says so, and never gives those numbers again", async () => {
    const { disk, life, of } = await written();
    const again = await life.reopen();
    await again.fill(of, 30);
    await again.engine.flush();
    const crashed = disk.cloneAfterKill();
    await again.engine.close();
    const manifest = joinPath(engineFolder, (await namesOf(crashed, /^manifest/))[0] as string);
    const tables = await namesOf(crashed, /table$/);
    const damaged = crashed.peek(manifest)?.slice() as Uint8Array;
    damaged[damaged.length - 3] = (damaged[damaged.length - 3] as number) ^ 4;
    crashed.put(manifest, damaged);
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    // Twice: the second opening finds nothing to doubt, and removes nothing all the same.
    for (const count of [1, 0]) {
      warnings.length = 0;
      const seams = { ...seamsOn(crashed, new ManualTime(), 2), logger };
      const engine = await Engine.open(seams, engineFolder, tinyOptions);
      assert.equal(engine.appliedIndex(of), 60, "the damaged edit does not count");
      assert.equal(warnings.filter((text) => /set aside/.test(text)).length, count);
      await engine.close();
      const aside = await namesOf(crashed, /set-aside$/);
      assert.equal(aside.length, 2, aside.join(" "));
      assert.deepEqual(crashed.peek(joinPath(engineFolder, aside[1] as string)), damaged, "the manifest as it was");
      const table = (aside[0] as string).replace(".set-aside", "");
      assert.ok(tables.includes(table) && !(await namesOf(crashed, /table$/)).includes(table), table);
      assert.ok((await namesOf(crashed, /^manifest-\d+$/)).every((name) => name > "manifest-" + table));
    }
  });

  it("removes the tables of an edit that is torn, and says what was cut", async () => {
    const { disk, life, of } = await written();
    const again = await life.reopen();
    await again.fill(of, 30);
    await again.engine.flush();
    const crashed = disk.cloneAfterKill();
    await again.engine.close();
    const manifest = joinPath(engineFolder, (await namesOf(crashed, /^manifest/))[0] as string);
    crashed.put(manifest, crashed.peek(manifest)?.slice(0, -3) as Uint8Array);
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const engine = await Engine.open({ ...seamsOn(crashed, new ManualTime(), 2), logger }, engineFolder, tinyOptions);
    assert.equal(engine.appliedIndex(of), 60);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] as string, /last change .* not written to its end/);
    await engine.close();
    await checkFolder(crashed);
  });

  it("leaves a stranger's files alone, whatever they are called", async () => {
    const { disk, life, of } = await written();
    const names = ["notes.txt", "1.table", "000001.table.backup", "manifest", "lock"];
    for (const name of names) disk.put(joinPath(engineFolder, name), utf8("a stranger's"));
    const again = await life.reopen();
    await again.check(of);
    await again.engine.close();
    const left = await disk.list(engineFolder);
    for (const name of names) assert.ok(left.includes(name), name);
  });

  it("begins anew when the power went while the engine was being made", async () => {
    for (const survival of [everythingSurvives, namesWithoutBytes]) {
      const first = new MemoryDisk();
      const made: MemoryDisk[] = [];
      first.onOperation((name) => {
        if (name !== "rename") made.push(first.clone(survival()));
      });
      await (await open(first)).close();
      // Up to the rename nothing was promised; behind it `current` is there.
      for (const disk of made) await (await open(disk)).close();
      assert.ok(made.length > 5);
    }
  });
});
