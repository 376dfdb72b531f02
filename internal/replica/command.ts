// What an entry of the log tells every replica to do. A command is one or more operations on keys that take effect
// together, or not at all: when the condition of one fails, none of them does.
//
//   command   := flags u8 | [ request ] | count varint | operation*
//   request   := id block (1-64 bytes) | stamp u64               when flags & 1: answered once, however often it is sent
//   operation := action u8 | modes u8 | keyLength u16 | key
//                | [ term u64 | index u64 ]                      when the condition names a version
//                | [ expiry u64 ]                                when the expiry is absolute
//                | [ bodyLength u32 | body ]                     put: the payload; append: bytes; increment: a decimal number
//   modes     := condition | expiry << 3 | wantsPrevious << 6
//   payload   := content type length u8 | content type | value   as the engine keeps it
//
// Keys carry the area byte of user records (areas.ts) in front, so that they are copied into the engine as they lie.
// Nothing in a command depends on who applies it, or when: time is the entry's stamp, expiry is absolute.

import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, readU16, readU32, readU64 } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import { keyBytesMax } from "../base/limits.ts";
import { neverExpires, stamp, stampMax } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { areaBytes, userArea } from "./areas.ts";
import { commandFault, recordPayloadBytesMax } from "./command-check.ts";
import { action, conditionKind, expiryMode } from "./command-words.ts";
import type { Action, ConditionKind, ExpiryMode } from "./command-words.ts";

export { action, conditionKind, expiryMode } from "./command-words.ts";

/** Kinds of entries; 0 and 1 are the Raft core's. */
export const commandKind = {
  operations: 2,
  merge: 3,
  load: 4,
  tick: 5,
  slots: 6,
  release: 7,
} as const;

export interface Operation {
  readonly action: Action;
  readonly key: Uint8Array;
  readonly condition: ConditionKind;
  /** When the condition names one. */
  readonly version?: Version | undefined;
  readonly expiry: ExpiryMode;
  /** When the mode is `at`. */
  readonly expiresAt?: Stamp | undefined;
  /** The answer carries what was there before. */
  readonly wantsPrevious: boolean;
  readonly body: Uint8Array;
}

/** Names one request: whoever asks for something else takes another id, or is told what the first was told, and nothing is done. */
export interface RequestId {
  readonly id: Uint8Array;
  /** Of its first try. */
  readonly stamp: Stamp;
}

export interface Command {
  readonly request: RequestId | undefined;
  readonly operations: readonly Operation[];
}

const emptyBody = new Uint8Array(0);

/** Whether all replicas can do it without reading: only such writes may be fast. */
export function isBlind(command: Command): boolean {
  return command.operations.length === 1 && command.operations.every(isBlindOperation);
}

export const isDeleteOnly = (command: Command): boolean =>
  command.operations.every((operation) => operation.action === action.delete);

function isBlindOperation(operation: Operation): boolean {
  const isWrite = operation.action === action.put || operation.action === action.delete;
  return (
    isWrite &&
    operation.condition === conditionKind.none &&
    operation.expiry !== expiryMode.keep &&
    !operation.wantsPrevious
  );
}

/** REQUIRES: commandFault has nothing to say. */
export function encodeCommand(command: Command, writer = new ByteWriter()): Uint8Array {
  const fault = commandFault(command);
  if (fault !== undefined) assert(false, "a command that no replica could apply", { detail: fault.detail });
  writer.u8(command.request === undefined ? 0 : requestFlag);
  if (command.request !== undefined) writer.block(command.request.id).u64(command.request.stamp);
  writer.varint(command.operations.length);
  for (const operation of command.operations) encodeOperation(writer, operation);
  return writer.finish();
}

/** Throws `corruption` for bytes that are no command. The result shares their memory. */
export function decodeCommand(bytes: Uint8Array, start = 0, end = bytes.length): Command {
  const reader = new ByteReader(bytes, "a command", start, end);
  const flags = reader.u8();
  if ((flags & ~requestFlag) !== 0) throw corruption(`a command with unknown flags ${flags}`);
  const request = flags === 0 ? undefined : decodeRequest(reader);
  const operations: Operation[] = [];
  for (let count = reader.varint(); count > 0; count--) operations.push(decodeOperation(reader));
  reader.expectEnd();
  const command = { request, operations };
  const fault = commandFault(command);
  if (fault !== undefined) throw corruption(fault.detail);
  return command;
}

