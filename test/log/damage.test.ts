// Damaged, missing, foreign and newer files. The log says what is wrong and where, or, at its very end,
// goes on without a torn batch; when it refuses, the disk is as it was.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { crc32, maskCrc } from "../../internal/base/checksum.ts";
import { writeU32, writeU64 } from "../../internal/base/codec.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { logIndex } from "../../internal/base/ids.ts";
import { batchHeaderBytes, segmentHeaderBytes } from "../../internal/log/format.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { LogItem } from "../../internal/log/inspect.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import type { Log } from "../../internal/log/log.ts";
import { append, contents, folder, group1, group2, newWorld, open, rest, until } from "./harness.ts";
import type { World } from "./harness.ts";
import { damageOptions, diskOf, filesOf, fingerprint, inspectAll, logWithEverything, summary } from "./files.ts";
import type { Files } from "./files.ts";

type BatchItem = Extract<LogItem, { kind: "batch" }>;
type RecordItem = Extract<LogItem, { kind: "record" }>;

interface Good {
  readonly files: Files;
  readonly batches: readonly BatchItem[];
  readonly records: readonly RecordItem[];
  readonly summary: string;
}

let good: Good;

before(async () => {
  const { world, log } = await logWithEverything();
  const disk = world.disk.clone(nothingSurvives());
  const items = await inspectAll(disk);
  assert.deepEqual(
    items.filter((item) => item.kind === "damage"),
    [],
  );
  good = {
    files: await filesOf(disk),
    batches: items.filter((item) => item.kind === "batch"),
    records: items.filter((item) => item.kind === "record"),
    summary: await summary(log),
  };
});

