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

/** An engine's key: whose, and which. */
export function shownEngineKey(key: Uint8Array): string {
  if (key.length < incarnationBytes) return `"${printableKey(key)}"`;
  return `${readU32BigEndian(key, 0)}/${shownKey(key.subarray(incarnationBytes))}`;
}

/** A stamp's wall time; a number that can be none stays one. */
export function shownStamp(stamp: Stamp): string {
  const date = new Date(millisecondsOfStamp(stamp));
  return Number.isNaN(date.getTime()) ? String(stamp) : date.toISOString();
}

export function shownExpiry(expiry: Stamp): string {
  return expiry === neverExpires ? "" : `, expires ${shownStamp(expiry)}`;
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
