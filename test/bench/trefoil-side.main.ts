// Trefoil's side: the small store, log and engine together, as a program would use it as a library.

import { setTimeout as sleep } from "node:timers/promises";
import { workerEntry } from "../../cmd/worker/entry.ts";
import { engineDefaults } from "../../internal/engine/options.ts";
import { logOptionsDefault } from "../../internal/log/options.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { storeDefaults } from "../../internal/store/options.ts";
import { Store } from "../../internal/store/store.ts";
import type { StoreScan } from "../../internal/store/store-scan.ts";
import { bulkBatch, bulkKey, KeySet, keyBytes, randomIndexes, strideOrder, Values } from "./dataset.ts";
import { serveSide } from "./side.ts";
import type {
  BulkCall,
  FillCall,
  OpenCall,
  ReadCall,
  ReadFigures,
  ScanCall,
  StorageFigures,
  Timed,
  WriterFigures,
  WritersCall,
} from "./side.ts";
import { runLanes, runWriters, seconds } from "./timing.ts";
import { collectGarbage, CpuProfile, LoopWatch, MemoryWatch } from "./watches.ts";

const syncIntervalMilliseconds = 1000;
const pollMilliseconds = 10;

const loop = new LoopWatch();
const memory = new MemoryWatch();
const cpu = new CpuProfile();
let store: Store | undefined;
let background: WorkerBackground | undefined;
let opened: OpenCall | undefined;
let present: KeySet;
let missing: KeySet;
let values: Values;
let writtenBefore = { flushedBytes: 0, compactedBytes: 0 };

function theStore(): Store {
  if (store === undefined) throw new Error("nothing is open");
  return store;
}

async function open(call: OpenCall): Promise<Timed> {
  if (opened?.folder !== call.folder) writtenBefore = { flushedBytes: 0, compactedBytes: 0 };
  opened = call;
  background = new WorkerBackground({ entry: workerEntry });
  const seams = {
    disk: new RealDisk(),
    background,
    clock: systemClock,
    scheduler: systemScheduler,
    logger: silentLogger,
  };
  const started = performance.now();
  store = await Store.open(seams, call.folder, {
    fsync: call.fsync === "always" ? { kind: "always" } : { kind: "interval", milliseconds: syncIntervalMilliseconds },
    engine: { blockCacheBytes: call.cacheBytes, memtableBytes: call.memtableBytes },
  });
  return { operations: 1, seconds: seconds(started) };
}

async function close(): Promise<object> {
  writtenBefore = written();
  await theStore().close();
  await background?.close();
  store = undefined;
  return {};
}

/** Counters begin anew at each open, so what earlier openings wrote is kept beside. */
function written(): typeof writtenBefore {
  const { flush, compaction } = theStore().stats().engine;
  return {
    flushedBytes: writtenBefore.flushedBytes + flush.bytesWritten,
    compactedBytes: writtenBefore.compactedBytes + compaction.bytesWritten,
  };
}

async function fill(call: FillCall): Promise<Timed> {
  const target = theStore();
  const place = call.order === "stride" ? strideOrder(present.count) : (position: number) => position;
  const batches = Math.ceil(call.count / call.batch);
  const spare: ReturnType<Store["batch"]>[] = [];
  const started = performance.now();
  await runLanes(call.lanes, batches, async (number) => {
    const from = call.first + number * call.batch;
    const until = Math.min(from + call.batch, call.first + call.count);
    const batch = spare.pop() ?? target.batch();
    for (let at = from; at < until; at++) {
      const index = place(at);
      batch.put(present.of(index), values.of(index, call.generation));
    }
    const answered = target.write(batch);
    spare.push(batch.clear());
    await answered;
  });
  return { operations: call.count, seconds: seconds(started) };
}

async function bulk(call: BulkCall): Promise<Timed> {
  const target = theStore();
  const large = new Values(4, call.valueBytes);
  const count = Math.floor(call.bytes / (keyBytes + call.valueBytes));
  const batch = target.batch();
  const started = performance.now();
  for (let at = 0; at < count;) {
    for (const until = Math.min(at + bulkBatch, count); at < until; at++) batch.put(bulkKey(at), large.of(at, 0));
    await target.write(batch);
    batch.clear();
  }
  return { operations: count, seconds: seconds(started) };
}

/** Until no memtable waits for its flush and no level is above its target. The active memtable stays as it is. */
async function settle(): Promise<Timed> {
  const started = performance.now();
  let idleSince: number | undefined;
  for (;;) {
    const { levels, memtablesSealed, compaction, flush } = theStore().stats().engine;
    const busy = memtablesSealed > 0 || levels.some((level) => level.score >= 1);
    const work = compaction.bytesWritten + compaction.moves + flush.flushes;
    if (busy || work !== lastWork) idleSince = undefined;
    lastWork = work;
    idleSince ??= performance.now();
    if (!busy && performance.now() - idleSince > quietMilliseconds) break;
    await sleep(pollMilliseconds);
  }
  return { operations: 1, seconds: seconds(started) - quietMilliseconds / 1000 };
}

const quietMilliseconds = 100;
let lastWork = 0;