describe("log: damage", () => {
  it("has every kind of record to damage", () => {
    const kinds = new Set(good.records.map((item) => item.record.type));
    const all = ["entry", "hardState", "truncation", "salvage", "salvageDropped", "mark", "groupRemoved"];
    for (const kind of [...all, "checkpoint", "groupState", "carried"]) assert.ok(kinds.has(kind as never), kind);
  });

  it("has several segments to damage, each with a checkpoint and more", () => {
    const paths = [...new Set(good.batches.map((batch) => batch.path))];
    assert.ok(paths.length >= 3, paths.join());
    for (const path of paths) assert.ok(good.batches.filter((batch) => batch.path === path).length > 1, path);
  });

  it("calls a flipped bit in any record or batch header corruption, with file and offset, but for the last batch", async () => {
    const seen = new Set<string>();
    for (const batch of good.batches.slice(0, -1)) {
      for (const { offset, what } of placesIn(batch)) {
        seen.add(what);
        const files = flipped(batch.path, offset, offset % 8);
        // Of a segment whose beginning is bad, the place that is named is where it should follow the one before.
        const isFirst = batch.offset === segmentHeaderBytes;
        await refuses(files, "corruption", isFirst ? [batch.path] : [batch.path, `offset ${batch.offset}`]);
      }
    }
    assert.ok(seen.has("batch header") && seen.has("carried") && seen.has("groupState") && seen.has("truncation"));
  });

  it("cuts a torn tail: a bad last batch goes, everything before it stays", async () => {
    const last = good.batches.at(-1) as BatchItem;
    const [kept] = good.summary.split(/\n[^\n]*the last one$/);
    for (const { offset } of placesIn(last)) {
      const log = await open(newWorld(diskOf(flipped(last.path, offset, offset % 8))), damageOptions);
      assert.equal(await summary(log), kept);
    }
  });

  it("appends behind a cut tail, and finds both sides of the cut afterwards", async () => {
    const last = good.batches.at(-1) as BatchItem;
    // All of the torn batch but its first sector: intact records lie behind the cut.
    const files = flipped(last.path, last.offset, 0);
    const world = newWorld(diskOf(files));
    const log = await open(world, damageOptions);
    await log.whenDurable(append(log.group(group1), "behind the cut"));
    const again = await open(newWorld(world.disk.clone(nothingSurvives())), damageOptions);
    const lines = await contents(again.group(group1));
    assert.match(lines.at(-2) ?? "", /kept 23 z+$/);
    assert.match(lines.at(-1) ?? "", /behind the cut$/);
  });

  it("calls a flipped bit anywhere in a segment's header corruption", async () => {
    const [path] = good.batches.map((batch) => batch.path);
    assert.ok(path !== undefined);
    for (let offset = 0; offset < segmentHeaderBytes; offset += 5) {
      await refuses(flipped(path, offset, offset % 8), "corruption", [path]);
    }
  });

  it("is not troubled by what lies behind the end of a segment", async () => {
    const last = good.batches.at(-1) as BatchItem;
    const end = last.offset + batchHeaderBytes + last.bytes;
    const files = changed(last.path, (bytes) => bytes.fill(0xe5, end));
    assert.equal(await summary(await open(newWorld(diskOf(files)), damageOptions)), good.summary);
  });

  it("takes a batch that was never synced for torn, although a later one that was not synced either is whole", async () => {
    const options = { ...damageOptions, fsync: { kind: "interval", milliseconds: 10 } } as const;
    const world = newWorld();
    const log = await open(world, options);
    await log.whenWritten(append(log.group(group1), "synced"));
    world.time.advance(10);
    await log.whenDurable(log.staged);
    for (const text of ["lost", "whole, but behind the lost one"])
      await log.whenWritten(append(log.group(group1), text));
    const files = await filesOf(world.disk);
    const batches = (await inspectAll(world.disk)).filter((item) => item.kind === "batch");
    const lost = batches.at(-2) as BatchItem;
    (files.get("00000001.log") as Uint8Array)[lost.offset + 40] = 99;
    const again = await open(newWorld(diskOf(files)), options);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 synced"]);
  });

  it("never takes stale bytes of a recycled segment for records", async () => {
    const world = newWorld();
    const log = await open(world, damageOptions);
    const group = log.group(group1);
    // Every batch of one size, so that the old and the new ones lie at the same offsets.
    for (let round = 0; log.counters.segmentsPurged < 4; round++) {
      await log.whenDurable(append(group, `round ${String(round).padStart(4, "0")} ${"x".repeat(300)}`));
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
      await rest(4);
    }
    await log.whenDurable(append(group, "the last"));
    const disk = world.disk.clone(nothingSurvives());
    const ends = (await inspectAll(disk)).filter((item) => item.kind === "end");
    assert.ok(
      ends.some((end) => end.offset > segmentHeaderBytes && !end.isBlank),
      "batches of an earlier life lie behind the end of a segment",
    );
    const again = await open(newWorld(disk), damageOptions);
    assert.equal(again.group(group1).lastIndex, group.lastIndex);
    assert.deepEqual((await contents(again.group(group1))).at(-1), `1.${group.lastIndex} the last`);
  });

  it("never takes batches behind a segment's torn beginning for new ones when the segment begins again", async () => {
    const options = { ...damageOptions, fsync: { kind: "interval", milliseconds: 10 } } as const;
    const fillUp = async (world: World, log: Log, text: string): Promise<BatchItem[]> => {
      for (;;) {
        await log.whenWritten(append(log.group(group1), `${text} ${"x".repeat(300)}`));
        const batches = (await inspectAll(world.disk)).filter((item) => item.kind === "batch");
        if (batches.some((item) => item.path.endsWith("2.log"))) return batches;
      }
    };
    const world = newWorld();
    const log = await open(world, options);
    await fillUp(world, log, "old");
    await log.whenWritten(append(log.group(group1), "from before the tear"));
    const files = await filesOf(world.disk);
    // Of what was not synced, the checkpoint is lost and the batches behind it are not.
    (files.get("00000002.log") as Uint8Array).fill(0, segmentHeaderBytes, segmentHeaderBytes + 64);
    const torn = newWorld(diskOf(files));
    const second = await open(torn, options);
    const lines = await contents(second.group(group1));
    // The segment begins again, with a checkpoint of the same size and a first batch of the same size.
    await fillUp(torn, second, "new");
    const third = await open(newWorld(torn.disk.cloneAfterKill()), options);
    const found = await contents(third.group(group1));
    assert.deepEqual(found.slice(0, lines.length), lines);
    assert.ok(!found.some((line) => line.includes("from before the tear")));
    assert.ok(
      found.slice(lines.length).every((line) => line.includes("new")),
      "only what was staged after the tear",
    );
  });

  it("does not begin a segment whose checkpoint is not whole: nothing before it may go for that", async () => {
    const world = newWorld();
    const log = await open(world, damageOptions);
    const [one, two] = [log.group(group1), log.group(group2)];
    // Salvage makes the checkpoint several batches long.
    for (let n = 0; n < 6; n++) append(two, `fast ${n} ${"s".repeat(300)}`);
    for (let index = 1; index <= 6; index++) two.keepSalvage(...(await recordAt(two, index)));
    let torn: BatchItem | undefined;
    for (let round = 0; torn === undefined; round++) {
      await log.whenDurable(append(one, `${round} ${"x".repeat(200)}`));
      const batches = (await inspectAll(world.disk)).filter(
        (item) => item.kind === "batch" && item.path.endsWith("3.log"),
      );
      torn = batches[1] as BatchItem | undefined;
    }
    // The power went when the first batch of the third segment's checkpoint had been written.
    const files = await filesOf(world.disk);
    (files.get("00000003.log") as Uint8Array).fill(0, torn.offset);
    const cut = newWorld(diskOf(files));
    const second = await open(cut, damageOptions);
    const salvage = second.group(group2).salvage.length;
    assert.equal(salvage, 6);
    // It begins anew, and all before it goes; then that beginning is all there is.
    second.group(group2).flushed(second.group(group2).lastIndex);
    second.group(group2).compact(second.group(group2).lastIndex);
    while (second.counters.segmentsPurged < 2) {
      const group = second.group(group1);
      await second.whenDurable(append(group, "y".repeat(200)));
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
      await rest(4);
    }
    const names = await cut.disk.list(folder);
    assert.ok(names.includes("00000003.log") && !names.includes("00000002.log"), names.join());
    const third = await open(newWorld(cut.disk.clone(nothingSurvives())), damageOptions);
    assert.equal(third.group(group2).salvage.length, 6);
    assert.equal(third.group(group1).lastIndex, second.group(group1).lastIndex);
  });

  it("does not take a log for closed in order that was opened again, and never finds what that run lost", async () => {
    const options = { ...damageOptions, fsync: { kind: "interval", milliseconds: 10 } } as const;
    const first = newWorld();
    const log = await open(first, options);
    append(log.group(group1), "before the stop");
    await log.close();
    // Opened again: of two batches that were not synced the power cut takes the first.
    const second = newWorld(first.disk.clone(nothingSurvives()));
    const again = await open(second, options);
    assert.equal(again.recovered.cleanStop, true);
    for (const text of ["lost one", "kept one"]) await again.whenWritten(append(again.group(group1), text));
    const files = await filesOf(second.disk);
    const batches = (await inspectAll(second.disk)).filter((item) => item.kind === "batch");
    const lost = batches.at(-2) as BatchItem;
    (files.get("00000001.log") as Uint8Array).fill(0, lost.offset, lost.offset + 40);
    // And again: a batch of the size of the lost one takes its place.
    const third = newWorld(diskOf(files));
    const last = await open(third, options);
    assert.equal(last.recovered.cleanStop, false);
    await last.whenWritten(append(last.group(group1), "next one"));
    const seen = await open(newWorld(third.disk.cloneAfterKill()), options);
    assert.deepEqual(await contents(seen.group(group1)), ["1.1 before the stop", "1.2 next one"]);
  });

  it("never takes bytes that a client wrote for records", async () => {
    const world = newWorld();
    const log = await open(world, damageOptions);
    await log.whenDurable(append(log.group(group1), "first"));
    const files = await filesOf(world.disk);
    const bytes = files.get("00000001.log") as Uint8Array;
    const items = (await inspectAll(world.disk)).filter((item) => item.kind === "batch");
    const last = items.at(-1) as BatchItem;
    // A copy of the good batch behind a torn one, with the right position and a claim that all was synced.
    const start = last.offset + batchHeaderBytes + last.bytes;
    const forged = bytes.slice(last.offset, start);
    writeU64(forged, 8, start + 64);
    writeU64(forged, 16, start + 64);
    writeU32(forged, 4, maskCrc(crc32(forged, 8, forged.length)));
    bytes.set(forged, start + 64);
    const again = await open(newWorld(diskOf(files)), damageOptions);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 first"]);
  });
});

