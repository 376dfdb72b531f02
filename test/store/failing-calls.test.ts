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
  "link",
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

/** A call that closes a file fails after it has closed it: another try is not to be had. */
const kinds = [
  { calls: everyCall, after: false },
  { calls: ["close"], after: true },
] as const satisfies readonly { readonly calls: readonly FaultCall[]; readonly after: boolean }[];

const open = (disk: FaultDisk | MemoryDisk): Promise<Store> =>
  Store.open(seamsOn(disk, new ManualTime(), 1), folder, settings);

/** The first call of each kind, the second, and so on, until one is not met. */
function* eachCall(): Generator<(typeof kinds)[number] & { readonly when: number; met(isMet: boolean): void }> {
  for (const kind of kinds) {
    const run = { goesOn: true };
    const met = (isMet: boolean): void => {
      run.goesOn = isMet;
    };
    let when = 1;
    for (; run.goesOn; when++) yield { ...kind, when, met };
    assert.ok(when > 2, `${kind.calls[0]} was never called`);
  }
}

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
    for (const { calls, after, when, met } of eachCall()) {
      const memory = new MemoryDisk();
      const disk = new FaultDisk(memory, { random: new Prng(1) });
      const store = await open(disk);
      await fill(store);
      const rule = disk.arm({ calls, when, fault: { kind: "fail", failure: "failed", after } });
      await store.close().catch((failure: unknown) => {
        assert.ok(failure instanceof TrefoilError, String(failure));
      });
      met(rule.struck > 0);
      rule.disarm();
      assert.equal(memory.openFileCount, 0, `call ${when} of ${calls[0]}`);
      const { operations } = memory;
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(memory.operations, operations, `call ${when}: something was written after the folder was let go of`);
      await check(memory);
    }
  });

  it("while it is opened says why, and can be opened again", async () => {
    const filled = new MemoryDisk();
    const first = await open(filled);
    await fill(first);
    await first.close();
    let refused = 0;
    for (const { calls, after, when, met } of eachCall()) {
      const memory = filled.cloneAfterKill();
      const disk = new FaultDisk(memory, { random: new Prng(1) });
      const rule = disk.arm({ calls, when, times: 3, fault: { kind: "fail", failure: "failed", after } });
      const store = await open(disk).catch((failure: unknown) => {
        refused++;
        assert.ok(failure instanceof TrefoilError, String(failure));
        assert.doesNotMatch(failure.message, /in use/);
        return undefined;
      });
      met(rule.struck > 0);
      rule.disarm();
      await store?.close().catch(() => undefined);
      assert.equal(memory.openFileCount, 0, `call ${when}`);
      await check(memory);
    }
    assert.ok(refused > 5, `${refused} refused`);
  });

  for (const failure of ["failed", "full"] as const) {
    it(`while a checkpoint is made (${failure}) says so, leaves nothing in the way, and makes it when asked again`, async () => {
      const copy = "/data/copy";
      let refused = 0;
      for (const { calls, after, when, met } of eachCall()) {
        const memory = new MemoryDisk();
        const disk = new FaultDisk(memory, { random: new Prng(1) });
        const store = await open(disk);
        await fill(store);
        // Merges open and close tables of the store itself.
        await store.settle();
        const files = memory.openFileCount;
        const rule = disk.arm({ calls, path: /copy/, when, fault: { kind: "fail", failure, after } });
        let isMade = true;
        await store.checkpoint(copy).catch((reason: unknown) => {
          isMade = false;
          refused++;
          assert.ok(reason instanceof TrefoilError, String(reason));
        });
        met(rule.struck > 0);
        rule.disarm();
        assert.ok(memory.openFileCount <= files, `call ${when} of ${calls[0]}: a file was left open`);
        // Some failures do no harm: space behind the end of the log, say.
        if (!isMade) await store.checkpoint(copy);
        await store.close();
        const again = await Store.open(seamsOn(memory, new ManualTime(), 1), copy, settings);
        for (let key = 0; key < 80; key++) assert.equal((await again.get(utf8(`key${key}`)))?.value[0], key);
        await again.close();
      }
      assert.ok(refused > 10, `${refused} refused`);
    });
  }
});
