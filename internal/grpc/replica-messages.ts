// Messages between replicas as proto/trefoil/v1/replica.proto writes them. Names there are the names here, so a message is
// encoded as it is, but for four fields: entries travel as the log's records, unchanged when they have one already, writes
// as merges, a configuration as its entry's payload, and the type as a number.

import { emptyBytes } from "../base/bytes.ts";
import { TrefoilError, corruption } from "../base/errors.ts";
import { groupId, type GroupId } from "../base/ids.ts";
import { checkEntry, groupOf } from "../log/record.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import type { Entry } from "../raft/types.ts";
import { entryOf, recordOf } from "../replica/log-entries.ts";
import { decodeMerge, encodeMerge, type ForeignWrite } from "../replica/merge.ts";
import type { Addressed, MessageCodec } from "../replica/message-codec.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import protobuf from "protobufjs";
import { protoFile } from "./proto-files.ts";

type TypeName = ReplicaMessage["type"];
type FieldOf<Name extends TypeName> = Exclude<keyof Extract<ReplicaMessage, { type: Name }>, "type" | "from" | "to">;

/** In the order of their numbers in the proto file, from 1. */
const fieldsOf = {
  pre_vote: ["term", "lastIndex", "lastTerm", "configurationIndex"],
  pre_vote_answer: ["term", "isGranted", "isSticky", "isRemoved"],
  vote: ["term", "lastIndex", "lastTerm", "isTransfer"],
  vote_answer: ["term", "isGranted"],
  append: ["term", "hasQuorum", "previousIndex", "previousTerm", "entries", "commit"],
  append_accepted: ["term", "hasSalvage", "index", "isClockRefused"],
  append_rejected: ["term", "hasSalvage", "rejected", "hintIndex", "hintTerm"],
  heartbeat: ["term", "hasQuorum", "commit", "round"],
  heartbeat_answer: ["term", "hasSalvage", "round"],
  snapshot: ["term", "hasQuorum", "index", "snapshotTerm", "stamp", "configuration"],
  transfer_now: ["term", "lastIndex"],
  read: ["term", "context"],
  read_confirmed: ["term", "context", "commit", "last", "time"],
  read_refused: ["term", "context", "why"],
  salvage: ["writes", "isLeaving"],
  salvage_settled: ["fates", "isReleased"],
  keep_log: ["index"],
  log_full: [],
  tick_wanted: ["until"],
  chunk_request: ["index", "term", "after"],
  chunk: ["index", "term", "after", "bytes", "isLast"],
  chunk_refused: ["index", "term"],
} as const satisfies { readonly [Name in TypeName]: readonly FieldOf<Name>[] };

type Missing = { [Name in TypeName]: Exclude<FieldOf<Name>, (typeof fieldsOf)[Name][number]> }[TypeName];

// Does not compile when a field of a message is missing above.
const typeNames = Object.keys(fieldsOf satisfies [Missing] extends [never] ? object : never) as TypeName[];
const numberOf = new Map(typeNames.map((name, at) => [name, at + 1]));

const messageType = protoFile("replica.proto").lookupType("trefoil.v1.ReplicaMessage");

/** A message whose fields are as the proto file has them. */
type Wire = Record<string, unknown>;

