import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFolder, prepareTables, snapshotContents } from "../../test/engine/engine-life.ts";
import type { Contents, Held } from "../../test/engine/engine-life.ts";
import { FaultRig, group, turn } from "../../test/engine/fault-rig.ts";
import { Holds } from "../../test/engine/holds.ts";
import { utf8, utf8Text } from "../base/bytes.ts";
import { groupId, logIndex } from "../base/ids.ts";
import type { Incarnation } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineSnapshot } from "./live-snapshots.ts";

const endOfTime = stamp(1_000_000);
let loads = 0;

/** Takes in keys with a value that says so, into a living incarnation. */
async function load(rig: FaultRig, keys: readonly string[], text: string, of = rig.of): Promise<void> {
  const row = (key: string): [string, Held] => [key, { text, index: 1, expiry: neverExpires }];
  const contents: Contents = new Map(keys.map(row));
  const folder = `/data/load-${++loads}`;
  const tables = await prepareTables(rig.memory, { folder, of, contents, perTable: 100 });
  await rig.engine.ingest({ incarnation: of, tables, appliedIndex: rig.engine.appliedIndex(of) });
}

/** What a lookup and a walk show of a key; they agree. */
async function valueOf(rig: FaultRig, key: string, snapshot?: EngineSnapshot): Promise<string | undefined> {
  const record = await rig.engine.get(rig.of, utf8(key), { snapshot });
  const walked = (await rig.life.contents(rig.of, endOfTime, snapshot)).get(key)?.text;
  const found = record === undefined ? undefined : utf8Text(record.payload);
  assert.equal(found, walked, `lookup and walk of ${key}`);
  return found;
}

async function put(rig: FaultRig, key: string, text: string): Promise<void> {
  await rig.life.write(rig.of, [{ key, text }]);
}

