// What single parameters mean: times, modes, flags. Text in, value out, or a refusal that says what would be right.

import { TrefoilError } from "../base/errors.ts";
import { timeoutMillisecondsDefault, timeoutMillisecondsMax, ttlOfMilliseconds } from "../node/request-rules.ts";
import type { ReadMode, TimeToLive } from "../node/requests.ts";

const unitMilliseconds: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["", 1000],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const durationWords = "a whole number of seconds, or one with a unit of ms, s, m, h or d (500ms, 10m)";

/** Milliseconds; undefined: no duration. Sixteen digits stay exact in no unit above a millisecond, and no bound is so high. */
function durationOf(text: string): number | undefined {
  const match = /^(\d{1,15})(ms|s|m|h|d|)$/.exec(text);
  if (match === null) return undefined;
  const [, digits, unit] = match as unknown as readonly [string, string, string];
  return Number(digits) * (unitMilliseconds.get(unit) as number);
}

export function ttlOf(text: string): TimeToLive {
  if (text === "keep") return { kind: "keep" };
  const milliseconds = durationOf(text);
  if (milliseconds === undefined) {
    throw new TrefoilError("bad_ttl", `a ttl is ${durationWords}, or keep, not ${shown(text)}`);
  }
  return ttlOfMilliseconds(milliseconds, shown(text));
}

/** Milliseconds that a request may take. */
export function timeoutOf(text: string | undefined): number {
  if (text === undefined) return timeoutMillisecondsDefault;
  const milliseconds = durationOf(text);
  if (milliseconds === undefined) {
    throw new TrefoilError("bad_request", `a timeout is ${durationWords}, not ${shown(text)}`);
  }
  if (milliseconds >= 1 && milliseconds <= timeoutMillisecondsMax) return milliseconds;
  const most = timeoutMillisecondsMax / 1000;
  throw new TrefoilError("bad_request", `a timeout is from 1 ms to ${most} s, not ${shown(text)}`);
}

/** Of reads and writes; undefined: what the node is set to. */
export function consistencyOf(text: string | undefined): ReadMode | undefined {
  if (text === undefined || text === "fast" || text === "strong") return text;
  throw new TrefoilError("bad_consistency", `consistency is fast or strong, not ${shown(text)}`);
}

export function flagOf(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "0" || text === "false") return false;
  if (text === "" || text === "1" || text === "true") return true;
  throw new TrefoilError("bad_request", `${name} is 1 or 0, not ${shown(text)}`);
}

export function countOf(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new TrefoilError("bad_request", `${name} is a whole number from 1 to ${most}, not ${shown(text)}`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
