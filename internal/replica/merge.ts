// Commands that bring writes in from elsewhere: salvaged ones from a log that lost them, and copied ones from the group that
// owned their slot before. Each carries its version with it, and takes effect only where nothing newer is.
//
//   merge  := write
//   load   := since u64 | count varint | write*
//   write  := term u64 | index u64 | flags u8 | [ request, as in a command ] | expiry u64 | key block | payload block

import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { compareVersions, readVersion, writeVersion } from "./answer.ts";
import { foreignFault, loadFault } from "./command-check.ts";
import type { CommandFault } from "./command-check.ts";
import { decodeRequest } from "./command.ts";
import type { RequestId } from "./command.ts";

/** A blind write of another entry than the one that carries it. */
export interface ForeignWrite {
  readonly version: Version;
  readonly request: RequestId | undefined;
  readonly isDelete: boolean;
  readonly key: Uint8Array;
  readonly payload: Uint8Array;
  readonly expiry: Stamp;
}

/** Records of another group. */
export interface LoadCommand {
  /** An entry of this group's log: since then at the latest the slots of all the keys have been sealed. */
  readonly since: LogIndex;
  readonly writes: readonly ForeignWrite[];
}

/** What a merge does to the key that it names, where `present` is what lies there, tombstones included. */
export function judgeMerge(write: ForeignWrite, present: EngineRecord | undefined): "wins" | "loses" | "repeated" {
  if (present === undefined) return "wins";
  const order = compareVersions(write.version, present);
  if (order !== 0) return order > 0 ? "wins" : "loses";
  // One version is one write: two that differ are a broken invariant, not a tie.
  const isSame = present.tombstone === write.isDelete && equalBytes(present.payload, write.payload);
  assert(isSame, "two writes of one version", { term: write.version.term, index: write.version.index });
  return "repeated";
}

/** REQUIRES: foreignFault has nothing to say. */
export function encodeMerge(write: ForeignWrite): Uint8Array {
  assertWhole(foreignFault(write));
  const writer = new ByteWriter(64 + write.key.length + write.payload.length);
  writeForeign(writer, write);
  return writer.finish();
}

export function decodeMerge(bytes: Uint8Array, start = 0, end = bytes.length): ForeignWrite {
  const reader = new ByteReader(bytes, "a merge", start, end);
  const write = readForeign(reader);
  reader.expectEnd();
  throwFault(foreignFault(write));
  return write;
}

/** REQUIRES: loadFault has nothing to say. */
export function encodeLoad(load: LoadCommand): Uint8Array {
  assertWhole(loadFault(load));
  const writer = new ByteWriter(1024);
  writer.u64(load.since).varint(load.writes.length);
  for (const write of load.writes) writeForeign(writer, write);
  return writer.finish();
}

export function decodeLoad(bytes: Uint8Array, start = 0, end = bytes.length): LoadCommand {
  const reader = new ByteReader(bytes, "a load", start, end);
  const since = logIndex(reader.u64());
  const writes: ForeignWrite[] = [];
  for (let count = reader.varint(); count > 0; count--) writes.push(readForeign(reader));
  reader.expectEnd();
  const load = { since, writes };
  throwFault(loadFault(load));
  return load;
}

const deleteFlag = 1;
const requestFlag = 2;

function writeForeign(writer: ByteWriter, write: ForeignWrite): void {
  const { request } = write;
  writeVersion(writer, write.version);
  writer.u8((write.isDelete ? deleteFlag : 0) | (request === undefined ? 0 : requestFlag));
  if (request !== undefined) writer.block(request.id).u64(request.stamp);
  writer.u64(write.expiry).block(write.key).block(write.payload);
}

function readForeign(reader: ByteReader): ForeignWrite {
  const version = readVersion(reader);
  const flags = reader.u8();
  if ((flags & ~(deleteFlag | requestFlag)) !== 0) throw corruption(`${reader.what} with unknown flags ${flags}`);
  const request = (flags & requestFlag) === 0 ? undefined : decodeRequest(reader);
  const expiry = stamp(reader.u64());
  const key = reader.block();
  return { version, request, isDelete: (flags & deleteFlag) !== 0, key, payload: reader.block(), expiry };
}

function assertWhole(fault: CommandFault | undefined): void {
  assert(fault === undefined, "a write from elsewhere that no replica could apply", { detail: fault?.detail ?? "" });
}

function throwFault(fault: CommandFault | undefined): void {
  if (fault !== undefined) throw corruption(fault.detail);
}
