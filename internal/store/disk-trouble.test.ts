// What a store does when its disk fills up, fails, or is too slow for those who write.

import assert from "node:assert/strict";
import { setImmediate as turnOver } from "node:timers/promises";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { Prng } from "../base/prng.ts";
import { FaultDisk } from "../../test/disk/fault-disk.ts";
import type { FaultRule } from "../../test/disk/fault-rules.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { nothingSurvives } from "../../test/disk/power-cut.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import type { StoreOptions } from "./options.ts";
import { Store } from "./store.ts";
import type { Written } from "./write-pipeline.ts";

const folder = "/data/store";
const settings: Partial<StoreOptions> = {
  engine: { ...tinyOptions, spaceRetryMilliseconds: 10 },
  log: { segmentBytes: 16_384, batchBytesMax: 4096, cacheBytesMax: 16_384, retryMilliseconds: 10 },
};

interface Rig {
  readonly memory: MemoryDisk;
  readonly disk: FaultDisk;
  readonly time: ManualTime;
  readonly store: Store;
}

async function rigWith(options: Partial<StoreOptions> = {}): Promise<Rig> {
  const memory = new MemoryDisk();
  const time = new ManualTime();
  const onFailedSync = (path: string): void => memory.dropUnsynced(path);
  const disk = new FaultDisk(memory, { random: new Prng(1), scheduler: time, onFailedSync });
  const store = await Store.open(seamsOn(disk, time, 1), folder, { ...settings, ...options });
  return { memory, disk, time, store };
}

const reopened = (memory: MemoryDisk, time: ManualTime): Promise<Store> => {
  return Store.open(seamsOn(memory, time, 2), folder, settings);
};

const key = (number: number): Uint8Array => utf8(`key${String(number).padStart(5, "0")}`);

async function keysOf(store: Store): Promise<number> {
  const scan = store.scan();
  let count = 0;
  while (await scan.next()) count++;
  scan.close();
  return count;
}

interface Answers {
  readonly written: number[];
  readonly refused: { readonly number: number; readonly error: TrefoilError }[];
  readonly unanswered: Set<number>;
}

/** Lets everything come to rest that no timer holds up. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await turnOver();
}

/** Writes, so many at once, until one is refused or stays without an answer; or so many in all. */
async function fill(store: Store, from: number, most: number, abreast = 1): Promise<Answers> {
  const answers: Answers = { written: [], refused: [], unanswered: new Set() };
  for (let number = from; number < from + most;) {
    for (let beside = 0; beside < abreast; beside++, number++) {
      answers.unanswered.add(number);
      void note(answers, number, store.put(key(number), new Uint8Array(1000).fill(number)));
    }
    for (let turn = 0; turn < 50 && answers.unanswered.size > 0; turn++) await turnOver();
    if (answers.refused.length > 0 || answers.unanswered.size > 3) break;
  }
  return answers;
}

async function note(answers: Answers, number: number, write: Promise<Written>): Promise<void> {
  try {
    await write;
    answers.written.push(number);
  } catch (failure) {
    assert.ok(failure instanceof TrefoilError, String(failure));
    answers.refused.push({ number, error: failure });
  }
  answers.unanswered.delete(number);
}

const fails = (path: RegExp, calls: FaultRule["calls"] = ["syncData"]): FaultRule => {
  return { calls, path, when: 1, fault: { kind: "fail", failure: "failed" } };
};

const isRefused = (code: ErrorCode) => (failure: unknown) => failure instanceof TrefoilError && failure.code === code;

