// The arena memtable against what a program in this language would otherwise use: a Map from key to cell, sorted
// when it is flushed. Both own a copy of every cell, and take the same entries by turns in one run.
//
//   node dist/test/bench/memtable.js [--quick] [--rounds N] [--json FILE]
//
// In the judged row the peer is treated kindly: its keys are strings of one byte a character, made before the clock starts
// and hashed before as well; in the next row it makes them from the bytes that both are given. Its cells are copied in
// the quickest way there is (Buffer.from, out of a pool). Heap figures are what is left after a full collection;
// objects are counted by the header of a heap snapshot.

import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setImmediate } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { Prng } from "../../internal/base/prng.ts";
import { cellBytesMin } from "../../internal/engine/cell.ts";
import { emptySlot } from "../../internal/engine/cursor.ts";
import { arenaBytesDefault, arenaBytesFor, MemtableArena } from "../../internal/engine/memtable/arena.ts";
import { Memtable } from "../../internal/engine/memtable/memtable.ts";
import { renderRows, rowOf, type Row, type Target } from "./row.ts";

export interface MemtablePlan {
  readonly rounds: number;
  /** Entries inserted per round and side. */
  readonly entries: number;
}

export const memtablePlan: MemtablePlan = { rounds: 9, entries: 500_000 };
export const memtableQuickPlan: MemtablePlan = { rounds: 5, entries: 200_000 };

const incarnationBytes = 4;
const keyBytes = incarnationBytes + 20;
const cellBytes = cellBytesMin + 100;
const entryBytes = keyBytes + cellBytes;
const batchOperations = 100;

/** The peer: the newest cell of each key. */
type PlainMemtable = Map<string, Buffer>;

export async function memtableRows(plan: MemtablePlan): Promise<Row[]> {
  const entries = randomEntries(plan.entries);
  const arena = new MemtableArena();
  const large = new MemtableArena(arenaBytesFor(plan.entries, plan.entries * entryBytes));
  const perMemtable = fill(new Memtable(arena), entries, 0);
  const usual: Pair = { trefoil: [], peer: [] };
  const whole: Pair = { trefoil: [], peer: [] };
  const fromBytes: Pair = { trefoil: usual.trefoil, peer: [] };
  for (let round = 0; round < plan.rounds; round++) {
    const names = namesOf(entries);
    const runs: readonly (() => void)[] = [
      () => usual.trefoil.push(timed(plan.entries, () => insertMemtables(arena, entries))),
      () => whole.trefoil.push(timed(plan.entries, () => insertMemtables(large, entries))),
      () => usual.peer.push(timed(plan.entries, () => insertMaps(entries, names, perMemtable))),
      () => whole.peer.push(timed(plan.entries, () => insertMaps(entries, names, plan.entries))),
      () => fromBytes.peer.push(timed(plan.entries, () => insertMaps(entries, undefined, perMemtable))),
    ];
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) run();
  }
  const unit = "inserts/s";
  const thousands = Math.round(plan.entries / 1000);
  const atOnce = `memtable insert, ${arenaBytesDefault / 1024 / 1024} MiB at a time, against Map plus sort`;
  return [
    rowOf({ work: atOnce, unit, ...usual, target: speed, note: "the peer is given its keys as strings" }),
    rowOf({ work: "the same", unit, ...fromBytes, note: "the peer makes its keys from the same bytes" }),
    rowOf({
      work: `the same, ${thousands} K entries in one memtable`,
      unit,
      ...whole,
      note: "the peer is given its keys",
    }),
    ...(await heapRows(entries, perMemtable)),
  ];
}

interface Pair {
  readonly trefoil: number[];
  readonly peer: number[];
}

const speed: Target = { of: "ratio", better: "above", atLeast: 1, aim: 2 };
const tenth: Target = { of: "ratio", better: "below", atLeast: 0.1 };

/** Keys and cells one behind the other, as a write batch holds them. */
function randomEntries(count: number): Uint8Array {
  const bytes = new Uint8Array(count * entryBytes);
  new Prng(1).fill(bytes);
  for (let start = 0; start < bytes.length; start += entryBytes) {
    bytes.fill(0, start, start + incarnationBytes);
    bytes[start + keyBytes] = 0;
  }
  return bytes;
}

/** A key as a Map can have it: bytes are no key, for they are equal to nothing but themselves. */
function nameOf(entries: Uint8Array, entry: number): string {
  return Buffer.from(entries.buffer, entry * entryBytes, keyBytes).toString("latin1");
}

function namesOf(entries: Uint8Array): string[] {
  return Array.from({ length: entries.length / entryBytes }, (_, entry) => nameOf(entries, entry));
}

/** Inserts from an entry on while there is room, asking for it as the engine does; returns the entry behind the last. */
function fill(memtable: Memtable, entries: Uint8Array, from: number): number {
  const count = entries.length / entryBytes;
  const view = emptySlot();
  view.keyBytes = view.cellBytes = entries;
  let next = from;
  while (next < count && memtable.roomFor(batchOperations, batchOperations * entryBytes)) {
    const end = Math.min(count, next + batchOperations);
    for (; next < end; next++) {
      view.keyStart = next * entryBytes;
      view.keyEnd = view.cellStart = view.keyStart + keyBytes;
      view.cellEnd = view.cellStart + cellBytes;
      view.sequence = next + 1;
      memtable.add(view);
    }
  }
  return next;
}