describe("log: files that are missing, foreign or newer", () => {
  it("names a segment that is missing between two others", async () => {
    const { world } = await logWithoutPurge();
    const files = await filesOf(world.disk);
    files.delete("00000002.log");
    await refuses(files, "corruption", [`${folder}/00000002.log is missing`, "00000003.log"]);
  });

  it("misses the entries of a first segment that is not there", async () => {
    const { world, log } = await logWithoutPurge();
    const files = await filesOf(world.disk);
    assert.ok(log.stats().segments > 2);
    files.delete("00000001.log");
    await refuses(files, "corruption", ["entry 1 of group 1", "00000002.log"]);
  });

  it("refuses a folder with a stray file, and ignores hidden ones", async () => {
    await refuses(new Map([...good.files, ["notes.txt", utf8("hello")]]), "conflict", [`${folder}/notes.txt`]);
    await refuses(new Map([...good.files, ["1.log", utf8("hello")]]), "conflict", [`${folder}/1.log`]);
    const hidden = new Map([...good.files, [".DS_Store", utf8("hello")]]);
    assert.equal(await summary(await open(newWorld(diskOf(hidden)), damageOptions)), good.summary);
  });

  it("refuses a foreign file under a segment's name", async () => {
    const name = segmentNames(good.files).at(-1) as string;
    const foreign = new Map([...good.files, [name, utf8("not a log ".repeat(200))]]);
    await refuses(foreign, "corruption", [`${folder}/${name}`, "another program's file"]);
    await refuses(new Map([...good.files, [name, new Uint8Array(0)]]), "corruption", [`${folder}/${name}`, "0 bytes"]);
  });

  it("refuses a segment under another segment's name", async () => {
    const names = segmentNames(good.files);
    const files = new Map(good.files);
    files.set(names[1] as string, files.get(names[0] as string) as Uint8Array);
    await refuses(files, "corruption", [`${folder}/${names[1] ?? ""}`, "renamed or copied"]);
  });

  it("refuses a newer format version, and says what to do", async () => {
    const name = segmentNames(good.files)[0] as string;
    const newer = changed(`${folder}/${name}`, (bytes) => {
      writeU32(bytes, 12, 2);
      writeU32(bytes, 8, maskCrc(crc32(bytes, 12, segmentHeaderBytes)));
    });
    await refuses(newer, "bad_request", [`${folder}/${name}`, "format 2", "newer program"]);
  });

  it("refuses a path that is a file", async () => {
    const world = newWorld();
    world.disk.put(folder, utf8("a file"));
    await assert.rejects(
      open(world),
      (reason: unknown) => reason instanceof TrefoilError && reason.message.includes(folder),
    );
  });

  it("clears away unfinished files and keeps one spare", async () => {
    const files = new Map(good.files);
    files.set("00000099.new", utf8("half a segment"));
    files.set("00000001.spare", new Uint8Array(4096));
    files.set("00000002.spare", new Uint8Array(4096));
    const world = newWorld(diskOf(files));
    await open(world, damageOptions);
    const names = await world.disk.list(folder);
    assert.equal(names.filter((name) => name.endsWith(".new")).length, 0);
    assert.equal(names.filter((name) => name.endsWith(".spare")).length, 1);
  });
});

