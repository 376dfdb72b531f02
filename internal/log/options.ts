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

const bounds: { readonly [Name in Exclude<keyof LogOptions, "fsync">]: readonly [number, number] } = {
  segmentBytes: [4096, 2 ** 30],
  batchBytesMax: [1024, 8 * 1024 * 1024],
  cacheBytesMax: [8 * 1024, 2 ** 40],
  logBytesMax: [8 * 1024, Number.MAX_SAFE_INTEGER],
  flushWantedBytes: [4096, Number.MAX_SAFE_INTEGER],
  retryMilliseconds: [1, 3_600_000],
};

export function completeOptions(partial: Partial<LogOptions>): LogOptions {
  const wrong = logViolations(partial);
  if (wrong.length > 0) throw new TrefoilError("bad_request", `log settings: ${wrong.join("; ")}`);
  return { ...logOptionsDefault, ...partial };
}

/** What is wrong with these settings, each in words. They may come from where no compiler has seen them. */
export function logViolations(partial: Partial<LogOptions>): string[] {
  const options = { ...logOptionsDefault, ...partial };
  const wrong: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (name === "fsync") continue;
    const range = bounds[name as keyof typeof bounds] as readonly [number, number] | undefined;
    if (range === undefined) {
      wrong.push(`${name}: there is no such setting`);
    } else if (!Number.isSafeInteger(value) || Number(value) < range[0] || Number(value) > range[1]) {
      wrong.push(`${name}: ${JSON.stringify(value)} is not a whole number from ${range[0]} to ${range[1]}`);
    }
  }
  const fault = fsyncFault(options.fsync);
  if (fault !== undefined) wrong.push(fault);
  return wrong;
}

/** A mode that is not known must never pass for one that promises less. */
function fsyncFault(fsync: unknown): string | undefined {
  const { kind, milliseconds } = (typeof fsync === "object" ? (fsync ?? {}) : {}) as Record<string, unknown>;
  if (kind === "always") return undefined;
  if (kind === "interval") {
    if (typeof milliseconds === "number" && milliseconds >= 1 && milliseconds <= 60_000) return undefined;
    return `fsync: an interval of ${String(milliseconds)} ms is not from 1 to 60000`;
  }
  const text =
    typeof fsync === "object"
      ? JSON.stringify({ kind: typeof kind === "string" ? kind : typeof kind })
      : `a ${typeof fsync}`;
  return `fsync: ${text} is neither {kind: "always"} nor {kind: "interval", milliseconds}`;
}

/** Chunks of memory: large enough that a batch rarely leaves the end of one unused. */
export function chunkBytesOf(options: LogOptions): number {
  const wanted = Math.min(4 * options.batchBytesMax, Math.floor(options.cacheBytesMax / 4));
  return Math.max(wanted, options.batchBytesMax);
}
