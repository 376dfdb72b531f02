// Clients' requests on their way from one node to another, and their answers, as bytes.
//
//   request := kind u8 | epoch varint | group varint | body      epoch: of the map that the asker went by
//   get     := mode u8 | optional told | key block
//   write   := mode u8 | stamp u64 | what u8 | key block | condition | optional id block | [ ttl | type block | value block ]
//   list    := mode u8 | flags u8 | limit varint | bytes varint | prefix block | optional after block | optional told
//   view    := nothing
//   answer  := map | result u8 | body      map: optional block, when the answerer's is newer; result: done, again, failed
//   told    := newest version | optional committed version
//   optional x := 0 u8 | 1 u8 x            version := term varint | index varint
//
// What is asked is held against the bounds that edges keep: whoever serves it may rely on them, whatever another node has wrong.
// Bytes of values are views of the message that they came in.

import { unreachable } from "../base/assert.ts";
import { utf8, utf8Text } from "../base/bytes.ts";
import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption, errorCodes } from "../base/errors.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import { keyBytesMax, ttlMillisecondsMax } from "../base/limits.ts";
import type { GroupId } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { ScannedRecord } from "../replica/scan.ts";
import type {
  Again,
  GotValue,
  GroupAnswer,
  GroupGet,
  GroupList,
  GroupWrite,
  ListedPage,
  Matched,
  SeenReplica,
  WroteValue,
} from "./group-service.ts";
import { pageBytesMax } from "./pages.ts";
import { contentTypeBytesMax, requestIdBytesMax } from "./request-rules.ts";
import { listLimitMax } from "./requests.ts";
import type { Condition, ReadMode, Role, TimeToLive } from "./requests.ts";
import { typeBytes, typeText } from "./type-text.ts";
import {
  writeChoice,
  readChoice,
  readCount,
  readBlock,
  writeOptional,
  readOptional,
  writeVersion,
  readVersion,
  writeTold,
  readTold,
} from "./wire-fields.ts";

/** Above the kinds of peer-talk.ts. */
export const clientKind = { get: 16, write: 17, list: 18, view: 19 } as const;

export type ClientCall =
  | { readonly kind: "get"; readonly asked: GroupGet }
  | { readonly kind: "write"; readonly asked: GroupWrite }
  | { readonly kind: "list"; readonly asked: GroupList }
  | { readonly kind: "view" };

export interface AddressedCall {
  readonly epoch: number;
  readonly group: GroupId;
  readonly call: ClientCall;
}

const modes: readonly ReadMode[] = ["fast", "strong"];
const roles: readonly Role[] = ["leader", "follower", "learner"];
const outcomes: readonly Outcome[] = ["not_applied", "applied", "unknown"];
const agains: readonly Again[] = [
  "not_here",
  "not_leader",
  "no_leader",
  "no_quorum",
  "behind",
  "busy",
  "stopping",
  "moved",
];
const conditions: readonly Condition["kind"][] = ["absent", "present", "version"];
const ttls: readonly TimeToLive["kind"][] = ["none", "milliseconds", "keep"];
const codes = Object.keys(errorCodes) as readonly ErrorCode[];
const valuesFlag = 1;
const groupMax = 2 ** 32 - 1;

export function encodeCall({ epoch, group, call }: AddressedCall): Uint8Array {
  const writer = new ByteWriter(256).u8(clientKind[call.kind]).varint(epoch).varint(group);
  switch (call.kind) {
    case "get":
      writeChoice(writer, modes, call.asked.mode);
      writeOptional(writer, call.asked.after, writeTold);
      return writer.block(call.asked.key).finish();
    case "write":
      writeWrite(writer, call.asked);
      return writer.finish();
    case "list":
      writeChoice(writer, modes, call.asked.mode);
      writer
        .u8(call.asked.withValues ? valuesFlag : 0)
        .varint(call.asked.limit)
        .varint(call.asked.bytesMax)
        .block(call.asked.prefix);
      writeOptional(writer, call.asked.after, (to, after) => to.block(after));
      writeOptional(writer, call.asked.told, writeTold);
      return writer.finish();
    case "view":
      return writer.finish();
    default:
      return unreachable(call, "a call of a client");
  }
}

/** Throws `corruption` for bytes that are no call. */
export function decodeCall(bytes: Uint8Array): AddressedCall {
  const reader = new ByteReader(bytes, "a client's request from another node");
  const kind = reader.u8();
  const epoch = reader.varint();
  const group = groupId(readCount(reader, 0, groupMax));
  const call = readCall(reader, kind);
  reader.expectEnd();
  return { epoch, group, call };
}