describe("log: a damaged entry is noticed when it is read", () => {
  it("refuses to return it", async () => {
    const { world, log } = await logWithoutPurge();
    const file = await world.disk.openFile(`${folder}/00000001.log`, { access: "write" });
    const [, , record] = (await inspectAll(world.disk)).filter(
      (item) => item.kind === "record" && item.record.type === "entry",
    );
    assert.ok(record?.kind === "record");
    await file.write(Uint8Array.of(0), record.offset + record.bytes - 1);
    await until(
      () => log.group(group1).readNow(log.group(group1).firstIndex, log.group(group1).lastIndex, 1) === undefined,
      "left memory",
    );
    await assert.rejects(contents(log.group(group1)), (reason: unknown) => {
      return reason instanceof TrefoilError && reason.code === "corruption" && reason.message.includes("00000001.log");
    });
  });
});

async function recordAt(group: GroupLog, index: number): Promise<[Uint8Array]> {
  const read = await group.read(logIndex(index), logIndex(index), 1000);
  assert.ok(read.kind === "entries" && read.entries[0] !== undefined);
  const [{ bytes, start, end }] = read.entries;
  return [bytes.slice(start, end)];
}

async function logWithoutPurge(): Promise<Awaited<ReturnType<typeof logWithEverything>>> {
  const world = newWorld();
  const log = await open(world, { ...damageOptions, logBytesMax: 1_000_000, flushWantedBytes: 1_000_000 });
  for (let n = 0; n < 80; n++) await log.whenDurable(append(log.group(group1), `${n} ${"x".repeat(150)}`));
  return { world, log };
}

