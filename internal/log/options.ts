// What can be set about a log, with its bounds. Every violation is told at once.

import { TrefoilError } from "../base/errors.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { Machine } from "../platform/machine.ts";

export type FsyncMode =
  /** What is written is synced. */
  | { readonly kind: "always" }
  /** Synced after at most so long; votes, terms, truncations and marks at once. */
  | { readonly kind: "interval"; readonly milliseconds: number };

export interface LogOptions {
  readonly fsync: FsyncMode;
  /** Bytes of a segment, header included. A segment that must hold more than that grows. */
  readonly segmentBytes: number;
  /** Most bytes of one write, unless a single record is larger. */
  readonly batchBytesMax: number;
  /** Memory that keeps what was written last for readers; batches are built in it. */
  readonly cacheBytesMax: number;
  /** Beyond this entries that only followers need are dropped, oldest first. */
  readonly logBytesMax: number;
  /** A flush is asked for when the log has grown by this since its oldest entry that is not flushed. */
  readonly flushWantedBytes: number;
  /** How long after a failure to prepare the next segment it is tried again. */
  readonly retryMilliseconds: number;
}

export const logOptionsDefault: LogOptions = {
  fsync: { kind: "always" },
  segmentBytes: 64 * 1024 * 1024,
  batchBytesMax: 1024 * 1024,
  cacheBytesMax: 32 * 1024 * 1024,
  logBytesMax: 1024 * 1024 * 1024,
  flushWantedBytes: 128 * 1024 * 1024,
  retryMilliseconds: 1000,
};

/** The world that a log runs in. */
export interface LogSeams {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly background: Background;
  /** Left out: the log cannot tell a death of the process from one of the machine, and takes it for the worse. */
  readonly machine?: Machine;
  readonly logger?: Logger;
}

export function completeOptions(partial: Partial<LogOptions>): LogOptions {
  const options = { ...logOptionsDefault, ...partial };
  const wrong: string[] = [];
  const within = (name: Exclude<keyof LogOptions, "fsync">, least: number, most: number): void => {
    const value = options[name];
    if (Number.isSafeInteger(value) && value >= least && value <= most) return;
    wrong.push(`${name} is ${value}, and must be a whole number from ${least} to ${most}`);
  };
  within("segmentBytes", 4096, 2 ** 30);
  within("batchBytesMax", 1024, 8 * 1024 * 1024);
  within("cacheBytesMax", 8 * 1024, 2 ** 40);
  within("logBytesMax", 8 * 1024, Number.MAX_SAFE_INTEGER);
  within("flushWantedBytes", 4096, Number.MAX_SAFE_INTEGER);
  within("retryMilliseconds", 1, 3_600_000);
  const { fsync } = options;
  if (fsync.kind === "interval" && !(fsync.milliseconds >= 1 && fsync.milliseconds <= 60_000)) {
    wrong.push(`fsync interval is ${fsync.milliseconds} ms, and must be from 1 to 60000`);
  }
  if (wrong.length > 0) throw new TrefoilError("bad_request", `log options: ${wrong.join("; ")}`);
  return options;
}

/** Chunks of memory: large enough that a batch rarely leaves the end of one unused. */
export function chunkBytesOf(options: LogOptions): number {
  const wanted = Math.min(4 * options.batchBytesMax, Math.floor(options.cacheBytesMax / 4));
  return Math.max(wanted, options.batchBytesMax);
}
