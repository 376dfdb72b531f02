// What a message asks for, as a request to the coordinator: pure, or a refusal that says what would be right.

import { unreachable } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import { openCursor } from "../node/cursors.ts";
import {
  checkContentType,
  checkKey,
  checkPrefix,
  refuseFast,
  requestIdBytesMax,
  ttlOfMilliseconds,
  valueTooLarge,
} from "../node/request-rules.ts";
import type { Condition, GetRequest, ListRequest, ReadMode, TimeToLive, WriteRequest } from "../node/requests.ts";
import { bytesOf, consistency, decodeMessage, numberOf, requestTypes } from "./messages.ts";
import type {
  ConditionFields,
  DeleteMessage,
  GetMessage,
  PutMessage,
  ScanMessage,
  VersionMessage,
} from "./messages.ts";

export interface KvGet {
  readonly request: GetRequest;
  readonly withoutValue: boolean;
}

export function readGet(bytes: Uint8Array): KvGet {
  const message = decodeMessage(requestTypes.get, bytes) as GetMessage;
  const request = { key: keyOf(message), mode: modeOf(message) };
  return { request, withoutValue: message.withoutValue };
}

export function readPut(bytes: Uint8Array, valueBytesMax: number): WriteRequest {
  const message = decodeMessage(requestTypes.put, bytes) as PutMessage;
  const write = writeOf(message);
  const ttl = ttlOf(message);
  refuseFast(write.mode, write.condition, ttl);
  const value = bytesOf(message.value);
  if (value.length > valueBytesMax) throw valueTooLarge(value.length, valueBytesMax);
  return { kind: "put", ...write, value, contentType: checkContentType(message.contentType), ttl };
}

export function readDelete(bytes: Uint8Array): WriteRequest {
  const write = writeOf(decodeMessage(requestTypes.delete, bytes) as DeleteMessage);
  refuseFast(write.mode, write.condition, undefined);
  return { kind: "delete", ...write };
}

export interface KvScan {
  /** Of its first page; `limit` is the page's. */
  readonly request: Omit<ListRequest, "limit">;
  /** Records in all. */
  readonly limit: number;
}

export function readScan(bytes: Uint8Array): KvScan {
  const message = decodeMessage(requestTypes.scan, bytes) as ScanMessage;
  const { cursor, withValues } = message;
  const prefix = checkPrefix(bytesOf(message.prefix));
  const limit = numberOf(message.limit);
  const request = {
    prefix,
    cursor: cursor.length === 0 ? undefined : openCursor(bytesOf(cursor), prefix),
    withValues,
    mode: modeOf(message),
  };
  return { request, limit: limit === 0 ? Infinity : limit };
}

function keyOf({ key }: { readonly key: Uint8Array }): Uint8Array {
  return checkKey(bytesOf(key));
}

function modeOf(message: { readonly consistency: number }): ReadMode | undefined {
  switch (message.consistency) {
    case consistency.unspecified:
      return undefined;
    case consistency.fast:
      return "fast";
    case consistency.strong:
      return "strong";
    default: {
      const detail = `consistency is CONSISTENCY_FAST (1) or CONSISTENCY_STRONG (2), not ${message.consistency}`;
      throw new TrefoilError("bad_consistency", detail);
    }
  }
}

type Write = Pick<WriteRequest, "key" | "mode" | "condition" | "requestId">;

function writeOf(message: PutMessage | DeleteMessage): Write {
  const requestId = bytesOf(message.idempotencyKey);
  if (requestId.length > requestIdBytesMax) {
    const detail = `an idempotency key has 1 to ${requestIdBytesMax} bytes; this one has ${requestId.length}`;
    throw new TrefoilError("bad_request", detail);
  }
  return {
    key: keyOf(message),
    mode: modeOf(message),
    condition: conditionOf(message),
    requestId: requestId.length === 0 ? undefined : requestId,
  };
}

function conditionOf(fields: ConditionFields): Condition | undefined {
  const sent = theOneOf(fields, ["ifAbsent", "ifPresent", "ifVersion"], "condition");
  switch (sent) {
    case "ifAbsent":
      checkTrue(fields.ifAbsent, "if_absent");
      return { kind: "absent" };
    case "ifPresent":
      checkTrue(fields.ifPresent, "if_present");
      return { kind: "present" };
    case "ifVersion":
      return { kind: "version", version: versionOf(fields.ifVersion as VersionMessage) };
    case undefined:
      return undefined;
    default:
      return unreachable(sent, "a condition");
  }
}

function versionOf(message: VersionMessage): Version {
  const version = { term: term(numberOf(message.term)), index: logIndex(numberOf(message.index)) };
  if (Number.isSafeInteger(version.term) && Number.isSafeInteger(version.index)) return version;
  const sent = `${message.term.toString()}.${message.index.toString()}`;
  throw new TrefoilError("bad_request", `if_version is one that an answer gave, not ${sent}`);
}

function ttlOf(message: PutMessage): TimeToLive {
  const sent = theOneOf(message, ["ttlMs", "keepTtl"], "expiry");
  switch (sent) {
    case "ttlMs": {
      const milliseconds = message.ttlMs ?? 0;
      return ttlOfMilliseconds(numberOf(milliseconds), `${milliseconds.toString()} ms`);
    }
    case "keepTtl":
      checkTrue(message.keepTtl, "keep_ttl");
      return { kind: "keep" };
    case undefined:
      return { kind: "none" };
    default:
      return unreachable(sent, "an expiry");
  }
}

/** Which member of a oneof was sent. Well-behaved clients cannot send two. */
function theOneOf<Name extends string>(message: object, names: readonly Name[], oneof: string): Name | undefined {
  const sent = names.filter((name) => Object.hasOwn(message, name));
  if (sent.length <= 1) return sent[0];
  throw new TrefoilError("bad_request", `there is more than one ${oneof}: ${sent.join(", ")}`);
}

function checkTrue(flag: boolean | undefined, name: string): void {
  if (flag !== true) throw new TrefoilError("bad_request", `${name} is true, or is left out`);
}
