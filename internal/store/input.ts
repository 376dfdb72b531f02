// What callers hand in, checked where it comes in. Callers need not be typed: what is not what it should be would be
// stored as something else than was meant, or ignored without a word.

import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax, ttlBounds, ttlMillisecondsMax } from "../base/limits.ts";
import { stamp, stampsPerMillisecond } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { contentTypeBytesMax } from "./command.ts";

export const putOptionNames: readonly string[] = ["ttlMilliseconds", "contentType"];
export const rangeNames: readonly string[] = ["lower", "upper", "backward", "snapshot"];

/** What stands there, in words. */
export function found(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `the text ${JSON.stringify(value)}`;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return `the ${typeof value} ${value}`;
  }
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of class ${name}` : "an object";
}

export function checkBytes(bytes: unknown, what: string): void {
  if (bytes instanceof Uint8Array) return;
  const detail = `${what} is a Uint8Array (text: new TextEncoder().encode(…)), not ${found(bytes)}`;
  throw new TrefoilError("bad_request", detail);
}

export function checkKey(key: Uint8Array): void {
  checkBytes(key, "a key");
  if (key.length > 0 && key.length <= keyBytesMax) return;
  throw new TrefoilError("bad_key", `a key has 1 to ${keyBytesMax} bytes; this one has ${key.length}`);
}

export function checkFolderName(folder: unknown): void {
  if (typeof folder === "string" && folder !== "" && !folder.includes("\0")) return;
  const what = typeof folder === "string" ? JSON.stringify(folder) : found(folder);
  throw new TrefoilError("bad_request", `a folder is named by a path, not by ${what}`);
}

/** Whoever misspells an option is told so: it would change nothing. */
export function checkOptions(options: unknown, of: string, names: readonly string[]): void {
  const known = names.join(", ");
  if (typeof options !== "object" || options === null) {
    throw new TrefoilError("bad_request", `the options of ${of} are an object with ${known}, not ${found(options)}`);
  }
  for (const name in options) {
    if (!names.includes(name)) throw new TrefoilError("bad_request", `${of} has no option ${name}; there are ${known}`);
  }
}

export function contentTypeBytes(text: unknown): Uint8Array {
  if (typeof text !== "string") throw new TrefoilError("bad_request", `a content type is a text, not ${found(text)}`);
  const bytes = utf8(text);
  if (bytes.length <= contentTypeBytesMax) return bytes;
  const most = `the most is ${contentTypeBytesMax}`;
  throw new TrefoilError("bad_request", `the content type has ${bytes.length} bytes; ${most}`);
}

export function expiryOf(ttlMilliseconds: unknown, now: Stamp): Stamp {
  if (typeof ttlMilliseconds !== "number") {
    throw new TrefoilError("bad_ttl", `a ttl is a number of milliseconds, not ${found(ttlMilliseconds)}`);
  }
  if (!(ttlMilliseconds >= 1 && ttlMilliseconds <= ttlMillisecondsMax)) {
    throw new TrefoilError("bad_ttl", `a ttl is ${ttlBounds}; this one is ${ttlMilliseconds} ms`);
  }
  return stamp(now + Math.ceil(ttlMilliseconds * stampsPerMillisecond));
}
