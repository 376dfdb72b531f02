// What this machine can do without any store: the figures that everything else is to be read against.
// Plain synchronous calls, so that neither a thread pool nor an event loop is part of them.

import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { median } from "./row.ts";

export interface Limits {
  readonly appendsSyncedPerSecond: number;
  readonly appendSyncedP50Microseconds: number;
  readonly appendSyncedP99Microseconds: number;
  readonly preallocatedWritesPerSecond: number;
  readonly preallocatedWriteP50Microseconds: number;
  readonly preallocatedWriteP99Microseconds: number;
  readonly sequentialWriteMegabytesPerSecond: number;
  readonly checksumMegabytesPerSecond: number;
}

const pageBytes = 4096;
const segmentBytes = 16 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

export function measureLimits(folder: string, secondsEach: number, sequentialBytes: number): Limits {
  const appends = measureAppends(path.join(folder, "appends"), secondsEach);
  const preallocated = measurePreallocated(path.join(folder, "preallocated"), secondsEach);
  return {
    appendsSyncedPerSecond: appends.perSecond,
    appendSyncedP50Microseconds: appends.p50,
    appendSyncedP99Microseconds: appends.p99,
    preallocatedWritesPerSecond: preallocated.perSecond,
    preallocatedWriteP50Microseconds: preallocated.p50,
    preallocatedWriteP99Microseconds: preallocated.p99,
    sequentialWriteMegabytesPerSecond: measureSequential(path.join(folder, "sequential"), sequentialBytes),
    checksumMegabytesPerSecond: measureChecksum(),
  };
}

/** The medians of several measurements, taken between the rounds. */
export function medianLimits(samples: readonly Limits[]): Limits {
  const names = Object.keys(samples[0] ?? {}) as (keyof Limits)[];
  const pairs = names.map((name) => [name, median(samples.map((sample) => sample[name])) ?? 0]);
  return Object.fromEntries(pairs) as Record<keyof Limits, number>;
}

interface Repeated {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

function measureAppends(file: string, secondsLong: number): Repeated {
  const page = Buffer.alloc(pageBytes, 7);
  const descriptor = openSync(file, "w");
  const figures = repeat(secondsLong, () => {
    writeSync(descriptor, page);
    fdatasyncSync(descriptor);
  });
  closeSync(descriptor);
  rmSync(file);
  return figures;
}

function measurePreallocated(file: string, secondsLong: number): Repeated {
  const page = Buffer.alloc(pageBytes, 7);
  const filling = openSync(file, "w");
  writeSync(filling, Buffer.alloc(segmentBytes), 0, segmentBytes, 0);
  fsyncSync(filling);
  closeSync(filling);
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_DSYNC);
  let at = 0;
  const figures = repeat(secondsLong, () => {
    writeSync(descriptor, page, 0, pageBytes, at);
    at = (at + pageBytes) % segmentBytes;
  });
  closeSync(descriptor);
  rmSync(file);
  return figures;
}

function repeat(secondsLong: number, action: () => void): Repeated {
  const took: number[] = [];
  const started = performance.now();
  const until = started + secondsLong * 1000;
  for (let now = started; now < until;) {
    action();
    const after = performance.now();
    took.push((after - now) * 1000);
    now = after;
  }
  const sorted = Float64Array.from(took).toSorted();
  return {
    perSecond: (took.length / (performance.now() - started)) * 1000,
    p50: sorted[sorted.length >> 1] ?? 0,
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function measureSequential(file: string, bytes: number): number {
  const chunk = Buffer.alloc(chunkBytes, 7);
  const descriptor = openSync(file, "w");
  const started = performance.now();
  for (let at = 0; at < bytes; at += chunkBytes) writeSync(descriptor, chunk, 0, chunkBytes, at);
  fdatasyncSync(descriptor);
  const seconds = (performance.now() - started) / 1000;
  closeSync(descriptor);
  rmSync(file);
  return bytes / seconds / 1e6;
}

/** A stand-in for how fast a core is. */
function measureChecksum(): number {
  const chunk = Buffer.alloc(chunkBytes, 7);
  let sum = 0;
  const rounds = 100;
  const started = performance.now();
  for (let round = 0; round < rounds; round++) sum = crc32(chunk, sum);
  const seconds = (performance.now() - started) / 1000;
  return sum < 0 ? 0 : (rounds * chunkBytes) / seconds / 1e6;
}
