// The conditions of a write, and its name for retries, as headers.

import { TrefoilError } from "../../../internal/base/errors.ts";

export interface WriteOptions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: boolean;
  readonly idempotencyKey?: string;
}

export function conditionHeaders({ ifMatch, ifNoneMatch, idempotencyKey }: WriteOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  if (ifMatch !== undefined) headers["If-Match"] = tagOf(ifMatch);
  if (ifNoneMatch === true) headers["If-None-Match"] = "*";
  if (idempotencyKey !== undefined) headers["Idempotency-Key"] = printable(idempotencyKey, "--idempotency-key");
  return headers;
}

/** A version with or without its quotes. */
function tagOf(text: string): string {
  if (text === "*") return text;
  const version = /^"?(\d{1,16}\.\d{1,16})"?$/.exec(text)?.[1];
  if (version !== undefined) return `"${version}"`;
  throw new TrefoilError("bad_request", `--if-match takes a version such as 7.41, or *, not ${JSON.stringify(text)}`);
}

/** What may stand in a header. */
export function printable(text: string, option: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new TrefoilError("bad_request", `${option} takes printable ASCII characters, not ${JSON.stringify(text)}`);
}