async function flush(): Promise<Timed> {
  const started = performance.now();
  await theStore().flush();
  return { operations: 1, seconds: seconds(started) };
}

async function read(call: ReadCall): Promise<ReadFigures> {
  const target = theStore();
  const from = call.keys === "present" ? present : missing;
  const indexes = randomIndexes(call.count, from.count, call.seed);
  const before = target.stats().engine.reads;
  let found = 0;
  let waited = 0;
  const started = performance.now();
  for (let at = 0; at < call.count; at++) {
    const key = from.of(indexes[at] as number);
    let record = target.getNow(key);
    if (record === "need_io") {
      waited++;
      record = await target.get(key);
    }
    if (record !== undefined) found++;
  }
  const taken = seconds(started);
  const after = target.stats().engine.reads;
  return {
    operations: call.count,
    seconds: taken,
    found,
    waited,
    filterAsked: after.filterChecks - before.filterChecks,
    filterRuledOut: after.filterAvoided - before.filterAvoided,
  };
}

async function check(count: number, generation: number): Promise<{ wrong: number }> {
  let wrong = 0;
  for (const index of randomIndexes(count, present.count, 77)) {
    const record = await theStore().get(present.of(index));
    if (record === undefined || Buffer.compare(record.value, values.of(index, generation)) !== 0) wrong++;
  }
  return { wrong };
}

async function scan(call: ScanCall): Promise<Timed> {
  const target = theStore();
  const walk = call.copies === true ? walkCopying : walkViewing;
  const started = performance.now();
  let seen = 0;
  if (call.kind === "whole") {
    seen = await walk(target.scan(), Number.POSITIVE_INFINITY);
  } else {
    const starts = randomIndexes(Math.ceil(call.count / call.rangeEntries), present.count, call.seed);
    for (const start of starts) seen += await walk(target.scan({ lower: present.of(start) }), call.rangeEntries);
  }
  return { operations: seen, seconds: seconds(started) };
}

let touched = 0;

/** Looks at every key and value where they lie. */
async function walkViewing(walk: StoreScan, limit: number): Promise<number> {
  let seen = 0;
  while (seen < limit) {
    const step = walk.nextNow();
    if (step === "end") break;
    if (step === "load") {
      await walk.load();
      continue;
    }
    touched += walk.keyView.length + walk.valueView.length;
    seen++;
  }
  walk.close();
  return seen;
}

/** Takes every key and value with it, as the peer's interface does. */
async function walkCopying(walk: StoreScan, limit: number): Promise<number> {
  let seen = 0;
  while (seen < limit) {
    const step = walk.nextNow();
    if (step === "end") break;
    if (step === "load") {
      await walk.load();
      continue;
    }
    touched += walk.key().length + walk.value().length;
    seen++;
  }
  walk.close();
  return seen;
}

async function writers(call: WritersCall): Promise<WriterFigures> {
  const target = theStore();
  const { durability } = await target.put(present.of(0), values.of(0, 0));
  if (durability !== "synced") throw new Error("a write was answered before its fsync");
  return runWriters(call, (number) => {
    const index = number % present.count;
    return target.put(present.of(index), values.of(index, 0));
  });
}

function storage(): StorageFigures {
  const { tableBytes, tables, levels } = theStore().stats().engine;
  return { ...written(), tableBytes, tables, levels: levels.map((level) => level.tables) };
}

/** What its settings allow it to hold outside of the heap. */
function configuredBytes(): number {
  const { memtablesMax, tableCacheBytes } = engineDefaults;
  return (
    memtablesMax * (opened?.memtableBytes ?? 0) +
    (opened?.cacheBytes ?? 0) +
    tableCacheBytes +
    logOptionsDefault.cacheBytesMax +
    storeDefaults.waitingBytesMax
  );
}

serveSide({
  prepare: ({ keys, lean }) => {
    present = new KeySet(keys, 1, lean);
    missing = new KeySet(Math.min(keys, 200_000), 2, lean);
    values = new Values(3);
    collectGarbage();
    const { memtablesMax, blockBytes, bloomBitsPerKey, tableBytes, levelBaseBytes, levelFactor } = engineDefaults;
    const settings =
      `Trefoil: the small store; Bloom filter ${bloomBitsPerKey} bits, blocks of ${blockBytes} B, tables of ${tableBytes >> 20} MiB, ` +
      `first level ${levelBaseBytes >> 20} MiB, factor ${levelFactor}, at most ${memtablesMax} memtables; "unsynced" is ` +
      `fsync every ${syncIntervalMilliseconds} ms`;
    return { settings };
  },
  open,
  close,
  fill,
  bulk,
  flush,
  settle,
  read,
  check: ({ count, generation }) => check(count, generation),
  scan,
  writers,
  storage,
  watchLoop: () => {
    loop.start();
    return {};
  },
  watchedLoop: () => loop.stop(),
  watchMemory: () => {
    memory.start();
    return {};
  },
  watchedMemory: () => ({ ...memory.stop(), configuredBytes: configuredBytes() }),
  profile: async ({ file }) => {
    await cpu.turn(file);
    return {};
  },
});
