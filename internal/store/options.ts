// The settings of a store, and what it is handed of the world.

import { TrefoilError } from "../base/errors.ts";
import { valueBytesDefault, valueBytesMax } from "../base/limits.ts";
import { engineViolations } from "../engine/options.ts";
import type { EngineOptions } from "../engine/options.ts";
import { found } from "./input.ts";
import { logViolations } from "../log/options.ts";
import type { FsyncMode, LogOptions } from "../log/options.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { Machine } from "../platform/machine.ts";

export interface StoreSeams {
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Left out: an end of the process is taken for one of the machine. */
  readonly machine?: Machine;
}

export interface StoreOptions {
  /** "always" (the default): a write is answered when it is synced. "interval": when the system has it. */
  readonly fsync: FsyncMode;
  /** Whether an absent store is made; the default is yes. */
  readonly createIfMissing: boolean;
  /** Whether a store that is there is refused; the default is no. */
  readonly errorIfExists: boolean;
  readonly valueBytesMax: number;
  /** Writes that wait for room in the log, in bytes, 1 KiB more for each; beyond, a write is refused as `busy`. */
  readonly waitingBytesMax: number;
  /** Writes that are in the log and wait for room in the engine, counted likewise. */
  readonly unappliedBytesMax: number;
  readonly engine: Partial<EngineOptions>;
  readonly log: Partial<Omit<LogOptions, "fsync">>;
}

export const storeDefaults: StoreOptions = {
  fsync: { kind: "always" },
  createIfMissing: true,
  errorIfExists: false,
  valueBytesMax: valueBytesDefault,
  waitingBytesMax: 64 * 1024 * 1024,
  unappliedBytesMax: 16 * 1024 * 1024,
  engine: {},
  log: {},
};

/** Checks all settings, those of log and engine too, before anything is touched; throws `bad_request` that names every violation. */
export function storeOptions(given: Partial<StoreOptions>): StoreOptions {
  const options = { ...storeDefaults, ...given };
  const parts = { settings: given, engine: options.engine, log: options.log };
  const noObject = Object.entries<unknown>(parts).find(([, part]) => typeof part !== "object" || part === null);
  if (noObject !== undefined) {
    const [name, part] = noObject;
    throw new TrefoilError("bad_request", `store settings: ${name}: ${found(part)} is not an object of settings`);
  }
  const wrong = Object.keys(options)
    .filter((name) => !(name in storeDefaults))
    .map((name) => `${name}: there is no such setting`);
  const within = (name: "valueBytesMax" | "waitingBytesMax" | "unappliedBytesMax", most: number): void => {
    const value = options[name];
    if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
    wrong.push(`${name}: ${String(value)} is not a whole number from 1 to ${most}`);
  };
  within("valueBytesMax", valueBytesMax);
  within("waitingBytesMax", Number.MAX_SAFE_INTEGER);
  within("unappliedBytesMax", Number.MAX_SAFE_INTEGER);
  for (const name of ["createIfMissing", "errorIfExists"] as const) {
    if (typeof options[name] !== "boolean") wrong.push(`${name}: ${String(options[name])} is neither true nor false`);
  }
  if ("fsync" in options.log) wrong.push("log.fsync: this is the store's own setting, fsync");
  wrong.push(...logViolations({ ...options.log, fsync: options.fsync }), ...engineViolations(options.engine));
  if (wrong.length > 0) throw new TrefoilError("bad_request", `store settings: ${wrong.join("; ")}`);
  return options;
}
