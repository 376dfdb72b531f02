// What a group's log promises to whoever works with it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { valueBytesMax } from "../base/limits.ts";
import { logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import {
  append,
  contents,
  folder,
  group1,
  group2,
  newWorld,
  open,
  rest,
  smallOptions,
} from "../../test/log/harness.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { bytesWithoutNames, nothingSurvives } from "../../test/disk/power-cut.ts";
import type { World } from "../../test/log/harness.ts";
import { decodeEntry, payloadBytesMax } from "./record.ts";
import type { Log } from "./log.ts";
import type { LogOptions } from "./options.ts";

function afterCut(world: World, options: Partial<LogOptions> = smallOptions): Promise<Log> {
  return open(newWorld(world.disk.clone(nothingSurvives())), options);
}

describe("log: staging and durability", () => {
  it("gives back after a power cut what was durable, and nothing else", async () => {
    const world = newWorld();
    const log = await open(world);
    const one = log.group(group1);
    const two = log.group(group2);
    one.setHardState({ term: term(3), vote: 2, commit: logIndex(0) });
    append(one, "a", { term: 3 });
    append(two, "x");
    await log.whenDurable(append(one, "b"));
    append(one, "never written");
    const again = await afterCut(world);
    assert.deepEqual(again.groups(), [1, 2]);
    assert.deepEqual(await contents(again.group(group1)), ["3.1 a", "3.2 b"]);
    assert.deepEqual(await contents(again.group(group2)), ["1.1 x"]);
    assert.deepEqual(again.group(group1).hardState, { term: 3, vote: 2, commit: 0 });
  });

  it("commits everything staged in a turn with one write, and what is staged meanwhile with the next", async () => {
    const world = newWorld();
    const log = await open(world);
    const { commits } = log.counters;
    const first = append(log.group(group1), "a");
    assert.equal(append(log.group(group2), "b"), first);
    const inFlight = log.whenDurable(first);
    await inFlight;
    assert.equal(log.counters.commits, commits + 1);
    assert.equal(log.counters.syncDuration.count, commits + 1);
  });

  it("keeps the order of staging: of a hard state and its entries, never the entries alone", async () => {
    // Each record fills a batch, so that a power cut can fall between any two.
    const options = { ...smallOptions, batchBytesMax: 1024 };
    for (let operation = 1; ; operation++) {
      const world = newWorld();
      const log = await open(world, options);
      world.disk.cutPowerAt(world.disk.operations + operation);
      const group = log.group(group1);
      group.setHardState({ term: term(7), vote: 1, commit: logIndex(0) });
      append(group, "x".repeat(900), { term: 7 });
      append(group, "y".repeat(900), { term: 7 });
      await Promise.race([log.whenDurable(log.staged), world.disk.whenCut]);
      if (!world.disk.isOff) break;
      const again = (await afterCut(world, options)).group(group1);
      assert.ok(again.hardState.term >= again.lastTerm, "entries of a term that the hard state does not know");
    }
  });

  it("has a truncation durable before the entries that replace what it cut", async () => {
    const options = { ...smallOptions, batchBytesMax: 1024 };
    const seen = new Set<string>();
    for (let operation = 1; ; operation++) {
      const world = newWorld();
      const log = await open(world, options);
      const group = log.group(group1);
      for (const text of ["a", "b", "c", "d"]) append(group, text);
      await log.whenDurable(log.staged);
      world.disk.cutPowerAt(world.disk.operations + operation);
      append(group, "x".repeat(1000), { term: 2, index: 2 });
      append(group, "y".repeat(1000));
      await Promise.race([log.whenDurable(log.staged), world.disk.whenCut]);
      if (!world.disk.isOff) break;
      const lines = await contents((await afterCut(world, options)).group(group1));
      seen.add(lines.map((line) => line.slice(4, 5)).join(""));
    }
    // Whole before, cut, or replaced: never a new entry with an old one behind it.
    assert.deepEqual([...seen].sort(), ["a", "abcd", "ax"]);
  });

  it("has a segment's name durable before anything in it is acknowledged", async () => {
    const world = newWorld();
    const log = await open(world);
    for (let n = 1; log.stats().segments < 4; n++) {
      await log.whenDurable(append(log.group(group1), `${n} ${"x".repeat(300)}`));
      const again = await open(newWorld(world.disk.clone(bytesWithoutNames())));
      assert.equal(again.group(group1).lastIndex, n);
    }
  });

  it("says when there is room, and bounds what waits", async () => {
    const hang = { is: false, end: (): void => undefined };
    const hung = new Promise<void>((resolve) => {
      hang.end = resolve;
    });
    const world = newWorld(new MemoryDisk({ delay: (name) => (hang.is && name === "write" ? hung : undefined) }));
    const log = await open(world);
    hang.is = true;
    append(log.group(group1), "in flight");
    await rest(2);
    let staged = 0;
    while (log.hasRoom) {
      append(log.group(group1), "x".repeat(100));
      staged++;
    }
    assert.ok(staged > 5 && log.stats().bytesWaiting < 2 * 2048, `${log.stats().bytesWaiting} bytes wait`);
    let hasRoom = false;
    const room = log.whenRoom().then(() => {
      hasRoom = true;
    });
    await rest(5);
    assert.equal(hasRoom, false);
    hang.end();
    await room;
    await log.whenDurable(log.staged);
    assert.equal(log.group(group1).lastIndex, staged + 1);
  });

  it("writes no batch above its bound, unless one record is larger", async () => {
    const world = newWorld();
    const log = await open(world);
    world.disk.startTrace(folder);
    for (let n = 0; n < 50; n++) append(log.group(group1), "x".repeat(n * 5));
    await log.whenDurable(log.staged);
    const sizes = world.disk.takeTrace().flatMap((line) => /^write \d+\.log (\d+)/.exec(line)?.[1] ?? []);
    assert.ok(sizes.length > 2 && sizes.every((size) => Number(size) <= 2048), sizes.join());
  });

  it("takes the largest entry there may be, larger than batch, chunk, cache and segment", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    append(group, "before");
    const payload = new Uint8Array(payloadBytesMax).fill(7);
    const fields = { term: term(1), index: logIndex(2), stamp: stamp(1), flags: 0, kind: 0 };
    await log.whenDurable(group.append(fields, payload));
    await log.whenDurable(append(group, "after"));
    const again = (await afterCut(world)).group(group1);
    const read = await again.read(logIndex(2), logIndex(3), 100);
    assert.ok(read.kind === "entries" && read.entries.length === 1, "the first entry comes whatever its size");
    assert.deepEqual(decodeEntry(read.entries[0] ?? assert.fail()).payload, payload);
    assert.ok(payloadBytesMax > valueBytesMax);
  });

  it("marks an orderly stop, after which nothing is unproven", async () => {
    const world = newWorld();
    const log = await open(world);
    append(log.group(group1), "a");
    await log.close();
    await log.close();
    assert.equal(world.disk.openFileCount, 0);
    assert.throws(() => append(log.group(group1), "late"), /being closed/);
    const again = await afterCut(world);
    assert.equal(again.recovered.cleanStop, true);
    assert.equal(again.recovered.unprovenBytes, 0);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 a"]);
    const killed = await open(newWorld(world.disk.cloneAfterKill()));
    assert.equal(killed.recovered.cleanStop, true);
    await killed.whenDurable(append(killed.group(group1), "b"));
    assert.equal((await afterCut(world)).group(group1).lastIndex, 1);
  });
});

