// Bits that flip in an engine's tables: whoever meets them is told which file and where, the rest is read as
// before, merges leave the tables alone, and nothing wrong is ever answered.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { parseFileName } from "../../internal/engine/file-names.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import { engineFolder, EngineLife } from "./engine-life.ts";
import type { Contents } from "./engine-life.ts";
import { calmOptions, FaultRig } from "./fault-rig.ts";

const endOfTime = stamp(1_000_000);

interface Damaged {
  readonly rig: FaultRig;
  /** The path of the newest of two tables of level 0, and its bytes. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly expected: Contents;
}

/** A closed engine with two tables, which hold different keys. */
async function prepare(): Promise<Damaged> {
  const rig = await FaultRig.open();
  await rig.table(30, 200);
  for (let at = 0; at < 20; at++)
    await rig.life.write(rig.of, [{ key: `other-${at}`, text: `${at}`.padEnd(200, "=") }]);
  await rig.engine.flush();
  const expected = await rig.life.contents(rig.of, endOfTime);
  await rig.engine.close();
  const names = await rig.memory.list(engineFolder);
  const tables = names.filter((name) => parseFileName(name)?.kind === "table");
  assert.equal(tables.length, 2);
  const path = `${engineFolder}/${tables[1] ?? ""}`;
  return { rig, path, bytes: rig.memory.peek(path)?.slice() as Uint8Array, expected };
}

async function openOn(rig: FaultRig): Promise<EngineLife> {
  return EngineLife.open(
    { seams: rig.seams, engine: { ...calmOptions, levelZeroTrigger: 60, levelZeroStop: 99 } },
    rig.life.logs,
  );
}

function flip(disk: MemoryDisk, { path, bytes }: Damaged, at: number): void {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ (1 << (at % 8));
  disk.put(path, copy);
}

/** undefined when the reader was told of damage in the file at `path`. */
async function toldOrRight<T>(read: Promise<T>, path: string): Promise<T | undefined> {
  try {
    return await read;
  } catch (failure) {
    assert.ok(failure instanceof TrefoilError, String(failure));
    assert.equal(failure.code, "corruption");
    assert.ok(failure.message.includes(path), failure.message);
    return undefined;
  }
}

describe("damage in a table", () => {
  it("met by a lookup or a walk is told with file and place, and answers nothing wrong; all else is read", async () => {
    const damaged = await prepare();
    const { rig, path, bytes, expected } = damaged;
    let told = 0;
    let walksTold = 0;
    for (let at = 3; at < bytes.length; at += 61) {
      flip(rig.memory, damaged, at);
      const life = await openOn(rig);
      const toldBefore = told;
      for (const [key, held] of expected) {
        const record = await toldOrRight(life.engine.get(rig.of, utf8(key)), path);
        if (record === undefined) {
          told++;
          assert.ok(key.startsWith("other-"), `${key} lies in the other table`);
        } else {
          assert.equal(utf8Text(record.payload), held.text, key);
        }
      }
      const walked = await toldOrRight(life.contents(rig.of, endOfTime), path);
      if (walked === undefined) walksTold++;
      else assert.deepEqual([...walked.keys()].toSorted(), [...expected.keys()].toSorted());
      assert.equal(life.engine.trouble, undefined, "a reader's trouble is no writer's");
      const isMet = told > toldBefore || walked === undefined;
      assert.equal(
        life.engine.damage?.message.includes(path) ?? false,
        isMet,
        "it stays known what readers were told of",
      );
      await life.engine.close();
    }
    assert.ok(told > 100 && walksTold > 50, `${told} lookups and ${walksTold} walks were told`);
    assert.equal(rig.memory.openFileCount, 0);
  });

  it("met by a merge refuses writes and leaves the tables alone; reads elsewhere and flushes go on", async () => {
    const damaged = await prepare();
    const { rig, path, bytes } = damaged;
    let met = 0;
    for (let at = 10; at < bytes.length; at += 397) {
      flip(rig.memory, damaged, at);
      const life = await openOn(rig);
      // Its table meets all others, so that nothing is moved unread.
      await life.write(rig.of, [
        { key: "a", text: "in memory" },
        { key: "z", text: "and to be flushed" },
      ]);
      const merged = life.engine.compactRange(rig.of);
      await assert.rejects(merged, (failure: TrefoilError) => {
        assert.equal(failure.code, "corruption");
        assert.ok(failure.message.includes(path) && /merging tables/.test(failure.message), failure.message);
        return true;
      });
      met++;
      assert.equal(life.engine.trouble?.code, "corruption");
      assert.equal(utf8Text((await life.engine.get(rig.of, utf8("key-0")))?.payload as Uint8Array).slice(0, 2), "0 ");
      // Nothing was removed, nothing half-made stays; what was in memory is in a table by now.
      rig.memory.put(path, bytes);
      await life.engine.close();
      const mended = await openOn(rig);
      await mended.check(rig.of);
      assert.equal(mended.engine.stats().levels[0]?.tables, 2 + met);
      await mended.engine.close();
    }
    assert.ok(met > 5);
  });

  it("a table that was cut short, or is another one, is told as such", async () => {
    const damaged = await prepare();
    const { rig, path, bytes, expected } = damaged;
    const names = (await rig.memory.list(engineFolder)).filter((name) => name.endsWith(".table"));
    const another = rig.memory.peek(`${engineFolder}/${names[0] ?? ""}`) as Uint8Array;
    for (const content of [bytes.subarray(0, 100), bytes.subarray(0, bytes.length - 1), another, new Uint8Array(0)]) {
      rig.memory.put(path, content);
      const life = await openOn(rig);
      for (const [key, held] of expected) {
        const record = await toldOrRight(life.engine.get(rig.of, utf8(key)), path);
        if (key.startsWith("other-")) assert.equal(record, undefined);
        else assert.equal(record?.index, held.index);
      }
      await life.engine.close();
    }
  });
});
