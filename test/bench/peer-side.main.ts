// The peer's side: LevelDB through classic-level, by whichever of its ways is fastest for each work.
//
// getSync for point reads, iterator.nextv with big chunks for scans, chained or array batches for
// fills; keys as bytes or as strings as the caller chooses (strings spare the binding a typed-array
// look-up), values always as bytes. Compression off; everything else as the library defaults it.

import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ClassicLevel } from "classic-level";
import { bulkBatch, bulkKey, KeySet, keyBytes, randomIndexes, strideOrder, Values } from "./dataset.ts";
import { parseLevelLog } from "./leveldb-log.ts";
import { serveSide } from "./side.ts";
import type {
  BulkCall,
  FillCall,
  OpenCall,
  ReadCall,
  ReadFigures,
  ScanCall,
  Timed,
  WriterFigures,
  WritersCall,
} from "./side.ts";
import { runLanes, runWriters, seconds } from "./timing.ts";
import { collectGarbage, CpuProfile, LoopWatch, MemoryWatch } from "./watches.ts";

type Level = ClassicLevel<string | Uint8Array, Uint8Array>;

const quietMilliseconds = 300;
const pollMilliseconds = 25;
const scanWaterMarkBytes = 16 * 1024 * 1024;

const loop = new LoopWatch();
const memory = new MemoryWatch();
const cpu = new CpuProfile();
let level: Level | undefined;
let opened: OpenCall | undefined;
let present: KeySet;
let missing: KeySet;
let values: Values;
let texts: readonly string[] = [];
let absentTexts: readonly string[] = [];
let writtenBefore = { flushedBytes: 0, compactedBytes: 0 };

function database(): Level {
  if (level === undefined) throw new Error("nothing is open");
  return level;
}

function keyOf(index: number): string | Uint8Array {
  return opened?.keysAs === "text" ? (texts[index] as string) : present.of(index);
}

async function open(call: OpenCall): Promise<Timed> {
  if (opened?.folder !== call.folder) writtenBefore = { flushedBytes: 0, compactedBytes: 0 };
  opened = call;
  texts = call.keysAs === "text" ? present.texts() : [];
  absentTexts = call.keysAs === "text" ? missing.texts() : [];
  collectGarbage();
  const started = performance.now();
  level = new ClassicLevel(call.folder, {
    keyEncoding: call.keysAs === "text" ? "utf8" : "view",
    valueEncoding: "view",
    cacheSize: call.cacheBytes,
    writeBufferSize: call.memtableBytes,
    compression: false,
  });
  await level.open();
  return { operations: 1, seconds: seconds(started) };
}

async function close(): Promise<object> {
  await database().close();
  writtenBefore = written();
  level = undefined;
  return {};
}

/** Its log is begun anew at each open, so what earlier openings wrote is kept beside. */
function written(): typeof writtenBefore {
  const folder = opened?.folder ?? "";
  const now = parseLevelLog(readFileSync(path.join(folder, "LOG"), "latin1"));
  return {
    flushedBytes: writtenBefore.flushedBytes + now.flushedBytes,
    compactedBytes: writtenBefore.compactedBytes + now.compactedBytes,
  };
}

async function fill(call: FillCall): Promise<Timed> {
  const db = database();
  const place = call.order === "stride" ? strideOrder(present.count) : (position: number) => position;
  const batches = Math.ceil(call.count / call.batch);
  const started = performance.now();
  await runLanes(call.lanes, batches, async (number) => {
    const from = call.first + number * call.batch;
    const until = Math.min(from + call.batch, call.first + call.count);
    if (call.style === "array") {
      const operations: { type: "put"; key: string | Uint8Array; value: Uint8Array }[] = [];
      for (let at = from; at < until; at++) {
        const index = place(at);
        operations.push({ type: "put", key: keyOf(index), value: values.of(index, call.generation) });
      }
      await db.batch(operations);
      return;
    }
    const batch = db.batch();
    for (let at = from; at < until; at++) {
      const index = place(at);
      batch.put(keyOf(index), values.of(index, call.generation));
    }
    await batch.write();
  });
  return { operations: call.count, seconds: seconds(started) };
}

async function bulk(call: BulkCall): Promise<Timed> {
  const db = database();
  const large = new Values(4, call.valueBytes);
  const count = Math.floor(call.bytes / (keyBytes + call.valueBytes));
  const started = performance.now();
  for (let at = 0; at < count;) {
    const batch = db.batch();
    for (const until = Math.min(at + bulkBatch, count); at < until; at++) batch.put(bulkKey(at), large.of(at, 0));
    await batch.write();
  }
  return { operations: count, seconds: seconds(started) };
}

