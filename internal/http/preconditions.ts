// Versions as entity tags, and the conditions that requests make of them.
//
//   ETag: "<term>.<index>"
//
// Of a write, a condition is carried out where it is applied; of a read it is judged here, on the record that was read.

import { TrefoilError } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { Condition } from "../node/requests.ts";
import { headerOf } from "./request-headers.ts";
import type { RequestHeaders } from "./request-headers.ts";

export function versionText(version: Version): string {
  return `${version.term}.${version.index}`;
}

export function entityTag(version: Version): string {
  return `"${version.term}.${version.index}"`;
}

export function writeCondition(headers: RequestHeaders): Condition | undefined {
  const match = headerOf(headers, "if-match");
  const noneMatch = headerOf(headers, "if-none-match");
  if (match === undefined && noneMatch === undefined) return undefined;
  if (match !== undefined && noneMatch !== undefined) {
    throw new TrefoilError("bad_request", "If-Match and If-None-Match do not go together");
  }
  if (noneMatch === "*") return { kind: "absent" };
  if (noneMatch !== undefined) {
    throw new TrefoilError("bad_request", `If-None-Match of a write is *, which creates only, not ${shown(noneMatch)}`);
  }
  const wanted = match as string;
  if (wanted === "*") return { kind: "present" };
  const version = versionOfTag(wanted);
  if (version !== undefined) return { kind: "version", version };
  const detail = `If-Match of a write is * or one version as ETag gives it, "<term>.<index>", not ${shown(wanted)}`;
  throw new TrefoilError("bad_request", detail);
}

/** Of a DELETE: one that asks for nothing to be there has nothing to do. */
export function deleteCondition(headers: RequestHeaders): Condition | undefined {
  const condition = writeCondition(headers);
  if (condition?.kind !== "absent") return condition;
  const detail =
    "If-None-Match: * creates only, and a DELETE creates nothing: leave it out, or say with If-Match what is to go";
  throw new TrefoilError("bad_request", detail);
}

export type ReadVerdict = "send" | "not_modified" | "failed";

/** What to do with a record of this version; undefined: there is none. */
export function readVerdict(headers: RequestHeaders, version: Version | undefined): ReadVerdict {
  const match = headerOf(headers, "if-match");
  if (match !== undefined && !names(match, version, false)) return "failed";
  const noneMatch = headerOf(headers, "if-none-match");
  return noneMatch !== undefined && names(noneMatch, version, true) ? "not_modified" : "send";
}

/** Whether a part of the value may be sent: `If-Range` asks for the whole of another version. */
export function rangeApplies(headers: RequestHeaders, version: Version): boolean {
  const wanted = headerOf(headers, "if-range");
  return wanted === undefined || wanted === entityTag(version);
}

/** Whether a list of entity tags names the version. */
function names(list: string, version: Version | undefined, weakCounts: boolean): boolean {
  if (version === undefined) return false;
  if (list === "*") return true;
  const tag = entityTag(version);
  for (const match of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (match[2] === tag && (weakCounts || match[1] === undefined)) return true;
  }
  return false;
}

function versionOfTag(text: string): Version | undefined {
  const match = /^"(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})"$/.exec(text);
  if (match === null) return undefined;
  const version = { term: term(Number(match[1])), index: logIndex(Number(match[2])) };
  return Number.isSafeInteger(version.term) && Number.isSafeInteger(version.index) ? version : undefined;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