describe("log: a group's entries", () => {
  it("reads from memory and from files, by ranges, bounded in bytes", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    const lines: string[] = [];
    for (let n = 1; n <= 300; n++) {
      if (!log.hasRoom) await log.whenRoom();
      const other = n % 3 === 0;
      const text = `${n} ${"x".repeat(n % 200)}`;
      append(other ? log.group(group2) : group, text);
      if (!other) lines.push(`1.${group.lastIndex} ${text}`);
      if (n % 10 === 0) await log.whenDurable(log.staged);
    }
    assert.deepEqual(await contents(group), lines);
    assert.ok(log.counters.cacheHits > 0 && log.counters.cacheMisses > 0);
    assert.ok(log.stats().cacheBytes <= 8192 + 2048);
    // Ranges, from anywhere to anywhere.
    for (let from = 1; from <= group.lastIndex; from += 7) {
      const read = await group.read(logIndex(from), logIndex(from + 5), 500);
      assert.ok(read.kind === "entries");
      const bytes = read.entries.reduce((sum, view) => sum + view.end - view.start, 0);
      assert.ok(read.entries.length === 1 || bytes <= 500);
      const indexes = read.entries.map((view) => Number(decodeEntry(view).index));
      assert.deepEqual(
        indexes,
        indexes.map((_, at) => from + at),
      );
    }
    assert.equal(group.readNow(logIndex(1), logIndex(5), 1000), undefined, "left memory");
    assert.equal(group.readNow(group.lastIndex, group.lastIndex, 1)?.length, 1);
  });

  it("says what is compacted and what is beyond", async () => {
    const log = await open(newWorld());
    const group = log.group(group1);
    for (const text of ["a", "b", "c"]) append(group, text);
    await log.whenDurable(log.staged);
    group.flushed(logIndex(2));
    group.compact(logIndex(3));
    assert.deepEqual([group.firstIndex, group.lastIndex, group.base], [3, 3, { index: 2, term: 1 }]);
    assert.deepEqual(await group.read(logIndex(2), logIndex(3), 100), { kind: "compacted", firstIndex: 3 });
    assert.deepEqual(await group.read(logIndex(4), logIndex(9), 100), { kind: "beyond", lastIndex: 3 });
    assert.deepEqual(
      [1, 2, 3, 4].map((index) => group.termOf(logIndex(index))),
      [undefined, 1, 1, undefined],
    );
  });

  it("replaces a conflicting suffix, in memory, in files and after recovery", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, `old ${n} ${"x".repeat(300)}`));
    const slot = { bytes: new Uint8Array(0), start: 0, end: 0 };
    assert.ok(group.find(logIndex(40), slot), "the suffix is still in memory");
    append(group, "new", { term: 2, index: 5 });
    assert.equal(group.lastIndex, 5);
    assert.ok(!group.find(logIndex(40), slot) && !group.find(logIndex(6), slot));
    assert.ok(group.find(logIndex(5), slot));
    assert.deepEqual(decodeEntry(slot).term, 2);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, `newer ${n} ${"y".repeat(300)}`));
    const lines = await contents(group);
    assert.equal(lines.length, 45);
    assert.ok(
      lines.slice(0, 4).every((line) => line.includes("old")) && !lines.slice(4).some((line) => line.includes("old")),
    );
    assert.deepEqual(await contents((await afterCut(world)).group(group1)), lines);
  });

  it("does not return what was truncated while it was read", async () => {
    const waits: (() => void)[] = [];
    let holds = false;
    const delay = (name: string): Promise<void> | undefined =>
      holds && name === "read" ? new Promise((resolve) => waits.push(resolve)) : undefined;
    const log = await open(newWorld(new MemoryDisk({ delay })));
    const group = log.group(group1);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, `old ${n} ${"x".repeat(300)}`));
    holds = true;
    const reading = group.read(logIndex(2), logIndex(9), 100_000);
    await rest(2);
    append(group, "new", { term: 2, index: 4 });
    holds = false;
    for (const end of waits) end();
    const read = await reading;
    assert.ok(read.kind === "entries");
    assert.deepEqual(
      read.entries.map((view) => Number(decodeEntry(view).index)),
      [2, 3],
    );
  });

  it("writes the commit index along with other records, so that recovery knows it and nothing above it", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (const text of ["a", "b", "c"]) append(group, text);
    group.noteCommit(logIndex(2));
    await log.whenDurable(append(group, "d"));
    group.noteCommit(logIndex(3));
    const again = (await afterCut(world)).group(group1);
    assert.equal(again.hardState.commit, 2, "told with entry d, and what came later is not guessed");
    assert.equal(again.lastIndex, 4, "uncommitted entries are there, and known as such");
    await log.close();
    const stopped = await afterCut(world);
    assert.ok(stopped.group(group1).hardState.commit <= 3);
  });

  it("stops on what no replica may ask for", async () => {
    const log = await open(newWorld());
    const group = log.group(group1);
    for (const text of ["a", "b", "c"]) append(group, text, { term: 5 });
    group.setHardState({ term: term(5), vote: 1, commit: logIndex(2) });
    assert.throws(() => group.truncateFrom(logIndex(2)), /truncation of committed entries/);
    assert.throws(() => append(group, "gap", { index: 5 }), /leaves a gap/);
    assert.throws(() => append(group, "old", { term: 4 }), /older term/);
    assert.throws(() => group.setHardState({ term: term(4), vote: 0, commit: logIndex(2) }), /term that falls/);
    assert.throws(() => group.setHardState({ term: term(5), vote: 2, commit: logIndex(2) }), /second vote in one term/);
    assert.throws(() => group.noteCommit(logIndex(4)), /commit index behind the log/);
    assert.throws(() => group.flushed(logIndex(4)), /not in the log/);
    assert.throws(() => group.installSnapshot(logIndex(1), term(1)), /snapshot over newer state/);
  });

  it("keeps salvage through truncation, segments and recovery until it is dropped", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    append(group, "a");
    append(group, "fast");
    const slot = { bytes: new Uint8Array(0), start: 0, end: 0 };
    assert.ok(group.find(logIndex(2), slot));
    group.keepSalvage(slot.bytes, slot.start, slot.end);
    append(group, "won", { term: 2, index: 2 });
    for (let n = 0; n < 60; n++) await log.whenDurable(append(log.group(group2), "x".repeat(400)));
    const again = await afterCut(world);
    const [kept] = again.group(group1).salvage;
    assert.equal(again.group(group1).salvageBytes, slot.end - slot.start);
    assert.equal(again.stats().salvageBytes, slot.end - slot.start);
    assert.deepEqual([kept?.term, kept?.index], [1, 2]);
    const bytes = kept?.bytes ?? assert.fail();
    assert.deepEqual(Buffer.from(decodeEntry({ bytes, start: 0, end: bytes.length }).payload).toString(), "fast");
    await again.whenDurable(again.group(group1).dropSalvage(term(1), logIndex(2)));
    assert.equal(again.group(group1).salvage.length, 0);
    assert.equal(again.group(group1).salvageBytes, 0);
  });

  it("counts the bytes of salvage once, however often it is kept or dropped", async () => {
    const log = await open(newWorld());
    const group = log.group(group1);
    append(group, "fast");
    append(group, "and another");
    const records = [1, 2].map((index) => {
      const slot = { bytes: new Uint8Array(0), start: 0, end: 0 };
      assert.ok(group.find(logIndex(index), slot));
      return slot.bytes.slice(slot.start, slot.end);
    });
    const [one, two] = [records[0] as Uint8Array, records[1] as Uint8Array];
    for (const record of [one, two, one]) group.keepSalvage(record);
    assert.equal(group.salvageBytes, one.length + two.length);
    log.checkInvariants();
    for (const index of [2, 2, 7]) group.dropSalvage(term(1), logIndex(index));
    assert.equal(group.salvageBytes, one.length);
    log.checkInvariants();
  });

  it("knows the terms of all its entries, from the first on", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    assert.deepEqual(group.termRuns, []);
    for (const entryTerm of [1, 1, 1, 3, 3, 7]) append(group, "x", { term: entryTerm });
    assert.deepEqual(group.termRuns, [
      { start: 1, term: 1 },
      { start: 4, term: 3 },
      { start: 6, term: 7 },
    ]);
    append(group, "instead", { term: 8, index: 5 });
    group.flushed(logIndex(2));
    group.compact(logIndex(2));
    await log.whenDurable(log.staged);
    const runs = [
      { start: 3, term: 1 },
      { start: 4, term: 3 },
      { start: 5, term: 8 },
    ];
    assert.deepEqual(group.termRuns, runs);
    await log.close();
    const again = (await open(newWorld(world.disk))).group(group1);
    again.flushed(logIndex(2));
    again.compact(logIndex(2));
    assert.deepEqual(again.termRuns, runs);
    again.installSnapshot(logIndex(9), term(9));
    assert.deepEqual(again.termRuns, []);
  });

  it("keeps what follows an installed snapshot when it agrees, and drops it when it does not", async () => {
    const world = newWorld();
    const log = await open(world);
    const [agrees, differs] = [log.group(group1), log.group(group2)];
    for (const group of [agrees, differs]) for (const text of ["a", "b", "c"]) append(group, text);
    agrees.installSnapshot(logIndex(2), term(1));
    differs.installSnapshot(logIndex(2), term(9));
    append(differs, "next", { term: 9 });
    await log.whenDurable(log.staged);
    for (const it of [log, await afterCut(world)]) {
      assert.deepEqual(await contents(it.group(group1)), ["1.3 c"]);
      assert.deepEqual(await contents(it.group(group2)), ["9.3 next"]);
      assert.deepEqual(it.group(group2).base, { index: 2, term: 9 });
      assert.equal(it.group(group2).hardState.commit, 2);
    }
  });
});