function readCall(reader: ByteReader, kind: number): ClientCall {
  switch (kind) {
    case clientKind.get: {
      const mode = readChoice(reader, modes);
      const after = readOptional(reader, readTold);
      return { kind: "get", asked: { mode, after, key: readBlock(reader, 1, keyBytesMax) } };
    }
    case clientKind.write:
      return { kind: "write", asked: readWrite(reader) };
    case clientKind.list: {
      const mode = readChoice(reader, modes);
      const withValues = reader.u8() === valuesFlag;
      const limit = readCount(reader, 1, listLimitMax);
      const bytesMax = readCount(reader, 1, pageBytesMax);
      const prefix = readBlock(reader, 0, keyBytesMax);
      const after = readOptional(reader, (from) => readBlock(from, 0, keyBytesMax));
      const told = readOptional(reader, readTold);
      return { kind: "list", asked: { mode, withValues, limit, bytesMax, prefix, after, told } };
    }
    case clientKind.view:
      return { kind: "view" };
    default:
      throw corruption(`a client's request of the unknown kind ${kind}`);
  }
}

function writeWrite(writer: ByteWriter, { request, mode, stamp: firstTry }: GroupWrite): void {
  writeChoice(writer, modes, mode);
  writer
    .u64(firstTry)
    .u8(request.kind === "put" ? 1 : 0)
    .block(request.key);
  writeOptional(writer, request.condition, writeCondition);
  writeOptional(writer, request.requestId, (to, id) => to.block(id));
  if (request.kind === "delete") return;
  writeChoice(writer, ttls, request.ttl.kind);
  if (request.ttl.kind === "milliseconds") writer.varint(request.ttl.milliseconds);
  writer.block(typeBytes(request.contentType)).block(request.value);
}

function readWrite(reader: ByteReader): GroupWrite {
  const mode = readChoice(reader, modes);
  const firstTry = stamp(reader.u64());
  const isPut = reader.u8() === 1;
  const key = readBlock(reader, 1, keyBytesMax);
  const condition = readOptional(reader, readCondition);
  const requestId = readOptional(reader, (from) => readBlock(from, 1, requestIdBytesMax));
  if (!isPut) return { mode, stamp: firstTry, request: { kind: "delete", key, mode, condition, requestId } };
  const ttl = readTtl(reader);
  const contentType = typeText(readBlock(reader, 0, contentTypeBytesMax));
  const value = reader.block();
  return {
    mode,
    stamp: firstTry,
    request: { kind: "put", key, mode, condition, requestId, value, contentType, ttl },
  };
}

function writeCondition(writer: ByteWriter, condition: Condition): void {
  writeChoice(writer, conditions, condition.kind);
  if (condition.kind === "version") writeVersion(writer, condition.version);
}

function readCondition(reader: ByteReader): Condition {
  const kind = readChoice(reader, conditions);
  return kind === "version" ? { kind, version: readVersion(reader) } : { kind };
}

function readTtl(reader: ByteReader): TimeToLive {
  const kind = readChoice(reader, ttls);
  return kind === "milliseconds" ? { kind, milliseconds: readCount(reader, 1, ttlMillisecondsMax) } : { kind };
}

const result = { done: 0, again: 1, failed: 2 } as const;

type WriteValue<T> = (writer: ByteWriter, value: T) => void;
type ReadValue<T> = (reader: ByteReader) => T;

/** `newerMap`: what the asker does not have yet. */
export function encodeAnswer<T>(
  answer: GroupAnswer<T>,
  write: WriteValue<T>,
  newerMap: Uint8Array | undefined,
): Uint8Array {
  const writer = new ByteWriter(256);
  writeOptional(writer, newerMap, (to, map) => to.block(map));
  writer.u8(result[answer.kind]);
  switch (answer.kind) {
    case "done":
      write(writer, answer.value);
      return writer.finish();
    case "again":
      writeChoice(writer, agains, answer.why);
      writeOptional(writer, answer.leader, (to, leader) => to.block(utf8(leader)));
      return writer.finish();
    case "failed":
      writeChoice(writer.block(utf8(answer.code)), outcomes, answer.outcome);
      writer.block(utf8(answer.detail)).u8(answer.mayRepeat ? 1 : 0);
      writeOptional(writer, answer.version, writeVersion);
      return writer.finish();
    default:
      return unreachable(answer, "an answer");
  }
}

export interface DecodedAnswer<T> {
  readonly newerMap: Uint8Array | undefined;
  readonly answer: GroupAnswer<T>;
}

export function decodeAnswer<T>(bytes: Uint8Array, read: ReadValue<T>): DecodedAnswer<T> {
  const reader = new ByteReader(bytes, "another node's answer to a client");
  const newerMap = readOptional(reader, (from) => from.block());
  const answer = readAnswer(reader, read);
  reader.expectEnd();
  return { newerMap, answer };
}

function readAnswer<T>(reader: ByteReader, read: ReadValue<T>): GroupAnswer<T> {
  const kind = reader.u8();
  switch (kind) {
    case result.done:
      return { kind: "done", value: read(reader) };
    case result.again: {
      const why = readChoice(reader, agains);
      return { kind: "again", why, leader: readOptional(reader, (from) => nodeId(utf8Text(from.block()))) };
    }
    case result.failed: {
      // A later version may know more of them.
      const name = utf8Text(reader.block());
      const code = codes.find((known) => known === name) ?? "internal";
      const outcome = readChoice(reader, outcomes);
      const detail = utf8Text(reader.block());
      const mayRepeat = reader.u8() === 1;
      return { kind: "failed", code, outcome, detail, mayRepeat, version: readOptional(reader, readVersion) };
    }
    default:
      throw corruption(`an answer of the unknown kind ${kind}`);
  }
}