/** Its compactions have ended when nothing has been written for a while and every level keeps its shape. */
async function settle(): Promise<Timed> {
  const started = performance.now();
  let seen = "";
  let since = performance.now();
  while (performance.now() - since < quietMilliseconds) {
    const io = readFileSync("/proc/self/io", "latin1");
    const state = `${/write_bytes: \d+/.exec(io)?.[0]} ${database().getProperty("leveldb.stats")}`;
    if (state !== seen) {
      seen = state;
      since = performance.now();
    }
    await sleep(pollMilliseconds);
  }
  return { operations: 1, seconds: seconds(started) - quietMilliseconds / 1000 };
}

function read(call: ReadCall): ReadFigures {
  const db = database();
  const from = call.keys === "present" ? present : missing;
  const names = call.keys === "present" ? texts : absentTexts;
  const indexes = randomIndexes(call.count, from.count, call.seed);
  let found = 0;
  const started = performance.now();
  for (let at = 0; at < call.count; at++) {
    const index = indexes[at] as number;
    const value = db.getSync(names.length === 0 ? from.of(index) : (names[index] as string));
    if (value !== undefined) found++;
  }
  const taken = seconds(started);
  return { operations: call.count, seconds: taken, found, waited: 0, filterAsked: 0, filterRuledOut: 0 };
}

function check(count: number, generation: number): { wrong: number } {
  let wrong = 0;
  for (const index of randomIndexes(count, present.count, 77)) {
    const value = database().getSync(keyOf(index));
    if (value === undefined || Buffer.compare(value, values.of(index, generation)) !== 0) wrong++;
  }
  return { wrong };
}

async function scan(call: ScanCall): Promise<Timed> {
  const db = database();
  const started = performance.now();
  let seen = 0;
  if (call.kind === "whole") {
    const iterator = db.iterator({ highWaterMarkBytes: scanWaterMarkBytes });
    for (;;) {
      const entries = await iterator.nextv(call.chunk ?? 1000);
      if (entries.length === 0) break;
      seen += entries.length;
    }
    await iterator.close();
    return { operations: seen, seconds: seconds(started) };
  }
  const starts = randomIndexes(Math.ceil(call.count / call.rangeEntries), present.count, call.seed);
  for (const start of starts) {
    const iterator = db.iterator({ gte: keyOf(start), limit: call.rangeEntries });
    for (;;) {
      const entries = await iterator.nextv(call.rangeEntries);
      if (entries.length === 0) break;
      seen += entries.length;
      if (entries.length === call.rangeEntries) break;
    }
    await iterator.close();
  }
  return { operations: seen, seconds: seconds(started) };
}

function writers(call: WritersCall): Promise<WriterFigures> {
  const db = database();
  const options = { sync: true };
  return runWriters(call, (number) => {
    const index = number % present.count;
    return db.put(keyOf(index), values.of(index, 0), options);
  });
}

serveSide({
  prepare: ({ keys, lean }) => {
    present = new KeySet(keys, 1, lean);
    missing = new KeySet(Math.min(keys, 200_000), 2, lean);
    values = new Values(3);
    collectGarbage();
    return {
      settings: "LevelDB 1.20 by classic-level 3, compression off, Bloom filter 10 bits, 4 KiB blocks, tables of 2 MiB",
    };
  },
  open,
  close,
  fill,
  bulk,
  flush: () => ({ operations: 0, seconds: 0 }),
  settle,
  read,
  check: ({ count, generation }) => check(count, generation),
  scan,
  writers,
  storage: () => {
    const folder = opened?.folder ?? "";
    const tables = readdirSync(folder).filter((name) => /\.(ldb|sst)$/.test(name));
    const tableBytes = tables.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
    const levels = Array.from({ length: 7 }, (_, at) =>
      Number(database().getProperty(`leveldb.num-files-at-level${at}`)),
    );
    return { ...written(), tableBytes, tables: tables.length, levels };
  },
  watchLoop: () => {
    loop.start();
    return {};
  },
  watchedLoop: () => loop.stop(),
  watchMemory: () => {
    memory.start();
    return {};
  },
  watchedMemory: () => {
    // Two write buffers at most, and its cache; open tables hold index and filter on top.
    const configuredBytes = 2 * (opened?.memtableBytes ?? 0) + (opened?.cacheBytes ?? 0);
    return { ...memory.stop(), configuredBytes };
  },
  profile: async ({ file }) => {
    await cpu.turn(file);
    return {};
  },
});
