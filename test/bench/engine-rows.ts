// The engine's table: each row's name in the figures, and what it has to reach.

import type { RowSpec } from "./figures.ts";
import type { Target } from "./row.ts";

const ratioOf = (atLeast: number, aim?: number): Target => ({
  of: "ratio",
  better: "above",
  atLeast,
  ...(aim === undefined ? {} : { aim }),
});
const figureBelow = (atLeast: number, aim?: number): Target => ({
  of: "figure",
  better: "below",
  atLeast,
  ...(aim === undefined ? {} : { aim }),
});

export const engineRows: readonly RowSpec[] = [
  { name: "fill", work: "random fill, batches of 100, unsynced", unit: "puts/s", target: ratioOf(1.3, 2) },
  { name: "fill settle", work: "settling after the fill", unit: "s" },
  { name: "overwrite", work: "overwrite of every key, the same way", unit: "puts/s" },
  { name: "overwrite settle", work: "settling after the overwrite", unit: "s" },
  { name: "writers 64", work: "64 writers, each waiting for its fsync", unit: "puts/s", target: ratioOf(10, 20) },
  {
    name: "writers 64, 64 threads",
    work: "the same, the peer with a pool of 64 threads instead of 4",
    unit: "puts/s",
  },
  { name: "writers 1", work: "one writer, waiting for its fsync", unit: "puts/s" },
  {
    name: "writers gain",
    work: "64 writers against one",
    unit: "x",
    target: { of: "figure", better: "above", atLeast: 15, words: "≥ 15 x one writer" },
  },
  { name: "writers p99", work: "64 writers: p99 of one write", unit: "ms" },
  { name: "read memory", work: "point read, all in memory", unit: "reads/s", target: ratioOf(1.2, 3) },
  { name: "read small", work: "point read, data ten times the cache", unit: "reads/s", target: ratioOf(1, 1.5) },
  { name: "missing memory", work: "missing key, all in memory", unit: "reads/s", target: ratioOf(1.5, 3) },
  { name: "missing small", work: "missing key, data ten times the cache", unit: "reads/s", target: ratioOf(1.5, 3) },
  {
    name: "filter",
    work: "tables not read for a missing key thanks to its filter",
    unit: "%",
    target: { of: "figure", better: "above", atLeast: 95, aim: 99, words: "≥ 95 %, aim 99 %" },
  },
  { name: "scan whole", work: "scan of everything, merged over levels", unit: "entries/s", target: ratioOf(3, 5) },
  { name: "scan copies", work: "the same, Trefoil copying every key and value out too", unit: "entries/s" },
  { name: "scan ranges", work: "ranges of 100 entries, merged over levels", unit: "entries/s", target: ratioOf(3, 5) },
  {
    name: "scan small",
    work: "scan of everything, data ten times the cache",
    unit: "entries/s",
    target: ratioOf(3, 5),
  },
  {
    name: "write amplification",
    work: "write amplification: table bytes written / bytes entering level 0",
    unit: "x",
    target: { of: "ratio", better: "below", atLeast: 1, words: "not above the peer's" },
  },
  {
    name: "write amplification user",
    work: "table bytes written / bytes of keys and values put",
    unit: "x",
  },
  {
    name: "space amplification",
    work: "space amplification after settling: table bytes / live bytes of keys and values",
    unit: "x",
    target: figureBelow(1.3, 1.15),
  },
  {
    name: "loop max",
    work: "event-loop delay during fill and compaction, maximum",
    unit: "ms",
    target: figureBelow(50, 25),
  },
  {
    name: "loop p99.9",
    work: "event-loop delay during fill and compaction, p99.9",
    unit: "ms",
    target: figureBelow(20, 10),
  },
  {
    name: "memory outside",
    work: "memory: growth of the process outside the heap / configured sum",
    unit: "x",
    target: { of: "figure", better: "below", atLeast: 1, words: "≤ the configured sum" },
  },
  { name: "memory resident", work: "memory: growth of the resident set / configured sum", unit: "x" },
  {
    name: "recovery log",
    work: "recovery: log records replayed at open",
    unit: "records/s",
    target: { of: "figure", better: "above", atLeast: 300_000, aim: 1_000_000, words: "≥ 300 K/s, aim 1 M/s" },
  },
  { name: "recovery tables", work: "recovery: opening 1 GiB of tables", unit: "s", target: figureBelow(0.5) },
];