export function writeGot(writer: ByteWriter, { record, role, stalenessMilliseconds, applied, ahead }: GotValue): void {
  writeChoice(writer, roles, role);
  writeVersion(writer, applied);
  writeOptional(writer, ahead, writeVersion);
  writeOptional(writer, stalenessMilliseconds, (to, value) => to.varint(Math.ceil(value)));
  writeOptional(writer, record, (to, { version, contentType, expiresAt, value }) => {
    writeVersion(to, version);
    writeOptional(to, expiresAt, (deeper, at) => deeper.varint(at));
    to.block(typeBytes(contentType)).block(value);
  });
}

export function readGot(reader: ByteReader): GotValue {
  const role = readChoice(reader, roles);
  const applied = readVersion(reader);
  const ahead = readOptional(reader, readVersion);
  const stalenessMilliseconds = readOptional(reader, (from) => from.varint());
  const record = readOptional(reader, (from) => {
    const version = readVersion(from);
    const expiresAt = readOptional(from, (deeper) => deeper.varint());
    return { version, expiresAt, contentType: typeText(from.block()), value: from.block() };
  });
  return { role, stalenessMilliseconds, record, applied, ahead };
}

export function writeWrote(writer: ByteWriter, value: WroteValue): void {
  writeVersion(writer, value.version);
  writer
    .varint(value.acks)
    .varint(value.replicas)
    .u8(value.durability === "synced" ? 1 : 0);
  writeOptional(writer, value.expiresAt, (to, at) => to.varint(at));
  writeChoice(writer, roles, value.role);
}

export function readWrote(reader: ByteReader): WroteValue {
  const version = readVersion(reader);
  const acks = reader.varint();
  const replicas = reader.varint();
  const durability = reader.u8() === 1 ? "synced" : "buffered";
  const expiresAt = readOptional(reader, (from) => from.varint());
  return { version, acks, replicas, durability, expiresAt, role: readChoice(reader, roles) };
}

export function writePage(writer: ByteWriter, { records, hasMore, end, applied, ahead }: ListedPage): void {
  writer.u8(hasMore ? 1 : 0);
  writeVersion(writer, applied);
  writeOptional(writer, ahead, writeVersion);
  writeOptional(writer, end, (to, key) => to.block(key));
  writer.varint(records.length);
  for (const { key, version, expiry, payload } of records) {
    writer.block(key);
    writeVersion(writer, version);
    writer.varint(expiry);
    writeOptional(writer, payload, (to, bytes) => to.block(bytes));
  }
}

export function readPage(reader: ByteReader): ListedPage {
  const hasMore = reader.u8() === 1;
  const applied = readVersion(reader);
  const ahead = readOptional(reader, readVersion);
  const end = readOptional(reader, (from) => from.block());
  const records: ScannedRecord[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    const key = reader.block();
    const version = readVersion(reader);
    const expiry = stamp(reader.varint());
    const payload = readOptional(reader, (from) => from.block());
    records.push({ key, version, expiry: expiry === 0 ? neverExpires : expiry, payload });
  }
  return { records, hasMore, end, applied, ahead };
}

export function writeSeen(writer: ByteWriter, seen: SeenReplica): void {
  writeChoice(writer, roles, seen.role);
  writer
    .varint(seen.replica)
    .varint(seen.term)
    .varint(seen.commitIndex)
    .varint(seen.appliedIndex)
    .varint(seen.lastIndex)
    .u8(seen.hasQuorum ? 1 : 0);
  writeOptional(writer, seen.leader, (to, leader) => to.block(utf8(leader)));
  writer.varint(seen.matched.length);
  for (const { replica, index } of seen.matched) writer.varint(replica).varint(index);
  writer.varint(seen.disbeliefMilliseconds);
}

export function readSeen(reader: ByteReader): SeenReplica {
  const role = readChoice(reader, roles);
  const replica = replicaId(reader.varint());
  const [of, commitIndex, appliedIndex, lastIndex] = [
    reader.varint(),
    reader.varint(),
    reader.varint(),
    reader.varint(),
  ];
  const hasQuorum = reader.u8() === 1;
  const leader = readOptional(reader, (from) => nodeId(utf8Text(from.block())));
  const matched: Matched[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    matched.push({ replica: replicaId(reader.varint()), index: reader.varint() });
  }
  const disbeliefMilliseconds = reader.varint();
  const indexes = { commitIndex, appliedIndex, lastIndex };
  return { replica, role, term: of, ...indexes, hasQuorum, leader, matched, disbeliefMilliseconds };
}