describe("store: a full disk", () => {
  it("refuses puts with storage_full, reads on, takes deletes, and goes on by itself when there is space", async () => {
    const { memory, disk, time, store } = await rigWith();
    const before = await fill(store, 0, 30);
    assert.equal(before.written.length, 30);
    const space = disk.limitSpace(20_000);
    const during = await fill(store, 100, 1000);
    const refused = during.refused.at(-1);
    assert.equal(refused?.error.code, "storage_full", refused?.error.message);
    assert.match(refused.error.message, /\/data\/store/);
    assert.equal(refused.error.outcome, "not_applied");
    assert.equal(store.trouble?.code, "storage_full");
    // Reads go on, and see every write that was answered.
    for (const number of [...before.written, ...during.written])
      assert.ok((await store.get(key(number))) !== undefined);
    assert.equal(await keysOf(store), before.written.length + during.written.length);
    await assert.rejects(store.put(key(5000), utf8("x")), isRefused("storage_full"));
    const deletes: Answers = { written: [], refused: [], unanswered: new Set([3]) };
    void note(deletes, 3, store.delete(key(3)));
    space.refill(10_000_000);
    for (let round = 0; round < 100 && (store.trouble !== undefined || deletes.unanswered.size > 0); round++) {
      time.advance(10);
      await rest();
    }
    assert.equal(store.trouble, undefined, "it goes on by itself");
    assert.deepEqual(deletes.written, [3]);
    assert.deepEqual([...during.unanswered], [], "what waited was answered");
    const after = await fill(store, 2000, 60);
    assert.equal(after.written.length, 60);
    const kept = new Set([...before.written, ...during.written, ...after.written]);
    kept.delete(3);
    assert.equal(await keysOf(store), kept.size);
    await store.close();
    const again = await reopened(memory.clone(nothingSurvives()), time);
    assert.equal(await keysOf(again), kept.size);
    for (const number of kept)
      assert.deepEqual((await again.get(key(number)))?.value, new Uint8Array(1000).fill(number));
    await again.close();
  });

  it("keeps everything acknowledged wherever the space ends: in the log, a flush, a merge, the manifest", async () => {
    const met = { refused: 0, unknown: 0 };
    for (let bytes = 0; bytes < 400_000; bytes += 18_000) {
      const { memory, disk, time, store } = await rigWith();
      const space = disk.limitSpace(bytes);
      const during = await fill(store, 0, 400, (bytes / 18_000) % 2 === 0 ? 1 : 60);
      await rest();
      const unknown = during.refused.filter(({ error }) => error.outcome === "unknown").length;
      met.refused += during.refused.length - unknown;
      met.unknown += unknown;
      for (const number of during.written) assert.ok((await store.get(key(number))) !== undefined, `${bytes} bytes`);
      space.refill(10_000_000);
      for (let round = 0; round < 200 && (store.trouble !== undefined || during.unanswered.size > 0); round++) {
        time.advance(10);
        await rest();
      }
      assert.deepEqual([store.trouble, during.unanswered.size], [undefined, 0], `${bytes} bytes`);
      await store.put(key(9999), utf8("x"));
      await store.settle();
      const expected = during.written.length + unknown + 1;
      assert.equal(await keysOf(store), expected, `${bytes} bytes`);
      const again = await reopened(memory.clone(nothingSurvives()), time);
      assert.equal(await keysOf(again), expected, `${bytes} bytes`);
      await again.close();
      await store.close();
    }
    assert.ok(met.refused > 10 && met.unknown > 3, JSON.stringify(met));
  });

  it("can be closed while it is full: who waits is told that the outcome is not known", async () => {
    const { memory, disk, time, store } = await rigWith();
    disk.limitSpace(0);
    const answers = await fill(store, 0, 400, 60);
    const writes = [...answers.unanswered];
    await store.close();
    await rest();
    assert.deepEqual([...answers.unanswered], [], "everybody was answered");
    for (const { error } of answers.refused) {
      assert.ok(["storage_full", "outcome_unknown", "stopping"].includes(error.code), error.code);
    }
    const again = await reopened(memory.clone(nothingSurvives()), time);
    const there = await keysOf(again);
    assert.ok(there >= answers.written.length && there <= answers.written.length + writes.length);
    for (const number of answers.written) assert.ok((await again.get(key(number))) !== undefined);
    await again.close();
  });
});