/** Opening fails with this code and these words, and changes nothing. */
async function refuses(files: Files, code: string, words: readonly string[]): Promise<void> {
  const disk = diskOf(files);
  await assert.rejects(open(newWorld(disk), damageOptions), (reason: unknown) => {
    assert.ok(reason instanceof TrefoilError, String(reason));
    assert.equal(reason.code, code, reason.message);
    for (const word of words) assert.ok(reason.message.includes(word), `"${reason.message}" does not name ${word}`);
    return true;
  });
  await unchanged(disk, files);
}

async function unchanged(disk: MemoryDisk, files: Files): Promise<void> {
  assert.equal(disk.operations, 0, "the disk was changed");
  assert.deepEqual(fingerprint(await filesOf(disk)), fingerprint(files));
}

function changed(path: string, change: (bytes: Uint8Array) => void): Files {
  const name = path.slice(folder.length + 1);
  const bytes = (good.files.get(name) as Uint8Array).slice();
  change(bytes);
  return new Map([...good.files, [name, bytes]]);
}

function flipped(path: string, offset: number, bit: number): Files {
  return changed(path, (bytes) => {
    bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
  });
}

/** Every byte of the batch's header, and of its records the headers and some of the rest. */
function placesIn(batch: BatchItem): { readonly offset: number; readonly what: string }[] {
  const places = Array.from({ length: batchHeaderBytes }, (_, at) => ({
    offset: batch.offset + at,
    what: "batch header",
  }));
  const end = batch.offset + batchHeaderBytes + batch.bytes;
  for (const item of good.records) {
    if (item.path !== batch.path || item.offset < batch.offset || item.offset >= end) continue;
    for (let at = 0; at < item.bytes; at += at < 16 ? 3 : 41)
      places.push({ offset: item.offset + at, what: item.record.type });
  }
  return places;
}

function segmentNames(files: Files): string[] {
  return [...files.keys()].filter((name) => name.endsWith(".log"));
}
