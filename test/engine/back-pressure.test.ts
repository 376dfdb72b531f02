// Writers wait before level 0 or memory grows without bound, and no wait is without end: whatever holds the
// engine up, writers go on when it has passed, or are told why not.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { WriteBatch } from "../../internal/engine/write-batch.ts";
import { FaultRig, group } from "./fault-rig.ts";

const options: Partial<EngineOptions> = { levelZeroTrigger: 2, levelZeroStop: 4, memtablesMax: 3 };

/** Writers that the engine does not hold up write more than memory and level 0 together may hold. */
const moreThanFits = 400;

interface Stalled {
  readonly rig: FaultRig;
  readonly openGate: () => void;
  /** Settles when the writer has written everything, or was refused. */
  readonly writing: Promise<void>;
}

/** A writer that writes on and on, and merges that do not begin. */
async function stalled(job = "compaction"): Promise<Stalled> {
  const rig = await FaultRig.open(options);
  const openGate = rig.gate(job);
  const writing = rig.life.fill(rig.of, moreThanFits, 2000);
  writing.catch(() => undefined);
  await rig.quiet();
  return { rig, openGate, writing };
}

async function endsWell({ rig, writing }: Stalled): Promise<void> {
  await writing;
  await rig.engine.settle();
  assert.ok(rig.life.canWriteOne);
  await rig.life.check(rig.of);
  const again = await rig.life.reopen();
  await again.check(rig.of);
  await again.engine.close();
}

describe("back-pressure", () => {
  it("stops writers before level 0 is full, and lets them go on when merges have caught up", async () => {
    const state = await stalled();
    const { rig, openGate } = state;
    const { levels, memtablesSealed, memtableBytes } = rig.engine.stats();
    const tables = levels[0]?.tables ?? 0;
    assert.ok(tables + memtablesSealed >= 4 && tables <= 4, `${tables} tables, ${memtablesSealed} memtables wait`);
    assert.ok(memtableBytes <= 3 * 64 * 1024);
    assert.ok(rig.life.log(rig.of).lastIndex < moreThanFits, "the writer waits");
    const { lastIndex } = rig.life.log(rig.of);
    await rig.quiet();
    assert.equal(rig.life.log(rig.of).lastIndex, lastIndex);
    await rig.life.check(rig.of, { index: lastIndex - 1 });
    openGate();
    await endsWell(state);
  });

  it("stops writers when all memtables wait for their flush, and lets them go on behind it", async () => {
    const state = await stalled("flush");
    const { memtablesSealed, levels } = state.rig.engine.stats();
    assert.equal(memtablesSealed, 2);
    assert.equal(levels[0]?.tables, 0);
    state.openGate();
    await endsWell(state);
  });

  it("ends though a snapshot is held and an iterator stands still", async () => {
    const state = await stalled();
    const { rig, openGate } = state;
    const index = rig.life.log(rig.of).lastIndex - 1;
    const snapshot = rig.engine.snapshot();
    const iterator = rig.engine.iterate(rig.of);
    assert.ok(await iterator.nextLoaded());
    openGate();
    await state.writing;
    await rig.life.check(rig.of, { index, now: index, snapshot });
    iterator.close();
    snapshot.release();
    await endsWell(state);
  });

  it("ends though an ingest waits in it", async () => {
    const state = await stalled();
    const ingesting = state.rig.life.install(group, { tables: 2, perTable: 10, index: 5000 });
    await state.rig.quiet();
    state.openGate();
    const next = await ingesting;
    await state.writing;
    await state.rig.engine.settle();
    await state.rig.life.check(next);
    await state.rig.engine.close();
  });

  it("ends though a flush and a manual compaction are asked for in it", async () => {
    const state = await stalled();
    const asked = Promise.all([state.rig.engine.flush(), state.rig.engine.compactRange(state.rig.of)]);
    await state.rig.quiet();
    state.openGate();
    await asked;
    await endsWell(state);
  });

  it("tells waiting writers when the disk is full, and takes their writes when it is not", async () => {
    const { rig, openGate, writing } = await stalled();
    const space = rig.disk.limitSpace(0);
    openGate();
    await assert.rejects(writing, { code: "storage_full" });
    const { lastIndex } = rig.life.log(rig.of);
    await rig.life.check(rig.of, { index: lastIndex - 1 });
    space.limit(2 ** 30);
    await rig.until(() => rig.engine.trouble === undefined);
    await rig.life.replayFrom(rig.of, lastIndex - 1);
    const rest = rig.life.fill(rig.of, 100, 2000);
    await endsWell({ rig, openGate, writing: rest });
  });

  it("tells waiting writers when the disk has failed for good", async () => {
    const { rig, openGate, writing } = await stalled();
    rig.disk.arm({ calls: ["syncData"], when: 1, fault: { kind: "fail", failure: "failed" } });
    openGate();
    await assert.rejects(writing, { code: "internal", message: /writes are refused until/ });
    await rig.engine.close();
  });

  it("lets waiting writers go when the engine closes", async () => {
    const { rig, openGate } = await stalled();
    const batch = new WriteBatch();
    batch.put(
      rig.of,
      new Uint8Array(1),
      { term: 1 as never, index: 1 as never, stamp: 1 as never },
      new Uint8Array(90_000),
    );
    assert.ok(!rig.engine.canWrite(batch));
    const waiting = rig.engine.whenWritable();
    const closing = rig.engine.close();
    await waiting;
    assert.ok(rig.engine.isClosing && !rig.engine.canWrite(batch));
    openGate();
    await closing;
  });

  it("raises the rate of a merge under way as level 0 fills, within its bound, and lowers it again", async () => {
    const usual = 65_536;
    const rig = await FaultRig.open({ ...options, levelZeroStop: 10, compactionBytesPerSecond: usual });
    const openGate = rig.gate("compaction");
    const rates: number[] = [];
    for (let tables = 1; tables <= 10; tables++) {
      await rig.table(3);
      rates.push(rig.background.bytesPerSecond);
    }
    assert.deepEqual(rates.slice(0, 2), [usual, usual], "up to the trigger");
    for (let at = 2; at < rates.length; at++) assert.ok((rates[at] ?? 0) > (rates[at - 1] ?? 0), String(rates));
    assert.equal(rates.at(-1), 8 * usual, "at the stop");
    openGate();
    await rig.engine.settle();
    assert.equal(rig.background.bytesPerSecond, usual);
    await rig.engine.close();
  });
});