describe("store: a failed disk", () => {
  it("a failed write of the log ends writing: nobody is told that a write was kept, reads go on", async () => {
    const { memory, disk, time, store } = await rigWith();
    await fill(store, 0, 10);
    disk.arm(fails(/\/log\/\d+\.log$/, ["write"]));
    await assert.rejects(store.put(key(100), utf8("x")), isRefused("outcome_unknown"));
    await assert.rejects(store.put(key(101), utf8("x")), isRefused("internal"));
    await assert.rejects(store.delete(key(1)), isRefused("internal"));
    assert.equal(await keysOf(store), 10);
    await store.close();
    const again = await reopened(memory.clone(nothingSurvives()), time);
    assert.equal(await keysOf(again), 10);
    await again.close();
  });

  it("a failed sync under an interval is never tried again: what was buffered may be lost, what was synced is not", async () => {
    const { memory, disk, time, store } = await rigWith({ fsync: { kind: "interval", milliseconds: 50 } });
    assert.equal((await store.put(key(1), utf8("x"))).durability, "buffered");
    time.advance(50);
    await rest();
    assert.equal(store.stats().log.counters.syncDuration.count > 0, true);
    const armed = disk.arm({ ...fails(/\/log\//), times: 1 });
    await store.put(key(2), utf8("x"));
    time.advance(50);
    await rest();
    assert.equal(armed.struck, 1);
    await assert.rejects(store.put(key(3), utf8("x")), isRefused("internal"));
    assert.match(store.trouble?.message ?? "", /the process must end/);
    await store.close();
    const again = await reopened(memory.clone(nothingSurvives()), time);
    assert.ok((await again.get(key(1))) !== undefined);
    await again.close();
  });

  it("a failed sync of a table refuses writes with the reason, answers who waits, and loses nothing", async () => {
    const { memory, disk, time, store } = await rigWith();
    disk.arm(fails(/\.table$/));
    const answers = await fill(store, 0, 1000);
    const last = answers.refused.at(-1);
    assert.ok(last !== undefined && ["internal", "outcome_unknown"].includes(last.error.code), last?.error.message);
    await rest();
    assert.deepEqual([...answers.unanswered], [], "nobody waits for ever");
    assert.equal(store.trouble?.code, "internal");
    for (const number of answers.written) assert.ok((await store.get(key(number))) !== undefined);
    await assert.rejects(store.flush(), isRefused("internal"));
    await store.close();
    const again = await reopened(memory.clone(nothingSurvives()), time);
    for (const number of answers.written) assert.ok((await again.get(key(number))) !== undefined);
    await again.close();
  });
});

describe("store: writers faster than the disk", () => {
  it("are refused as busy beyond a bound; who was taken gets an answer, who was refused is not there", async () => {
    const { store } = await rigWith({ waitingBytesMax: 20_000, unappliedBytesMax: 10_000 });
    const answers: Answers = { written: [], refused: [], unanswered: new Set() };
    const notes = Array.from({ length: 500 }, (_, number) => {
      return note(answers, number, store.put(key(number), new Uint8Array(200)));
    });
    assert.ok(store.stats().unanswered <= (20_000 + 10_000 + 3 * 4096) / 200, "the queue is bounded");
    await Promise.all(notes);
    assert.ok(answers.refused.length > 300, `${answers.refused.length} were refused`);
    for (const { error } of answers.refused) assert.deepEqual([error.code, error.outcome], ["busy", "not_applied"]);
    assert.equal(await keysOf(store), answers.written.length);
    assert.equal(store.stats().unanswered, 0);
    await store.put(key(1), utf8("again"));
    await store.close();
  });

  it("can be read when it is opened on a full disk with less memory than it had, and written when there is space", async () => {
    const log = { segmentBytes: 1024 * 1024 };
    const { memory, store } = await rigWith({ log, engine: { ...tinyOptions, memtableBytes: 1024 * 1024 } });
    for (let number = 0; number < 60; number++) await store.put(key(number), new Uint8Array(5000));
    await store.close();
    const disk = new FaultDisk(memory, { random: new Prng(1) });
    const space = disk.limitSpace(40_000);
    const time = new ManualTime();
    const again = await Store.open(seamsOn(disk, time, 1), folder, { ...settings, log });
    assert.equal(await keysOf(again), 60);
    await rest();
    await assert.rejects(again.put(key(100), new Uint8Array(5000)), isRefused("storage_full"));
    space.refill(10_000_000);
    for (let round = 0; round < 100 && again.trouble !== undefined; round++) {
      time.advance(10);
      await rest();
    }
    await again.put(key(100), new Uint8Array(5000));
    assert.equal(await keysOf(again), 61);
    await again.settle();
    await again.close();
  });

  it("tells who waits for a full disk that the write is in the log, and it takes effect when there is space", async () => {
    const { disk, time, store } = await rigWith();
    const space = disk.limitSpace(60_000);
    const answers = await fill(store, 0, 400, 60);
    await rest();
    assert.deepEqual([...answers.unanswered], [], "nobody waits");
    const unknown = answers.refused.filter(({ error }) => error.code === "outcome_unknown");
    assert.ok(unknown.length > 0 && unknown.every(({ error }) => error.outcome === "unknown"));
    space.refill(10_000_000);
    for (let round = 0; round < 100 && store.trouble !== undefined; round++) {
      time.advance(10);
      await rest();
    }
    for (const { number } of unknown) assert.ok((await store.get(key(number))) !== undefined, `${number} took effect`);
    await store.close();
  });

  it("waits for files that can be opened again, and goes on by itself", async () => {
    const { disk, time, store } = await rigWith();
    await fill(store, 0, 30);
    const rule = disk.arm({
      calls: ["openFile", "syncFolder"],
      when: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "fail", failure: "exhausted" },
    });
    await fill(store, 100, 400, 20);
    assert.ok(rule.struck > 0);
    await assert.rejects(store.flush(), isRefused("busy"));
    assert.equal(store.trouble?.code, "busy");
    rule.disarm();
    for (let round = 0; round < 100 && store.trouble !== undefined; round++) {
      time.advance(10);
      await rest();
    }
    await store.put(key(9999), utf8("x"));
    await store.flush();
    await store.close();
  });

  it("that has no room for a single record of its log is not opened, and says why", async () => {
    const { memory, store } = await rigWith();
    await store.put(key(1), utf8("x"));
    await store.close();
    const disk = new FaultDisk(memory, { random: new Prng(1) });
    disk.limitSpace(0);
    const open = Store.open(seamsOn(disk, new ManualTime(), 1), folder, settings);
    await assert.rejects(open, isRefused("storage_full"));
  });
});
