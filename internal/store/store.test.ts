import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import { realSeams } from "../../test/store/real-seams.ts";
import { Store } from "./store.ts";

const folder = "/data/store";
const open = (disk: MemoryDisk, time = new ManualTime()) =>
  Store.open(seamsOn(disk, time, 1), folder, { engine: tinyOptions, log: { segmentBytes: 64 * 1024 } });

async function contents(store: Store): Promise<string[]> {
  const scan = store.scan();
  const seen: string[] = [];
  while (await scan.next()) seen.push(`${utf8Text(scan.key())}=${utf8Text(scan.value())}`);
  scan.close();
  return seen;
}

test("what was written is there after closing and opening again, in a new term", async () => {
  const disk = new MemoryDisk();
  let store = await open(disk);
  assert.deepEqual(await store.put(utf8("a"), utf8("1")), { term: 1, index: 1, durability: "synced" });
  await store.put(utf8("b"), utf8("2"), { contentType: "text/plain" });
  await store.write(store.batch().put(utf8("c"), utf8("3")).delete(utf8("a")));
  assert.deepEqual(await contents(store), ["b=2", "c=3"]);
  assert.equal((await store.get(utf8("b")))?.contentType, "text/plain");
  await store.close();
  assert.equal(disk.openFileCount, 0);
  store = await open(disk);
  assert.deepEqual(await contents(store), ["b=2", "c=3"]);
  assert.equal((await store.put(utf8("d"), utf8("4"))).term, 2);
  await store.close();
});

test("a record is gone when its time is over, and a scan, a lookup and a snapshot agree", async () => {
  const time = new ManualTime();
  const store = await open(new MemoryDisk(), time);
  await store.put(utf8("a"), utf8("1"), { ttlMilliseconds: 1000 });
  const snapshot = store.snapshot();
  time.advance(999);
  assert.deepEqual(await contents(store), ["a=1"]);
  time.advance(1);
  assert.deepEqual(await contents(store), []);
  assert.equal(await store.get(utf8("a")), undefined);
  assert.equal(utf8Text((await store.get(utf8("a"), snapshot))?.value ?? utf8("?")), "1");
  snapshot.release();
  await store.close();
});

test("a scan refuses two things at once, and then goes on as if it had not been asked", async () => {
  const disk = new MemoryDisk({ delay: () => new Promise(setImmediate) });
  const settings = { engine: { ...tinyOptions, readsNowPerTurn: 0 } };
  let store = await Store.open(seamsOn(disk, new ManualTime(), 1), folder, settings);
  const name = (at: number) => utf8(`key${String(at).padStart(3, "0")}`);
  for (let at = 0; at < 300; at++) await store.put(name(at), new Uint8Array(300));
  await store.settle();
  await store.close();
  store = await Store.open(seamsOn(disk, new ManualTime(), 1), folder, settings);
  for (let at = 0; at < 300; at += 23) {
    const scan = store.scan();
    let step = scan.nextNow();
    while (step === "record") step = scan.nextNow();
    assert.equal(step, "load");
    const load = scan.load();
    assert.throws(() => scan.seek(name(at)), /is pending/);
    assert.throws(() => scan.nextNow(), /is pending/);
    await load;
    scan.seek(name(at));
    const [first, second] = await Promise.allSettled([scan.next(), scan.next()]);
    assert.deepEqual(first, { status: "fulfilled", value: true });
    if (second.status === "rejected") assert.match(String(second.reason), /is pending/);
    let left = second.status === "fulfilled" && second.value ? 2 : 1;
    while (await scan.next()) left++;
    assert.equal(left, 300 - at);
    scan.close();
  }
  await store.close();
});

test("thousands of concurrent writers on a real disk each get their answer, and all is there after reopening", async () => {
  const root = await mkdtemp(join(tmpdir(), "trefoil-store-"));
  const seams = realSeams();
  try {
    let store = await Store.open(seams, join(root, "s"), { engine: { memtableBytes: 256 * 1024 } });
    const value = new Uint8Array(100).fill(120);
    const writes = Array.from({ length: 20_000 }, (_, at) => store.put(utf8(`key${at}`), value));
    const answers = await Promise.all(writes);
    assert.deepEqual(
      answers.map((answer) => answer.index),
      answers.map((_, at) => at + 1),
    );
    await store.close();
    store = await Store.open(seams, join(root, "s"));
    assert.equal((await contents(store)).length, 20_000);
    await store.settle();
    assert.equal((await contents(store)).length, 20_000);
    await store.close();
  } finally {
    await seams.close();
    await rm(root, { recursive: true });
  }
});
