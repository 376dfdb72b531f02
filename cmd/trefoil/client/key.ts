// Keys on the command line, and the paths by which they are asked for.
//
//   users/42    /users/42
//   -/notes, a/../b, //x, bytes that are no UTF-8    /-/kv64/<base64url>: a path would be rewritten on the way, or means something else

import { utf8 } from "../../../internal/base/bytes.ts";
import { TrefoilError } from "../../../internal/base/errors.ts";
import { base64url, base64urlBytes, base64urlMistake, strictText } from "../../../internal/http/percent.ts";
import { checkKey } from "../../../internal/node/request-rules.ts";

/** What somebody typed; `is64`: in base64url. */
export function keyOf(text: string, is64: boolean): Uint8Array {
  return checkKey(bytesOf(text, is64));
}

/** Of a key, or of what keys begin with. */
export function bytesOf(text: string, is64: boolean): Uint8Array {
  if (!is64) return textBytes(text, "the key", "give it in base64url with --key64");
  const key = base64urlBytes(text);
  if (key !== undefined) return key;
  throw new TrefoilError("bad_key", `--key64: ${JSON.stringify(text)} ${base64urlMistake(text)}`);
}

/** Node turns bytes of an argument that are no UTF-8 into U+FFFD: what was meant can be known no more. */
export function textBytes(text: string, what: string, instead: string): Uint8Array {
  if (!/[\uFFFD\p{Surrogate}]/u.test(text)) return utf8(text);
  throw new TrefoilError(
    "bad_request",
    `${what} is no UTF-8, or holds U+FFFD, which cannot be told apart here: ${instead}`,
  );
}

export function keyPath(key: Uint8Array): string {
  const plain = plainPath(key);
  return plain === undefined ? `/-/kv64/${base64url(key)}` : `/${plain}`;
}

export function explainPath(key: Uint8Array): string {
  const plain = plainPath(key);
  return plain === undefined ? `/-/explain64/${base64url(key)}` : `/-/explain/${plain}`;
}

/** Undefined: a path does not carry it. */
function plainPath(key: Uint8Array): string | undefined {
  const text = strictText(key);
  if (text === undefined || text.startsWith("-/")) return undefined;
  const segments = text.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return undefined;
  return segments.map((segment) => encodeURIComponent(segment)).join("/");
}
