// How keys, values and times are shown to people, who need not see all of a long one.

import { printableKey } from "../../../internal/base/bytes.ts";
import { readU32BigEndian } from "../../../internal/base/codec.ts";
import { incarnationBytes } from "../../../internal/base/limits.ts";
import { millisecondsOfStamp, neverExpires } from "../../../internal/base/stamp.ts";
import type { Stamp } from "../../../internal/base/stamp.ts";

const keyBytesShown = 64;

export function shownKey(key: Uint8Array): string {
  if (key.length <= keyBytesShown) return `"${printableKey(key)}"`;
  return `"${printableKey(key.subarray(0, keyBytesShown))}"… (${key.length} bytes)`;
}

/** An engine's key: which, and whose. */
export function shownEngineKey(key: Uint8Array): string {
  if (key.length < incarnationBytes) return `"${printableKey(key)}"`;
  return `${shownKey(key.subarray(incarnationBytes))} of incarnation ${readU32BigEndian(key, 0)}`;
}

/** Who wrote it, and when in the order of its group. */
export function shownVersion(term: number, index: number): string {
  return `term ${term} index ${index}`;
}

/** A stamp's wall time; a number that can be none stays one. */
export function shownStamp(stamp: Stamp): string {
  const date = new Date(millisecondsOfStamp(stamp));
  return Number.isNaN(date.getTime()) ? String(stamp) : date.toISOString();
}

export function shownExpiry(expiry: Stamp): string {
  return expiry === neverExpires ? "" : `, expires ${shownStamp(expiry)}`;
}

/** The value in what a store's record holds: behind the length of its content type, and that. */
export function valueIn(payload: Uint8Array): Uint8Array {
  return payload.subarray(Math.min(payload.length, 1 + (payload[0] ?? 0)));
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
