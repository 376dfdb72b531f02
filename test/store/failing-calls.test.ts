// Every call to the disk fails once while a store is opened, and while it is closed. Whatever happens, the folder is let go of when
// nothing writes to it any more, and not before; no file stays open; and what was acknowledged is there afterwards.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { Store } from "../../internal/store/store.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import type { FaultCall } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { ManualTime, seamsOn, tinyOptions } from "../engine/engine-rig.ts";

const folder = "/data/store";
const settings: Partial<StoreOptions> = { engine: tinyOptions, log: { segmentBytes: 8192, batchBytesMax: 4096 } };
const everyCall: readonly FaultCall[] = [
  "openFile",
  "read",
  "write",
  "syncData",
  "truncate",
  "size",
  "rename",
  "remove",
  "makeFolder",
  "list",
  "syncFolder",
  "sizeOf",
  "freeBytes",
];

const open = (disk: FaultDisk | MemoryDisk): Promise<Store> =>
  Store.open(seamsOn(disk, new ManualTime(), 1), folder, settings);

async function fill(store: Store): Promise<void> {
  for (let key = 0; key < 60; key++) await store.put(utf8(`key${key}`), new Uint8Array(300).fill(key));
  await store.flush();
  for (let key = 60; key < 80; key++) await store.put(utf8(`key${key}`), new Uint8Array(300).fill(key));
}

async function check(disk: MemoryDisk): Promise<void> {
  const store = await open(disk);
  for (let key = 0; key < 80; key++) assert.equal((await store.get(utf8(`key${key}`)))?.value[0], key, `key${key}`);
  await store.close();
  assert.equal(disk.openFileCount, 0);
}

describe("a store whose disk fails once", () => {
  it("while it is closed lets go of the folder all the same, and only then", async () => {
    let when = 0;
    for (let isMet = true; isMet;) {
      when++;
      const memory = new MemoryDisk();
      const disk = new FaultDisk(memory, { random: new Prng(1) });
      const store = await open(disk);
      await fill(store);
      const rule = disk.arm({ calls: everyCall, when, fault: { kind: "fail", failure: "failed" } });
      await store.close().catch((failure: unknown) => {
        assert.ok(failure instanceof TrefoilError, String(failure));
      });
      isMet = rule.struck > 0;
      rule.disarm();
      assert.equal(memory.openFileCount, 0, `call ${when}`);
      const { operations } = memory;
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(memory.operations, operations, `call ${when}: something was written after the folder was let go of`);
      await check(memory);
    }
    assert.ok(when > 3, `${when} calls`);
  });

  it("while it is opened says why, and can be opened again", async () => {
    const filled = new MemoryDisk();
    const first = await open(filled);
    await fill(first);
    await first.close();
    let when = 0;
    let refused = 0;
    for (let isMet = true; isMet;) {
      when++;
      const memory = filled.cloneAfterKill();
      const disk = new FaultDisk(memory, { random: new Prng(1) });
      const rule = disk.arm({ calls: everyCall, when, times: 3, fault: { kind: "fail", failure: "failed" } });
      const store = await open(disk).catch((failure: unknown) => {
        refused++;
        assert.ok(failure instanceof TrefoilError, String(failure));
        assert.doesNotMatch(failure.message, /in use/);
        return undefined;
      });
      isMet = rule.struck > 0;
      rule.disarm();
      await store?.close().catch(() => undefined);
      assert.equal(memory.openFileCount, 0, `call ${when}`);
      await check(memory);
    }
    assert.ok(when > 10 && refused > 5, `${when} calls, ${refused} refused`);
  });
});