export const replicaMessages: MessageCodec = {
  encode(group: GroupId, message: ReplicaMessage): Uint8Array {
    const { type, from, to } = message;
    const fields: Wire = message as unknown as Wire;
    // One by one: an object spread with something behind it costs ten times as much.
    const wire: Wire = { type: numberOf.get(type), group, from, to };
    for (const field of fieldsOf[type]) wire[field] = fields[field];
    if (message.type === "append") wire["entries"] = message.entries.map((entry) => recordOf(group, entry));
    else if (message.type === "snapshot") wire["configuration"] = encodeConfiguration(message.configuration);
    else if (message.type === "salvage") wire["writes"] = message.writes.map(encodeMerge);
    return messageType.encode(wire).finish();
  },

  decode(bytes: Uint8Array): Addressed {
    checkFields(bytes);
    try {
      const wire = messageType.decode(bytes) as unknown as Wire;
      const name = typeNames[numberIn(wire["type"]) - 1];
      if (name === undefined) throw corruption(`a message of type ${String(wire["type"])}`);
      const group = groupId(numberIn(wire["group"]));
      const message: Wire = { type: name, from: numberIn(wire["from"]), to: numberIn(wire["to"]) };
      for (const field of fieldsOf[name]) message[field] = read(field, wire[field], group);
      return { group, message: message as unknown as ReplicaMessage };
    } catch (error) {
      if (error instanceof TrefoilError) throw error;
      throw corruption(`${bytes.length} bytes are no message of a replica`, error);
    }
  },
};

/**
 * Entries, writes and fates take more bytes than this each: whoever sends millions of empty ones is refused before they are objects.
 * What is no message is met when it is decoded.
 */
function checkFields(bytes: Uint8Array): void {
  const fieldsMax = 64 + bytes.length / 8;
  const reader = protobuf.Reader.create(bytes);
  try {
    for (let fields = 1; reader.pos < reader.len; fields++) {
      if (fields > fieldsMax) throw corruption(`a message of ${bytes.length} bytes with more than ${fields} fields`);
      reader.skipType(reader.uint32() & 7);
    }
  } catch (error) {
    if (error instanceof TrefoilError) throw error;
    throw corruption(`${bytes.length} bytes are no message of a replica`, error);
  }
}

type Field = (typeof fieldsOf)[TypeName][number];

type Reader = (value: unknown, group: GroupId) => unknown;

/** protobufjs has seen to it that these are what they should be. */
const asItIs: Reader = (value) => value;
/** Absent bytes are decoded as an empty list. */
const asBytes: Reader = (value) => ((value as Uint8Array).length === 0 ? emptyBytes : value);

/** All other fields are numbers. */
const readers: { readonly [Name in Field]?: Reader } = {
  entries: (value, group) => (value as Uint8Array[]).map((bytes) => readEntry(bytes, group)),
  writes: (value) => (value as Uint8Array[]).map((bytes): ForeignWrite => decodeMerge(bytes)),
  configuration: (value) => decodeConfiguration(value as Uint8Array),
  fates: (value) => (value as Wire[]).map(readFate),
  after: asBytes,
  bytes: asBytes,
  why: asItIs,
  hasQuorum: asItIs,
  hasSalvage: asItIs,
  isClockRefused: asItIs,
  isGranted: asItIs,
  isSticky: asItIs,
  isRemoved: asItIs,
  isTransfer: asItIs,
  isLast: asItIs,
  isLeaving: asItIs,
  isReleased: asItIs,
};

function read(field: Field, value: unknown, group: GroupId): unknown {
  const reader = readers[field];
  return reader === undefined ? numberIn(value) : reader(value, group);
}

function readFate({ version, mergedAt }: Wire): Wire {
  return { version: readVersion(version), mergedAt: readVersion(mergedAt) };
}

function readEntry(bytes: Uint8Array, group: GroupId): Entry {
  checkEntry(bytes, 0, bytes.length, "an append");
  if (groupOf(bytes, 0) !== group)
    throw corruption(`an append to group ${group} with an entry of ${groupOf(bytes, 0)}`);
  return entryOf({ bytes, start: 0, end: bytes.length });
}

function readVersion(value: unknown): { readonly term: number; readonly index: number } {
  const { term, index } = value as Wire;
  return { term: numberIn(term), index: numberIn(index) };
}

/** 64 bits arrive as an object of two halves. */
interface Long {
  toNumber(): number;
}

function numberIn(value: unknown): number {
  const number = typeof value === "object" && value !== null ? (value as Long).toNumber() : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw corruption("a message with a number above 2^53");
}
