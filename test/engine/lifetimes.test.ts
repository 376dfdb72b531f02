// What readers hold on to while flushes, merges, checkpoints and closing go on beneath them; and jobs that end
// before they are done.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { isTombstone } from "../../internal/engine/cell.ts";
import { joinPath, parseFileName } from "../../internal/engine/file-names.ts";
import type { EngineSnapshot } from "../../internal/engine/live-snapshots.ts";
import { WorkerDied } from "../../internal/platform/background.ts";
import type { Background, Job } from "../../internal/platform/background.ts";
import type { FaultRule } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { checkFolder, engineFolder, EngineLife } from "./engine-life.ts";
import { calmOptions, FaultRig, group, turn } from "./fault-rig.ts";

async function tablesOf(rig: FaultRig): Promise<string[]> {
  return (await rig.memory.list(engineFolder)).filter((name) => parseFileName(name)?.kind === "table");
}

describe("readers", () => {
  it("an iterator walks over tables that a merge has removed, and they go when it is closed", async () => {
    const rig = await FaultRig.open();
    for (let round = 0; round < 3; round++) await rig.table(20);
    const before = await tablesOf(rig);
    const expected = await rig.life.contents(rig.of, stamp(1000));
    for (const backward of [false, true]) {
      const iterator = rig.engine.iterate(rig.of, { backward });
      assert.ok(await iterator.nextLoaded());
      await rig.life.write(rig.of, [{ key: "key-0" }, { key: "key-1", text: "later" }]);
      await rig.engine.compactRange(rig.of);
      await rig.quiet();
      if (!backward) for (const name of before) assert.ok((await tablesOf(rig)).includes(name), `${name} is held`);
      let records = 1;
      while (await iterator.nextLoaded()) records++;
      if (!backward) assert.equal(records, expected.size);
      iterator.close();
      await rig.quiet();
      assert.equal(rig.engine.stats().tablesObsolete, 0);
    }
    for (const name of before) assert.ok(!(await tablesOf(rig)).includes(name), `${name} is gone`);
    await rig.life.check(rig.of);
    await rig.engine.close();
    await checkFolder(rig.memory);
  });

  it("a walk that asks for tombstones sees those that have not been collected, both ways", async () => {
    const rig = await FaultRig.open();
    const seen = async (backward: boolean, tombstones: boolean, snapshot?: EngineSnapshot): Promise<string[]> => {
      const iterator = rig.engine.iterate(rig.of, { backward, tombstones, snapshot });
      const lines: string[] = [];
      while (await iterator.nextLoaded()) {
        const { cellBytes, cellStart } = iterator.entry;
        lines.push(`${isTombstone(cellBytes, cellStart) ? "-" : "+"}${utf8Text(iterator.key())}`);
      }
      iterator.close();
      return backward ? lines.toReversed() : lines;
    };
    await rig.life.write(rig.of, [{ key: "a", text: "1" }, { key: "b", text: "1" }, { key: "c" }]);
    const snapshot = rig.engine.snapshot();
    await rig.engine.flush();
    await rig.life.write(rig.of, [{ key: "a" }, { key: "d" }, { key: "e", text: "2" }]);
    for (const step of ["in memory", "in tables"]) {
      for (const backward of [false, true]) {
        assert.deepEqual(await seen(backward, true), ["-a", "+b", "-c", "-d", "+e"], step);
        assert.deepEqual(await seen(backward, false), ["+b", "+e"], step);
        assert.deepEqual(await seen(backward, true, snapshot), ["+a", "+b", "-c"], step);
      }
      await rig.engine.flush();
    }
    snapshot.release();
    rig.engine.raiseGarbageHorizon({ incarnation: rig.of, watermark: stamp(9000), expiryHorizon: stamp(9000) });
    await rig.life.write(rig.of, [{ key: "f" }, { key: "g", text: "3" }]);
    await rig.engine.compactRange(rig.of);
    for (const backward of [false, true]) assert.deepEqual(await seen(backward, true), ["+b", "+e", "+g"]);
    await rig.engine.close();
  });

  it("a snapshot keeps every version that it sees through flushes, merges and garbage collection", async () => {
    const rig = await FaultRig.open();
    const held: { index: number; snapshot: ReturnType<typeof rig.engine.snapshot> }[] = [];
    for (let round = 0; round < 5; round++) {
      await rig.life.fill(rig.of, 10);
      const { lastIndex } = rig.life.log(rig.of);
      await rig.life.write(rig.of, [{ key: "brief", text: `of round ${round}`, expiry: lastIndex + 2 }]);
      held.push({ index: lastIndex + 1, snapshot: rig.engine.snapshot() });
      await rig.life.write(rig.of, [{ key: "brief" }, { key: `key-${round}` }]);
      rig.engine.raiseGarbageHorizon({ incarnation: rig.of, watermark: stamp(9000), expiryHorizon: stamp(9000) });
      if (round % 2 === 0) await rig.engine.flush();
    }
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    for (const { index, snapshot } of held) {
      await rig.life.check(rig.of, { index, now: index, snapshot });
      snapshot.release();
      await rig.engine.settle();
    }
    await rig.life.check(rig.of);
    // Now that nobody sees them, deletes and old versions are forgotten.
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    const { entries } = rig.engine.stats();
    assert.equal(entries, (await rig.life.contents(rig.of, stamp(0))).size);
    await rig.engine.close();
  });

  it("versions that only a snapshot saw go when it is released, by merges of their own, also after a restart", async () => {
    const rig = await FaultRig.open();
    const entries = (engine = rig.engine): number => engine.stats().entries;
    await rig.life.fill(rig.of, 50);
    const first = rig.engine.snapshot();
    await rig.life.fill(rig.of, 50);
    const second = rig.engine.snapshot();
    await rig.life.fill(rig.of, 50);
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    const { size } = await rig.life.contents(rig.of, stamp(0));
    assert.equal(entries(), 150);
    first.release();
    await rig.engine.settle();
    // The other one stands amid them, and they cannot be told apart without reading.
    assert.equal(entries(), 150);
    second.release();
    await rig.engine.settle();
    assert.equal(entries(), size);
    await rig.life.check(rig.of);

    const third = rig.engine.snapshot();
    await rig.life.fill(rig.of, 97);
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    assert.equal(entries(), size + 97);
    const again = await rig.crash();
    await again.engine.settle();
    assert.equal(entries(again.engine), size);
    await again.check(rig.of);
    await again.engine.close();
    third.release();
    await rig.engine.close();
  });

  it("lookups that wait for the disk at the same time get each its own record", async () => {
    // Far more blocks than frames: what one lookup has found, the next one's load may replace.
    const rig = await FaultRig.open({ readsNowPerTurn: 0, blockCacheBytes: 16 * 1024 });
    for (let round = 0; round < 4; round++) await rig.table(60, 400);
    const expected = await rig.life.contents(rig.of, stamp(1000));
    for (let round = 0; round < 5; round++) {
      const keys = [...expected.keys()];
      const records = await Promise.all(keys.map((key) => rig.engine.get(rig.of, utf8(key))));
      for (const [at, key] of keys.entries()) {
        const record = records[at];
        assert.ok(record !== undefined, key);
        assert.equal(utf8Text(record.payload), expected.get(key)?.text, key);
      }
    }
    await rig.engine.close();
  });

  it("never has a descriptor closed under a pending read", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Prng(seed);
      const memory = new MemoryDisk({ delay: (name) => slow(name === "read" ? random.below(12) : random.below(2)) });
      const rig = await FaultRig.open({ readsNowPerTurn: 0, openTablesMax: 8, levelZeroTrigger: 2 }, memory);
      for (let round = 0; round < 4; round++) await rig.table(20, 150);
      const expected = await rig.life.contents(rig.of, stamp(1000));
      const reads = Array.from({ length: 40 }, async (_, at) => {
        await slow(random.below(30));
        const key = `key-${(at * 7919) % 97}`;
        const record = await rig.engine.get(rig.of, utf8(key));
        assert.equal(record?.index, expected.get(key)?.index);
      });
      const outcomes = Promise.allSettled(reads);
      // The memory disk stops the process on a close with a read pending.
      await Promise.all([rig.engine.compactRange(rig.of), slow(random.below(40))]);
      if (seed % 2 === 0) await rig.engine.close();
      for (const outcome of await outcomes) {
        if (outcome.status === "fulfilled") continue;
        assert.ok(outcome.reason instanceof TrefoilError, String(outcome.reason));
        assert.equal(outcome.reason.code, "stopping", outcome.reason.stack);
        assert.equal(seed % 2, 0);
      }
      await rig.engine.close();
      assert.equal(memory.openFileCount, 0);
    }
  });

  it("a checkpoint copies tables that a merge removes meanwhile", async () => {
    const rig = await FaultRig.open({}, new MemoryDisk({ delay: (name) => slow(name === "link" ? 30 : 0) }));
    for (let round = 0; round < 3; round++) await rig.table(20);
    const index = rig.life.log(rig.of).lastIndex;
    const copying = rig.engine.checkpoint("/data/copy");
    await Promise.all([copying, rig.table(20).then(() => rig.engine.compactRange(rig.of))]);
    await rig.engine.close();
    const given = { seams: rig.seams, engine: calmOptions, folder: "/data/copy" };
    const copy = await EngineLife.open(given, rig.life.logs);
    const applied = copy.engine.appliedIndex(rig.of);
    assert.ok(applied >= index);
    await copy.check(rig.of, { index: applied, now: 1000 });
    await copy.engine.close();
    await checkFolder(rig.memory, "/data/copy");
  });

  it("a checkpoint is refused where something lies", async () => {
    const rig = await FaultRig.open();
    rig.memory.put("/data/copy/notes.txt", utf8("a stranger's"));
    await assert.rejects(rig.engine.checkpoint("/data/copy"), { code: "conflict", message: /notes\.txt/ });
    await assert.rejects(rig.engine.checkpoint(engineFolder), { code: "conflict" });
    assert.deepEqual(await rig.memory.list("/data/copy"), ["notes.txt"]);
    await rig.engine.close();
  });
});

