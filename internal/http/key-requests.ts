// Requests for one key: what method, target and headers ask for, as a request to the coordinator and what the answer has to
// look like. Pure, so that whoever takes a request off the wire shares it.

import { TrefoilError } from "../base/errors.ts";
import { refuseFast, valueTooLarge } from "../node/request-rules.ts";
import type { Condition, GetRequest, TimeToLive, WriteMode, WriteRequest } from "../node/requests.ts";
import { readEnvelope } from "./envelope.ts";
import { envelopeBytesMax } from "./limits.ts";
import { consistencyOf, flagOf, timeoutOf, ttlOf } from "./parameters.ts";
import { deleteCondition, writeCondition } from "./preconditions.ts";
import { readQuery } from "./query.ts";
import {
  accepts,
  contentTypeOf,
  formType,
  mediaType,
  prefersMinimal,
  recordType,
  refusePartialBodies,
  requestIdOf,
} from "./request-headers.ts";
import type { RequestHeaders } from "./request-headers.ts";

const getParameters: readonly string[] = ["consistency", "timeout"];
const putParameters: readonly string[] = ["ttl", "consistency", "timeout", "raw"];
const deleteParameters: readonly string[] = ["consistency", "timeout"];

/** What came over the wire, but for the body. */
export interface Asked {
  readonly key: Uint8Array;
  readonly query: string;
  readonly headers: RequestHeaders;
}

export interface KeyGet {
  readonly request: GetRequest;
  readonly timeoutMilliseconds: number;
  readonly headers: RequestHeaders;
  /** As JSON with all that is known of it, instead of the bytes alone. */
  readonly asRecord: boolean;
  /** HEAD is told what GET would be, and knows no ranges. */
  readonly isHead: boolean;
}

export function readGet({ key, query, headers }: Asked, isHead: boolean): KeyGet {
  const parameters = readQuery(query, getParameters);
  const mode = consistencyOf(parameters.text("consistency"));
  const timeoutMilliseconds = timeoutOf(parameters.text("timeout"));
  return { request: { key, mode }, timeoutMilliseconds, headers, asRecord: accepts(headers, recordType), isHead };
}

/** Everything of a write but its body. */
export interface KeyWrite {
  readonly key: Uint8Array;
  readonly mode: WriteMode | undefined;
  readonly condition: Condition | undefined;
  readonly requestId: Uint8Array | undefined;
  readonly timeoutMilliseconds: number;
  readonly minimal: boolean;
}

export interface KeyPut extends KeyWrite {
  /** As the query gives it; undefined: it gives none. */
  readonly ttl: TimeToLive | undefined;
  readonly contentType: string;
  readonly envelope: "never" | "perhaps" | "always";
  /** Of the value, and of the body, which may be an envelope of it. */
  readonly valueBytesMax: number;
  readonly bodyBytesMax: number;
}

export function readPut({ key, query, headers }: Asked, valueBytesMax: number): KeyPut {
  refusePartialBodies(headers);
  const parameters = readQuery(query, putParameters);
  const ttlText = parameters.text("ttl");
  const contentType = contentTypeOf(headers);
  const envelope = flagOf("raw", parameters.text("raw")) ? "never" : envelopeOf(contentType);
  const put: KeyPut = {
    key,
    mode: consistencyOf(parameters.text("consistency")),
    condition: writeCondition(headers),
    requestId: requestIdOf(headers),
    timeoutMilliseconds: timeoutOf(parameters.text("timeout")),
    minimal: prefersMinimal(headers),
    ttl: ttlText === undefined ? undefined : ttlOf(ttlText),
    contentType,
    envelope,
    valueBytesMax,
    bodyBytesMax: envelope === "never" ? valueBytesMax : envelopeBytesMax(valueBytesMax),
  };
  refuseFast(put.mode, put.condition, put.ttl);
  return put;
}

export function readDelete({ key, query, headers }: Asked): KeyWrite {
  const parameters = readQuery(query, deleteParameters);
  const asked: KeyWrite = {
    key,
    mode: consistencyOf(parameters.text("consistency")),
    condition: deleteCondition(headers),
    requestId: requestIdOf(headers),
    timeoutMilliseconds: timeoutOf(parameters.text("timeout")),
    minimal: prefersMinimal(headers),
  };
  refuseFast(asked.mode, asked.condition, undefined);
  return asked;
}

export function deleteRequest({ key, mode, condition, requestId }: KeyWrite): WriteRequest {
  return { kind: "delete", key, mode, condition, requestId };
}

export interface UnwrappedPut {
  readonly request: WriteRequest;
  readonly unwrapped: boolean;
  /** For whoever may have meant an envelope, and has sent none. */
  readonly note: string | undefined;
}

/** With the body, which the request keeps. */
export function putRequest(put: KeyPut, body: Uint8Array): UnwrappedPut {
  const { key, mode, condition, requestId, valueBytesMax } = put;
  const stored = valueOf(put, body);
  if (stored.value.length > valueBytesMax) throw valueTooLarge(stored.value.length, valueBytesMax);
  if (stored.ttl !== put.ttl) refuseFast(mode, condition, stored.ttl);
  const { value, contentType, unwrapped, note } = stored;
  const ttl = stored.ttl ?? { kind: "none" };
  return { request: { kind: "put", key, mode, condition, requestId, value, contentType, ttl }, unwrapped, note };
}

interface StoredValue {
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly ttl: TimeToLive | undefined;
  readonly unwrapped: boolean;
  readonly note: string | undefined;
}

function valueOf({ envelope, contentType, ttl }: KeyPut, body: Uint8Array): StoredValue {
  // What curl says of any body is not worth keeping.
  const rawType = mediaType(contentType) === formType ? "application/octet-stream" : contentType;
  const raw = { value: body, contentType: rawType, ttl, unwrapped: false, note: undefined };
  if (envelope === "never") return raw;
  const read = readEnvelope(body);
  if ("why" in read) {
    const { why, note } = read;
    if (envelope === "perhaps") return note === undefined ? raw : { ...raw, note: `stored as it is: ${note}` };
    const detail = `a body of type ${recordType} is {"value": …, "ttl": …}, and ${why}; ?raw=1 stores it as it is`;
    throw new TrefoilError("bad_request", detail);
  }
  if (read.ttl !== undefined && ttl !== undefined) {
    throw new TrefoilError("bad_ttl", "the ttl stands in the query and in the envelope: leave one out");
  }
  return { value: read.value, contentType: read.contentType, ttl: read.ttl ?? ttl, unwrapped: true, note: undefined };
}

function envelopeOf(contentType: string): KeyPut["envelope"] {
  const type = mediaType(contentType);
  if (type === formType) return "perhaps";
  return type === recordType ? "always" : "never";
}