export function decodeRequest(reader: ByteReader): RequestId {
  return { id: reader.block(), stamp: stamp(reader.u64()) };
}

/** Where the one blind operation of a command lies: the way of most writes, which makes no objects. */
export interface BlindSlot {
  isDelete: boolean;
  keyStart: number;
  keyEnd: number;
  bodyStart: number;
  bodyEnd: number;
  expiry: Stamp;
}

/** Fills the slot when bytes[start, end) is a command without request id of one blind operation; false otherwise. */
export function readBlind(bytes: Uint8Array, start: number, end: number, slot: BlindSlot): boolean {
  if (end - start < blindBytesMin || bytes[start] !== 0 || bytes[start + 1] !== 1) return false;
  const what = bytes[start + 2] as number;
  const modes = bytes[start + 3] as number;
  if (what > action.delete || (modes !== 0 && modes !== expiryMode.at << expiryShift)) return false;
  const keyLength = readU16(bytes, start + 4);
  slot.isDelete = what === action.delete;
  slot.keyStart = start + 6;
  slot.keyEnd = slot.keyStart + keyLength;
  let at = slot.keyEnd;
  // What decodeCommand does not take is no blind write either: it will say why.
  if (keyLength <= areaBytes || keyLength > keyBytesMax + areaBytes || bytes[slot.keyStart] !== userArea) return false;
  slot.expiry = neverExpires;
  if (modes !== 0) {
    if (at + 8 > end) return false;
    slot.expiry = stamp(readU64(bytes, at));
    if (slot.expiry === neverExpires || slot.expiry > stampMax) return false;
    at += 8;
  }
  slot.bodyStart = at;
  slot.bodyEnd = at;
  if (what === action.put) {
    if (at + 4 > end) return false;
    slot.bodyStart = at + 4;
    slot.bodyEnd = slot.bodyStart + readU32(bytes, at);
    if (slot.bodyEnd - slot.bodyStart > recordPayloadBytesMax) return false;
    if (slot.bodyStart + 1 + (bytes[slot.bodyStart] ?? 0) > slot.bodyEnd) return false;
  }
  return slot.bodyEnd === end;
}

const requestFlag = 1;
const expiryShift = 3;
const previousShift = 6;
const blindBytesMin = 6;

function encodeOperation(writer: ByteWriter, operation: Operation): void {
  const { key, condition, expiry, version, expiresAt, wantsPrevious, body } = operation;
  writer.u8(operation.action);
  writer.u8(condition | (expiry << expiryShift) | (wantsPrevious ? 1 << previousShift : 0));
  writer
    .u16(key.length + areaBytes)
    .u8(userArea)
    .bytes(key);
  if (version !== undefined) writer.u64(version.term).u64(version.index);
  if (expiresAt !== undefined) writer.u64(expiresAt);
  if (hasBody(operation.action)) writer.u32(body.length).bytes(body);
}

function decodeOperation(reader: ByteReader): Operation {
  const what = reader.u8();
  const modes = reader.u8();
  const condition = modes & 7;
  const expiry = (modes >> expiryShift) & 7;
  if (!isAction(what) || !isCondition(condition) || !isExpiryMode(expiry) || modes >> (previousShift + 1) !== 0) {
    throw corruption(`an operation of action ${what} with modes ${modes}`);
  }
  const keyLength = reader.u16();
  const key = reader.bytes(keyLength);
  if (key[0] !== userArea) throw corruption("an operation on a record of the group itself");
  const version =
    condition === conditionKind.version ? { term: term(reader.u64()), index: logIndex(reader.u64()) } : undefined;
  const expiresAt = expiry === expiryMode.at ? stamp(reader.u64()) : undefined;
  const body = hasBody(what) ? reader.bytes(reader.u32()) : emptyBody;
  const wantsPrevious = modes >> previousShift === 1;
  return { action: what, key: key.subarray(areaBytes), condition, version, expiry, expiresAt, wantsPrevious, body };
}

const hasBody = (what: Action): boolean => what === action.put || what === action.increment || what === action.append;
const isAction = (value: number): value is Action => value <= action.touch;
const isCondition = (value: number): value is ConditionKind => value <= conditionKind.version;
const isExpiryMode = (value: number): value is ExpiryMode => value <= expiryMode.keep;