/** Its worker dies under the next job of that name, which has begun to write. */
class Mortal implements Background {
  deaths = 0;
  private readonly inner: Background;
  private readonly memory: MemoryDisk;
  private readonly job: string;
  private readonly times: number;

  constructor(rig: FaultRig, job: string, times: number) {
    this.inner = rig.background;
    this.memory = rig.memory;
    this.job = job;
    this.times = times;
  }

  async run<Input, Output>(job: Job<Input, Output>, input: Input): Promise<Output> {
    if (job.name !== this.job || this.deaths >= this.times) return this.inner.run(job, input);
    this.deaths++;
    const { path, folder, numbers } = input as { path?: string; folder?: string; numbers?: { first: number } };
    const output = path ?? joinPath(folder ?? "", `${String(numbers?.first ?? 0).padStart(6, "0")}.table`);
    this.memory.put(output, utf8("half a table"));
    await turn();
    throw new WorkerDied(`the background worker died while it had job ${job.name} to do`);
  }

  limitRate(bytesPerSecond: number): void {
    this.inner.limitRate(bytesPerSecond);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

describe("jobs", () => {
  for (const job of ["flush", "compaction"]) {
    it(`a worker that dies under a ${job} loses nothing: writers are told, and the work is done again`, async () => {
      const rig = new FaultRig();
      const mortal = new Mortal(rig, job, 3);
      const seams = { ...rig.seams, background: mortal };
      rig.life = await EngineLife.open({ seams, engine: { ...calmOptions, levelZeroTrigger: 2 } });
      rig.of = await rig.life.create(group);
      await rig.life.fill(rig.of, 20);
      if (job === "compaction") {
        await rig.engine.flush();
        await rig.life.fill(rig.of, 20);
      }
      rig.engine.flush().catch(() => undefined);
      await rig.quiet();
      assert.equal(rig.engine.trouble?.code, "busy");
      assert.match(rig.engine.trouble.message, new RegExp(`worker died while it had job ${job}`));
      await rig.life.check(rig.of);
      await rig.until(() => rig.engine.trouble === undefined);
      assert.equal(mortal.deaths, 3);
      await rig.engine.flush();
      await rig.engine.settle();
      await rig.life.check(rig.of);
      const again = await rig.life.reopen();
      await again.check(rig.of);
      await again.engine.close();
      await checkFolder(rig.memory);
    });

    it(`closing during a ${job} waits for it, and the folder is whole`, async () => {
      const rig = await FaultRig.open({ levelZeroTrigger: 2 });
      await rig.table(20);
      if (job === "compaction") await rig.table(20);
      rig.holdJobs();
      await rig.life.fill(rig.of, 20);
      if (job === "flush") rig.engine.flush().catch(() => undefined);
      await turn();
      assert.equal(rig.background.runningCount, 1, "a job is under way");
      const closing = rig.engine.close();
      const twice = rig.engine.close();
      await turn();
      assert.ok(rig.engine.isClosing);
      rig.resumeJobs();
      await Promise.all([closing, twice]);
      assert.equal(rig.memory.openFileCount, 0);
      await checkFolder(rig.memory);
      const again = await rig.crash();
      await again.check(rig.of);
      await again.engine.close();
    });

    it(`a ${job} that is cut off by the end of background work leaves no harm and no trouble`, async () => {
      const rig = await FaultRig.open({ levelZeroTrigger: 2 });
      await rig.table(20);
      const openGate = rig.gate(job);
      await rig.life.fill(rig.of, 20);
      const flushed = rig.engine.flush().catch(() => undefined);
      if (job === "compaction") await flushed;
      openGate();
      while (rig.background.runningCount === 0) await Promise.resolve();
      rig.holdJobs();
      const closing = rig.engine.close();
      await rig.background.close();
      await closing;
      assert.equal(rig.engine.trouble, undefined);
      const again = await rig.crash();
      await again.check(rig.of);
      await again.engine.close();
      await checkFolder(again.disk);
    });
  }

  it("a flush that fails removes its own table, and not one that a merge is writing", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    // Enough records for the merge to take several steps.
    const many = (from: number) =>
      Array.from({ length: 3000 }, (_, at) => ({ key: `many-${at * 2 + from}`, text: "x".repeat(20) }));
    await rig.life.write(rig.of, many(0));
    await rig.engine.flush();
    const openGate = rig.gate("compaction");
    await rig.life.write(rig.of, many(1));
    await rig.engine.flush();
    const inputs = await tablesOf(rig);
    // In the middle of the merge, with outputs whole and another begun, a flush is asked for and fails.
    const outputs: string[] = [];
    const flushed = new Promise<void>((resolve, reject) => {
      rig.memory.onOperation((operation, path) => {
        if (operation !== "create" || outputs.push(path.slice(engineFolder.length + 1)) !== 3) return;
        // Behind this step of the merge comes the flush, which is urgent.
        const rule: FaultRule = {
          calls: ["openFile"],
          path: /table/,
          when: 1,
          fault: { kind: "fail", failure: "full" },
        };
        queueMicrotask(() => rig.disk.arm(rule));
        void rig.life.fill(rig.of, 10);
        rig.engine.flush().then(resolve, reject);
      });
    });
    openGate();
    await assert.rejects(flushed, { code: "storage_full" });
    rig.holdJobs();
    assert.equal(rig.engine.stats().compaction.merges, 0, "the merge is under way");
    await turn();
    const there = await tablesOf(rig);
    for (const name of [...inputs, ...outputs]) assert.ok(there.includes(name), `${name} is still wanted`);
    rig.resumeJobs();
    await rig.until(() => rig.engine.trouble === undefined);
    await rig.engine.flush();
    await rig.engine.settle();
    await rig.life.check(rig.of);
    await rig.engine.close();
    await checkFolder(rig.memory);
  });

  it("a close that comes twice ends twice, and both times everything is closed", async () => {
    const rig = await FaultRig.open({}, new MemoryDisk({ delay: (name) => slow(name === "close" ? 50 : 0) }));
    await rig.table(20);
    await rig.life.check(rig.of);
    const first = rig.engine.close();
    await rig.engine.close();
    assert.equal(rig.memory.openFileCount, 0);
    await first;
  });
});

async function slow(turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await Promise.resolve();
}
