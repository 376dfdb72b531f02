// What every edge holds requests against, by whatever protocol they came: the bounds, and the refusals in the same words.

import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax, ttlBounds, ttlMillisecondsMax } from "../base/limits.ts";
import type { Condition, ReadMode, TimeToLive } from "./requests.ts";

/** A request ends by then when it does not say otherwise. */
export const timeoutMillisecondsDefault = 5000;
export const timeoutMillisecondsMax = 60_000;
export const requestIdBytesMax = 64;
export const contentTypeBytesMax = 255;

export function checkKey(key: Uint8Array): Uint8Array {
  if (key.length === 0) throw new TrefoilError("bad_key", `the key is empty; it has 1 to ${keyBytesMax} bytes`);
  if (key.length > keyBytesMax) throw keyTooLong(String(key.length));
  return key;
}

export function keyTooLong(length: string): TrefoilError {
  return new TrefoilError("bad_key", `a key has 1 to ${keyBytesMax} bytes; this one has ${length}`);
}

export function checkPrefix(prefix: Uint8Array): Uint8Array {
  if (prefix.length <= keyBytesMax) return prefix;
  throw new TrefoilError("bad_key", `a prefix has at most ${keyBytesMax} bytes; this one has ${prefix.length}`);
}

/** `length` undefined: only that it is more. */
export function valueTooLarge(length: number | undefined, bytesMax: number): TrefoilError {
  const found = length === undefined ? "has more" : `has ${length}`;
  return new TrefoilError(
    "too_large",
    `a value has at most ${bytesMax} bytes here (--max-value-bytes); this one ${found}`,
  );
}

/** `shown`: as the caller wrote it. */
export function ttlOfMilliseconds(milliseconds: number, shown: string): TimeToLive {
  if (milliseconds >= 1 && milliseconds <= ttlMillisecondsMax) return { kind: "milliseconds", milliseconds };
  throw new TrefoilError("bad_ttl", `a ttl is ${ttlBounds}, not ${shown}; a write without ttl keeps for ever`);
}

/** Empty: none was given. */
export function checkContentType(text: string): string {
  if (text === "" || (isPrintable(text) && text.length <= contentTypeBytesMax)) return text;
  const detail = `a Content-Type has at most ${contentTypeBytesMax} characters, all printable ASCII`;
  throw new TrefoilError("bad_request", detail);
}

/** Of one character at least, all of them printable ASCII: it may stand in a header as it is. */
export function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

/** Whatever reads state before it writes is strong. */
export function refuseFast(
  mode: ReadMode | undefined,
  condition: Condition | undefined,
  ttl: TimeToLive | undefined,
): void {
  if (mode !== "fast" || (condition === undefined && ttl?.kind !== "keep")) return;
  const what = condition === undefined ? "a ttl that is kept" : "a condition";
  const detail = `${what} is read before it is written, which is strong only: do not ask for fast consistency`;
  throw new TrefoilError("bad_consistency", detail);
}

/** A `traceparent` that is one, or empty. */
export function traceOf(text: unknown): string {
  return typeof text === "string" && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(text) ? text : "";
}
