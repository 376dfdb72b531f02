// What callers can get wrong while a store is open, and where it cannot be made.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import { realSeams } from "../../test/store/real-seams.ts";
import { Store } from "./store.ts";

const settings = { engine: tinyOptions, log: { segmentBytes: 8192, batchBytesMax: 4096 } };

function refusal(code: string, words: string): (failure: unknown) => boolean {
  return (failure) => {
    assert.ok(failure instanceof TrefoilError, String(failure));
    assert.equal(failure.code, code, failure.message);
    assert.ok(failure.message.includes(words), failure.message);
    return true;
  };
}

describe("store: wrong use", () => {
  it("settings that are no object are refused before anything is made", async () => {
    const disk = new MemoryDisk();
    const wrong = [null, 5, { engine: null }, { log: "fast" }] as unknown as Record<string, never>[];
    for (const given of wrong) {
      const open = Store.open(seamsOn(disk, new ManualTime(), 1), "/data/store", given);
      await assert.rejects(open, refusal("bad_request", "is not an object of settings"));
    }
    assert.equal(disk.operations, 0);
  });

  it("a released snapshot, a scan before its first step and bounds that are no bytes are refused", async () => {
    const store = await Store.open(seamsOn(new MemoryDisk(), new ManualTime(), 1), "/data/store", settings);
    await store.put(utf8("a"), utf8("x"));
    const snapshot = store.snapshot();
    snapshot.release();
    const released = refusal("bad_request", "released");
    await assert.rejects(store.get(utf8("a"), snapshot), released);
    assert.throws(() => store.getNow(utf8("a"), snapshot), released);
    assert.throws(() => store.scan({ snapshot }), released);
    const text = "a" as unknown as Uint8Array;
    assert.throws(() => store.scan({ lower: text }), refusal("bad_request", "lower is a Uint8Array"));
    const ttl = { ttlMilliseconds: "5" as unknown as number };
    await assert.rejects(store.put(utf8("b"), utf8("x"), ttl), refusal("bad_ttl", "5"));
    const unread = [
      [null, "not null"],
      [5, "not the number 5"],
      [{ ttl: 5 }, "a put has no option ttl; there are ttlMilliseconds, contentType"],
      [{ contentType: 5 }, "a content type is a text, not the number 5"],
    ] as const;
    for (const [options, words] of unread) {
      await assert.rejects(store.put(utf8("b"), utf8("x"), options as never), refusal("bad_request", words));
    }
    await assert.rejects(store.get(utf8("a"), {} as never), refusal("bad_request", "what store.snapshot() gives"));
    const ranges = [
      [null, "not null"],
      [{ reverse: true }, "a scan has no option reverse"],
      [{ backward: "no" }, "backward is true or false"],
      [{ snapshot: {} }, "what store.snapshot() gives"],
    ] as const;
    for (const [range, words] of ranges) assert.throws(() => store.scan(range as never), refusal("bad_request", words));
    await assert.rejects(store.compact("a" as never), refusal("bad_request", "lower is a Uint8Array"));
    const scan = store.scan();
    const early = refusal("bad_request", "before the first next()");
    for (const read of [() => scan.key(), () => scan.value(), () => scan.keyView, () => scan.valueView]) {
      assert.throws(read, early);
    }
    assert.throws(() => scan.seek("b" as never), refusal("bad_request", "a key is a Uint8Array"));
    assert.throws(() => scan.seek(new Uint8Array(5000)), refusal("bad_key", "5000"));
    assert.ok(await scan.next());
    assert.deepEqual(scan.key(), utf8("a"));
    assert.equal(await scan.next(), false);
    assert.throws(() => scan.key(), refusal("bad_request", "behind the last record"));
    scan.close();
    await assert.rejects(scan.next(), refusal("bad_request", "was closed"));
    assert.throws(() => scan.value(), refusal("bad_request", "is closed"));
    const open = store.scan();
    await store.close();
    await assert.rejects(open.next(), refusal("stopping", "is closed"));
    open.close();
  });

  it("what was not made by this store's batch() is not written by it", async () => {
    const [one, other] = await Promise.all(
      ["/data/one", "/data/other"].map((folder) =>
        Store.open(seamsOn(new MemoryDisk(), new ManualTime(), 1), folder, settings),
      ),
    );
    assert.ok(one !== undefined && other !== undefined);
    const foreign = other.batch().put(utf8("a"), utf8("x"));
    await assert.rejects(one.write(foreign), refusal("bad_request", "a batch of another store"));
    for (const nothing of [undefined, {}, [1]]) {
      await assert.rejects(one.write(nothing as never), refusal("bad_request", "made by batch()"));
    }
    await one.close();
    await other.close();
  });

  it("a scan can be looped over, and is closed when the loop ends early", async () => {
    const store = await Store.open(seamsOn(new MemoryDisk(), new ManualTime(), 1), "/data/store", settings);
    for (const key of ["a", "b", "c"]) await store.put(utf8(key), utf8(key.repeat(2)));
    const seen: string[] = [];
    for await (const { key, value } of store.scan({ lower: utf8("b") }))
      seen.push(`${utf8Text(key)}=${utf8Text(value)}`);
    assert.deepEqual(seen, ["b=bb", "c=cc"]);
    const left = store.scan();
    for await (const record of left) {
      assert.deepEqual(record.key, utf8("a"));
      break;
    }
    await assert.rejects(left.next(), refusal("bad_request", "was closed"));
    await store.close();
  });

  it("who reads from memory in a loop leaves timers their turn", async () => {
    const store = await Store.open(seamsOn(new MemoryDisk(), new ManualTime(), 1), "/data/store", settings);
    const batch = store.batch();
    for (let at = 0; at < 1500; at++) batch.put(utf8(`key ${at}`), utf8("x"));
    await store.write(batch);
    for (const how of ["get", "scan"] as const) {
      let turns = 0;
      let isOver = false;
      const again = (): void => {
        turns++;
        if (!isOver) setImmediate(again);
      };
      setImmediate(again);
      if (how === "scan") {
        const scan = store.scan();
        while (await scan.next());
        scan.close();
      } else {
        for (let at = 0; at < 3000; at++) await store.get(utf8("key 7"));
      }
      isOver = true;
      assert.ok(turns >= 1, how);
    }
    await store.close();
  });

  it("a folder that this process has open is said to be so, and is named once", async () => {
    const root = await mkdtemp(join(tmpdir(), "trefoil-twice-"));
    const seams = realSeams();
    try {
      const store = await Store.open(seams, root, settings);
      await assert.rejects(Store.open(seams, root, settings), (failure) => {
        refusal("conflict", "in use by this process")(failure);
        assert.equal((failure as Error).message.split(root).length, 2, (failure as Error).message);
        return true;
      });
      await store.close();
    } finally {
      await seams.close();
      await rm(root, { recursive: true });
    }
  });

  it("a folder where no folder can be made fails instead of waiting for ever", async () => {
    const seams = realSeams();
    try {
      await assert.rejects(Store.open(seams, "/proc/trefoil/store", settings), refusal("bad_request", "/proc/trefoil"));
    } finally {
      await seams.close();
    }
  });
});
