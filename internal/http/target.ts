// The target of a request, as it came: where the query begins, and which key a path names. Nothing here goes through a URL
// parser, for those rewrite paths: a key is bytes.
//
//   /<key>            percent-decoded; raw slashes belong to it; it does not begin with "-/"
//   /-/kv/<key>       the same, for any key
//   /-/kv64/<base64url>
//
// Segments "." and ".." are refused, and so is a raw "\": parsers on the way would have rewritten them, and some will.

import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax } from "../base/limits.ts";
import { checkKey, keyTooLong } from "../node/request-rules.ts";
import { base64urlBytes, base64urlMistake, percentBytes } from "./percent.ts";

export interface Target {
  /** With its first slash. */
  readonly path: string;
  /** Behind the `?`; empty: none. */
  readonly query: string;
}

const kvPath = "/-/kv/";
const kv64Path = "/-/kv64/";
export const explainPath = "/-/explain/";
export const explain64Path = "/-/explain64/";
const ownPath = "/-/";

export function splitTarget(raw: string): Target {
  const target = raw.startsWith("/") ? raw : originForm(raw);
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? "" : target.slice(mark + 1);
  if (target.includes("#")) {
    throw new TrefoilError("bad_request", `a raw "#" does not belong in a request: write it as %23`);
  }
  if (path.includes("\\"))
    throw new TrefoilError("bad_key", String.raw`a raw "\" becomes a slash on the way: write it as %5C`);
  return { path, query };
}

/** The path alone, for whoever looks for a route; what is wrong with the target shows when it is split. */
export function pathOf(raw: string): string {
  const target = raw.startsWith("/") ? raw : (absoluteForm.exec(raw)?.[1] ?? "");
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return path === "" ? "/" : path;
}

const absoluteForm = /^https?:\/\/[^/?#]+(.*)$/i;

/** Clients of proxies send the whole address. */
function originForm(raw: string): string {
  const rest = absoluteForm.exec(raw)?.[1];
  if (rest === undefined) {
    throw new TrefoilError("bad_request", `a request names a path that begins with "/", not ${JSON.stringify(raw)}`);
  }
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** By its first letters, `/<key>`: neither `/` alone, with a query or without, nor `/-…`. */
export function isPlainKey(target: string): boolean {
  const second = target.charCodeAt(1);
  return target.length > 1 && target.charCodeAt(0) === slash && second !== dash && second !== questionMark;
}

/** Or a route of the service's own. */
export function namesKey(path: string): boolean {
  return !path.startsWith(ownPath) || path.startsWith(kvPath) || path.startsWith(kv64Path);
}

/** The key that a path names. Throws `bad_key`. */
export function keyOfPath(path: string): Uint8Array {
  if (path.startsWith(kvPath)) return plainKey(path, kvPath.length);
  if (path.startsWith(kv64Path)) return encodedKey(path, kv64Path.length);
  const key = plainKey(path, 1);
  if (key[0] !== dash || key[1] !== slash) return key;
  throw new TrefoilError(
    "bad_key",
    `a key that begins with "-/" is reached by ${kvPath}<key> or ${kv64Path}<base64url>`,
  );
}

const questionMark = 0x3f;
const dash = 0x2d;
const slash = 0x2f;

/** Three characters make a byte, at most. */
const keyCharactersMax = 3 * keyBytesMax;
const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** The key in path[from, end), percent-decoded. */
export function plainKey(path: string, from: number): Uint8Array {
  if (path.length - from > keyCharactersMax) throw keyTooLong(`more than ${keyBytesMax}`);
  if (dotSegment.test(path)) {
    const hint = `${kv64Path}<base64url of the key> reaches any key`;
    throw new TrefoilError("bad_key", `"." and ".." segments are rewritten by URL parsers on the way; ${hint}`);
  }
  return checkKey(percentBytes(path, from, path.length, "bad_key"));
}

/** The key in path[from, end), in base64url. */
export function encodedKey(path: string, from: number): Uint8Array {
  const text = path.slice(from);
  if (text.length > 2 * keyBytesMax) throw keyTooLong(`more than ${keyBytesMax}`);
  const key = base64urlBytes(text);
  if (key !== undefined) return checkKey(key);
  throw new TrefoilError("bad_key", `${JSON.stringify(text)} ${base64urlMistake(text)}`);
}