/** Inserts per second. A collection throws compiled code away, so the work is done once before it is timed. */
function timed(count: number, work: () => void): number {
  collectGarbage();
  work();
  const started = performance.now();
  work();
  return (count / (performance.now() - started)) * 1000;
}

/** Into memtables over one arena, which is recycled whenever it is full. */
function insertMemtables(arena: MemtableArena, entries: Uint8Array): void {
  const count = entries.length / entryBytes;
  for (let next = 0; next < count;) {
    arena.reset();
    next = fill(new Memtable(arena), entries, next);
  }
}

/** Into one Map after the other, each sorted when it has so many entries. */
function insertMaps(entries: Uint8Array, names: readonly string[] | undefined, perMap: number): void {
  const count = entries.length / entryBytes;
  let sorted = 0;
  for (let next = 0; next < count; next += perMap) {
    const map = fillMap(entries, names, { from: next, to: Math.min(count, next + perMap) });
    sorted += [...map.keys()].toSorted().length;
  }
  if (sorted !== count) throw new Error(`${count} keys went in and ${sorted} came out`);
}

function fillMap(
  entries: Uint8Array,
  names: readonly string[] | undefined,
  { from, to }: { from: number; to: number },
): PlainMemtable {
  const map: PlainMemtable = new Map();
  for (let next = from; next < to; next++) {
    const cellStart = next * entryBytes + keyBytes;
    const name = names === undefined ? nameOf(entries, next) : (names[next] as string);
    map.set(name, Buffer.from(entries.subarray(cellStart, cellStart + cellBytes)));
  }
  return map;
}

interface HeapFigures {
  readonly objects: number;
  readonly heapBytes: number;
  /** Of the heap and outside of it. */
  readonly bytes: number;
}

/** What one memtable full of entries costs; its keys and cells come to `count * entryBytes`. */
async function heapRows(entries: Uint8Array, count: number): Promise<Row[]> {
  const part = entries.slice(0, count * entryBytes);
  const trefoil = await costOf(() => {
    const memtable = new Memtable(new MemtableArena());
    fill(memtable, part, 0);
    return memtable;
  }, arenaBytesDefault);
  const peer = await costOf(() => fillMap(part, namesOf(part), { from: 0, to: count }), 0);
  const figures = (name: keyof HeapFigures, by = 1): Pair => ({
    trefoil: [trefoil[name] / by],
    peer: [peer[name] / by],
  });
  return [
    rowOf({ work: `heap objects of ${count} entries`, unit: "objects", ...figures("objects"), target: tenth }),
    rowOf({ work: "heap that the collector walks", unit: "B/entry", ...figures("heapBytes", count) }),
    rowOf({ work: `all memory, ${entryBytes} B of it keys and cells`, unit: "B/entry", ...figures("bytes", count) }),
  ];
}

async function costOf(make: () => unknown, sharedBytes: number): Promise<HeapFigures> {
  // Once for nothing: what is compiled and cached then stays out of the difference. Node does not count shared buffers.
  make();
  const objects = await growth(countObjects, make);
  const heapBytes = await growth(() => process.memoryUsage().heapUsed, make);
  const outside = await growth(() => process.memoryUsage().external, make);
  return { objects, heapBytes, bytes: heapBytes + outside + sharedBytes };
}

/** By how much a figure grows with what `make` returns; not below 0, since what else goes on may shrink it a little. */
async function growth(figure: () => number | Promise<number>, make: () => unknown): Promise<number> {
  await settleHeap();
  const before = await figure();
  const made: unknown[] = [make()];
  await settleHeap();
  const after = await figure();
  made.length = 0;
  return Math.max(0, after - before);
}

/** Twice, for buffers outside of the heap are freed, and counted as freed, a while after their objects. */
async function settleHeap(): Promise<void> {
  for (let time = 0; time < 2; time++) {
    collectGarbage();
    await setImmediate();
  }
}

async function countObjects(): Promise<number> {
  let head = "";
  for await (const chunk of v8.getHeapSnapshot()) if (head.length < 4096) head += String(chunk);
  const found = /"node_count":(\d+)/.exec(head);
  if (found === null) throw new Error("a heap snapshot does not count its nodes");
  return Number(found[1]);
}

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("gc") as () => void;
  }
  collect();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: "boolean", default: false }, rounds: { type: "string" }, json: { type: "string" } },
  });
  const plan = values.quick ? memtableQuickPlan : memtablePlan;
  const rounds = Number(values.rounds ?? plan.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");
  const rows = await memtableRows({ ...plan, rounds });
  const settings = [
    `Node ${process.version}, ${rounds} rounds of ${plan.entries} entries, keys of ${keyBytes - incarnationBytes} B, cells of ${cellBytes} B`,
  ];
  console.log(`${settings.join("\n")}\n\n${renderRows(rows)}`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ settings, limits: {}, rows }, null, 2)}\n`);
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
