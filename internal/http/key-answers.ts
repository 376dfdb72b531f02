// Answers about one key: what the coordinator says, as status, headers and body. Each tells what was really delivered, a
// refusal because of what was read as well.

import { TrefoilError } from "../base/errors.ts";
import type { GroupId } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import { GroupRefusal } from "../node/failure.ts";
import type { GetAnswer, Served, StoredRecord, WriteAnswer } from "../node/requests.ts";
import type { Answer } from "./answer.ts";
import type { KeyGet, KeyWrite, UnwrappedPut } from "./key-requests.ts";
import { entityTag, rangeApplies, readVerdict, versionText } from "./preconditions.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import { readRange } from "./range.ts";
import { expiryText, recordText, shownType } from "./records.ts";
import { headerOf, mediaType, recordType } from "./request-headers.ts";

const noBytes = "";

/** What a request is called in a problem document: asked for only when there is one. */
export interface Named {
  readonly requestId: string;
}

export function getAnswer(asked: KeyGet, given: GetAnswer, named: Named): Answer {
  const { record } = given;
  const headers = servedHeaders(given.served);
  if (given.served.consistency === "fast") headers.push("Trefoil-Staleness-Ms", stalenessText(given));
  const verdict = readVerdict(asked.headers, record?.version);
  if (verdict === "failed") {
    const present =
      record === undefined ? "there is nothing under the key" : `its version is ${versionText(record.version)}`;
    if (record !== undefined) headers.push("ETag", entityTag(record.version));
    const failure = new TrefoilError("precondition_failed", `If-Match does not hold: ${present}`);
    return problemAnswer(problemOf(failure, named.requestId), headers);
  }
  if (record === undefined) {
    const failure = new TrefoilError("not_found", "there is nothing under the key, or it has expired");
    return problemAnswer(problemOf(failure, named.requestId), headers);
  }
  headers.push("ETag", entityTag(record.version));
  if (record.expiresAt !== undefined) headers.push("Trefoil-Expires-At", expiryText(record.expiresAt));
  if (verdict === "not_modified") return { status: 304, headers, body: noBytes };
  if (asked.asRecord) {
    headers.push("Content-Type", recordType, "Vary", "Accept");
    return { status: 200, headers, body: `${recordText(asked.request.key, record, record.value)}\n` };
  }
  return valueAnswer(asked, record, headers, named);
}

/** The bytes, or a part of them. */
function valueAnswer(asked: KeyGet, record: StoredRecord, headers: string[], named: Named): Answer {
  const { value, version } = record;
  const isPart = !asked.isHead && rangeApplies(asked.headers, version);
  const verdict = readRange(isPart ? headerOf(asked.headers, "range") : undefined, value.length);
  if (verdict.kind === "refused") {
    headers.push("Content-Range", `bytes */${value.length}`);
    return problemAnswer(problemOf(new TrefoilError("bad_range", verdict.detail), named.requestId), headers);
  }
  pushType(headers, record.contentType);
  if (verdict.kind === "whole") return { status: 200, headers, body: value };
  const { start, end } = verdict;
  headers.push("Content-Range", `bytes ${start}-${end - 1}/${value.length}`);
  return { status: 206, headers, body: value.subarray(start, end) };
}

/** What a browser would run gets an origin of its own, apart from the pages of this node. */
const runnable = /html|xml|svg|pdf/;

function pushType(headers: string[], contentType: string): void {
  headers.push("Content-Type", shownType(contentType));
  if (runnable.test(mediaType(contentType))) {
    headers.push("Content-Security-Policy", "sandbox", "X-Content-Type-Options", "nosniff");
  }
}

export function putAnswer(asked: KeyWrite, given: WriteAnswer, { unwrapped, note }: UnwrappedPut): Answer {
  const headers = writtenHeaders(given);
  if (given.expiresAt !== undefined) headers.push("Trefoil-Expires-At", expiryText(given.expiresAt));
  if (unwrapped) headers.push("Trefoil-Envelope", "unwrapped");
  if (asked.minimal) {
    headers.push("Preference-Applied", "return=minimal");
    return { status: 204, headers, body: noBytes };
  }
  headers.push("Content-Type", "application/json");
  const receipt = receiptText(given.served.group, given.version);
  const noted = note === undefined ? "" : `,"note":${JSON.stringify(note)}`;
  const body = `{"version":"${versionText(given.version)}","receipt":"${receipt}"${noted}}\n`;
  return { status: asked.condition?.kind === "absent" ? 201 : 200, headers, body };
}

export function deleteAnswer(given: WriteAnswer): Answer {
  return { status: 204, headers: writtenHeaders(given), body: noBytes };
}

function writtenHeaders(given: WriteAnswer): string[] {
  const headers = servedHeaders(given.served);
  headers.push(
    "ETag",
    entityTag(given.version),
    "Trefoil-Acks",
    `${given.acks}/${given.replicas}`,
    "Trefoil-Durability",
    given.durability,
    "Trefoil-Receipt",
    receiptText(given.served.group, given.version),
  );
  return headers;
}

function servedHeaders({ consistency, node, group, role }: Served): string[] {
  return [
    "Trefoil-Consistency",
    consistency,
    "Trefoil-Node",
    node,
    "Trefoil-Group",
    String(group),
    "Trefoil-Role",
    role,
  ];
}

/** What a refusal tells beside its problem document. */
export function refusalHeaders(failure: unknown): readonly string[] {
  if (!(failure instanceof GroupRefusal)) return [];
  const { present, entry } = failure;
  const { node, group, decided } = failure.place;
  const headers = ["Trefoil-Node", node, "Trefoil-Group", String(group)];
  if (decided !== undefined) headers.push("Trefoil-Consistency", decided.consistency, "Trefoil-Role", decided.role);
  if (present !== undefined) headers.push("ETag", entityTag(present));
  if (entry !== undefined) headers.push("Trefoil-Receipt", receiptText(group, entry));
  return headers;
}

function receiptText(group: GroupId, version: Version): string {
  return `${group}.${versionText(version)}`;
}

/** Rounded up: it is a bound. */
function stalenessText({ stalenessMilliseconds }: GetAnswer): string {
  return stalenessMilliseconds === undefined ? "unknown" : String(Math.ceil(stalenessMilliseconds));
}