describe("ingest", () => {
  it("over live data is newer than what was written before and older than what is written after", async () => {
    const rig = await FaultRig.open();
    for (const key of ["a", "b", "c"]) await put(rig, key, "old");
    await rig.engine.flush();
    await put(rig, "b", "newer, in memory");
    const before = rig.engine.snapshot();
    await load(rig, ["a", "b", "d"], "loaded");
    await put(rig, "d", "newest");
    const expected = { a: "loaded", b: "loaded", c: "old", d: "newest" };
    const check = async (): Promise<void> => {
      for (const [key, text] of Object.entries(expected)) assert.equal(await valueOf(rig, key), text, key);
      const seen = { a: "old", b: "newer, in memory", c: "old", d: undefined };
      for (const [key, text] of Object.entries(seen)) assert.equal(await valueOf(rig, key, before), text, key);
    };
    await check();
    await rig.engine.flush();
    await check();
    await rig.engine.compactRange(rig.of);
    await check();
    before.release();
    await rig.engine.close();
  });

  it("keeps its place among writes that come while all memtables are full", async () => {
    const rig = await FaultRig.open();
    rig.holdJobs();
    while (rig.engine.stats().memtablesSealed < 2) await rig.life.fill(rig.of, 1, 3000);
    await put(rig, "k", "before");
    const loading = load(rig, ["k"], "loaded");
    for (let turns = 0; turns < 10; turns++) await turn();
    // The memtable that holds "before" has room left; whether it takes this is the engine's to say.
    const behind = rig.life.canWriteOne ? put(rig, "other", "behind") : Promise.resolve();
    rig.resumeJobs();
    await Promise.all([loading, behind]);
    assert.equal(await valueOf(rig, "k"), "loaded");
    await rig.engine.flush();
    assert.equal(await valueOf(rig, "k"), "loaded");
    await rig.engine.close();
  });

  it("comes in behind a writer who waited for the same change and was first", async () => {
    const rig = await FaultRig.open({ memtablesMax: 2 });
    rig.holdJobs();
    while (rig.life.canWriteOne && rig.engine.stats().memtablesSealed < 1) await rig.life.fill(rig.of, 1, 3000);
    for (let writes = 0; writes < 15; writes++) await rig.life.fill(rig.of, 1, 3000);
    const loading = load(rig, ["k"], "loaded");
    for (let turns = 0; turns < 5; turns++) await turn();
    const writing = rig.life.fill(rig.of, 10, 6000);
    for (let turns = 0; turns < 5; turns++) await turn();
    rig.resumeJobs();
    await Promise.all([loading, writing]);
    assert.equal(await valueOf(rig, "k"), "loaded");
    await rig.engine.close();
  });

  it("does not change what a snapshot shows that is taken while it runs", async () => {
    const rig = await FaultRig.open();
    for (const key of ["a", "b"]) await put(rig, key, "old");
    const snapshots: { snapshot: EngineSnapshot; seen: string | undefined }[] = [];
    rig.memory.onOperation(() => snapshots.push({ snapshot: rig.engine.snapshot(), seen: undefined }));
    const loading = load(rig, ["a"], "loaded");
    const progress = { isDone: false };
    void loading.finally(() => (progress.isDone = true));
    while (!progress.isDone) {
      for (const entry of snapshots) entry.seen ??= await valueOf(rig, "a", entry.snapshot);
      await turn();
    }
    assert.ok(snapshots.length > 3);
    for (const { snapshot, seen } of snapshots) {
      if (seen !== undefined) assert.equal(await valueOf(rig, "a", snapshot), seen);
      snapshot.release();
    }
    await loading;
    assert.equal(await valueOf(rig, "a"), "loaded");
    await rig.engine.close();
  });

  it("of two that overlap and come at once, the later wins and levels stay in order", async () => {
    const rig = await FaultRig.open();
    await Promise.all([load(rig, ["a", "c"], "first"), load(rig, ["b", "c"], "second")]);
    assert.equal(await valueOf(rig, "a"), "first");
    assert.equal(await valueOf(rig, "b"), "second");
    assert.equal(await valueOf(rig, "c"), "second");
    const again = await rig.life.reopen();
    await again.engine.close();
  });

  it("waits for a merge, and gives up when that one meets a full disk", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    await rig.table(20);
    await rig.table(20);
    rig.holdJobs();
    await turn();
    assert.equal(rig.background.runningCount, 1, "a merge is under way");
    const loading = load(rig, ["key-1", "key-9"], "loaded");
    await turn();
    // Its edit meets the end of the space.
    const space = rig.disk.limitSpace(5000);
    rig.disk.arm({ calls: ["write"], path: /manifest/, when: 1, fault: { kind: "fail", failure: "full" } });
    rig.resumeJobs();
    await assert.rejects(loading, { code: "storage_full" });
    space.limit(2 ** 30);
    await rig.until(() => rig.engine.trouble === undefined);
    await rig.engine.settle();
    await rig.life.check(rig.of);
    await load(rig, ["key-1", "zebra"], "loaded");
    assert.equal(await valueOf(rig, "zebra"), "loaded");
    await rig.engine.close();
  });

  it("ends when the engine closes", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    await rig.table(20);
    await rig.table(20);
    rig.holdJobs();
    const loading = load(rig, ["a"], "loaded");
    await turn();
    const closed = rig.engine.close();
    await assert.rejects(loading, { code: "stopping" });
    rig.resumeJobs();
    await closed;
    assert.equal(rig.memory.openFileCount, 0);
  });

  it("has touched the folder for the last time when the engine is closed", async () => {
    for (const call of ["link", "open", "syncFolder"] as const) {
      const holds = new Holds();
      const rig = await FaultRig.open({}, holds.disk);
      const contents = snapshotContents(4, 9);
      const tables = await prepareTables(rig.memory, { folder: "/data/load", of: rig.of, contents, perTable: 2 });
      holds.start(call);
      const loading = rig.engine.ingest({ incarnation: rig.of, tables, appliedIndex: logIndex(9) });
      const ended = loading.catch(() => undefined);
      while (holds.waiting === 0) await turn();
      const progress = { isClosed: false };
      const closed = rig.engine.close().then(() => (progress.isClosed = true));
      for (let turns = 0; turns < 5; turns++) await turn();
      assert.equal(progress.isClosed, false, call);
      holds.release();
      await closed;
      const { operations } = rig.memory;
      await ended;
      await rig.quiet();
      assert.equal(rig.memory.operations, operations, call);
      assert.equal(rig.memory.openFileCount, 0, call);
    }
  });

  it("leaves nothing behind when its incarnation dies while it waits for a merge", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    const brief = await rig.life.create(groupId(2));
    await rig.table(20);
    await rig.table(20);
    rig.holdJobs();
    await turn();
    assert.equal(rig.background.runningCount, 1, "a merge is under way");
    const loading = load(rig, ["a", "b"], "loaded", brief);
    for (let turns = 0; turns < 5; turns++) await turn();
    const dropped = rig.engine.dropIncarnation(groupId(2));
    for (let turns = 0; turns < 5; turns++) await turn();
    rig.resumeJobs();
    await Promise.all([loading, dropped]);
    await assert.rejects(load(rig, ["c"], "too late", brief), { code: "bad_request" });
    await rig.engine.settle();
    assert.equal(rig.engine.stats().entries, (await rig.life.contents(rig.of, stamp(0))).size);
    await rig.engine.close();
    await checkFolder(rig.memory);
  });

  it("refuses tables of another incarnation, tables that overlap, and an incarnation that nobody has", async () => {
    const rig = await FaultRig.open();
    const { engine, memory } = rig;
    const prepare = (of: Incarnation, perTable = 100) =>
      prepareTables(memory, { folder: `/data/load-${++loads}`, of, contents: snapshotContents(4, 9), perTable });
    const own = await prepare(rig.of);
    const stray = await engine.reserveIncarnation();
    const others = await prepare(stray);
    const refused = { code: "bad_request" };
    const appliedIndex = logIndex(9);
    await assert.rejects(engine.ingest({ incarnation: rig.of, tables: others, appliedIndex }), refused);
    await assert.rejects(engine.ingest({ incarnation: rig.of, tables: [...own, ...own], appliedIndex }), refused);
    await assert.rejects(engine.ingest({ incarnation: stray, tables: others, appliedIndex }), refused);
    const replaces = { group, snapshot: undefined };
    await assert.rejects(engine.ingest({ incarnation: rig.of, tables: own, appliedIndex, replaces }), refused);
    assert.equal(engine.trouble, undefined);
    await engine.close();
    await checkFolder(memory);
  });

  it("under a reserved incarnation is the only one ever: a crash before the switch does not give the number again", async () => {
    const rig = await FaultRig.open();
    const given = [rig.of, ...(await Promise.all([0, 1].map(() => rig.engine.reserveIncarnation())))];
    const again = await rig.crash();
    given.push(await again.engine.reserveIncarnation(), await again.create(groupId(2)));
    assert.equal(new Set(given).size, 5, given.join(" "));
    await again.engine.close();
    await assert.rejects(again.engine.reserveIncarnation(), { code: "stopping" });
    await rig.engine.close();
  });

  it("switches a group at once: the old data is seen up to the switch, the new behind it, and the old one goes", async () => {
    const rig = await FaultRig.open();
    await rig.table(20);
    await rig.life.fill(rig.of, 20);
    const old = rig.of;
    const walk = rig.engine.iterate(old);
    const next = await rig.life.install(group, { tables: 3, perTable: 10, index: 60 });
    assert.deepEqual(rig.engine.placeOf(group), { incarnation: next, snapshot: { term: 1, index: 60 } });
    assert.equal(rig.engine.appliedIndex(next), 60);
    await rig.life.check(next);
    let records = 0;
    while (await walk.nextLoaded()) records++;
    assert.equal(records, 40, "an iterator keeps what it began with");
    walk.close();
    await rig.engine.settle();
    await rig.engine.settle();
    const { levels } = rig.engine.stats();
    assert.equal(
      levels.reduce((sum, level) => sum + level.entries, 0),
      30,
      "nothing of the old data is left",
    );
    await rig.life.fill(next, 10);
    const again = await rig.life.reopen();
    await again.check(next);
    assert.equal(again.engine.placeOf(groupId(7)), undefined);
    await again.engine.close();
    await checkFolder(rig.memory);
  });
});
