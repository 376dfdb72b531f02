// The messages of kv.proto, and how they come off the wire: strictly. A field that is not known, or is not of its type, is refused; what
// is left out has its default.

import protobuf from "protobufjs";
import { emptyBytes } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { kvFile, parseProto } from "./proto-files.ts";

/** 64 bits arrive as an object of two halves. */
export type WireNumber = number | { toNumber(): number; toString(): string };

export interface VersionMessage {
  readonly term: WireNumber;
  readonly index: WireNumber;
}

export interface GetMessage {
  readonly key: Uint8Array;
  readonly consistency: number;
  readonly withoutValue: boolean;
}

/** A member of a oneof is the message's own when it was sent. */
export interface ConditionFields {
  readonly ifAbsent?: boolean;
  readonly ifPresent?: boolean;
  readonly ifVersion?: VersionMessage;
}

export interface PutMessage extends ConditionFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly consistency: number;
  readonly ttlMs?: WireNumber;
  readonly keepTtl?: boolean;
  readonly idempotencyKey: Uint8Array;
}

export interface DeleteMessage extends ConditionFields {
  readonly key: Uint8Array;
  readonly consistency: number;
  readonly idempotencyKey: Uint8Array;
}

export interface ScanMessage {
  readonly prefix: Uint8Array;
  readonly cursor: Uint8Array;
  readonly limit: WireNumber;
  readonly withValues: boolean;
  readonly consistency: number;
}

const root = parseProto(kvFile, false);

function typeOf(name: string): protobuf.Type {
  return root.lookupType(`trefoil.v1.${name}`);
}

export const requestTypes = {
  get: typeOf("GetRequest"),
  put: typeOf("PutRequest"),
  delete: typeOf("DeleteRequest"),
  scan: typeOf("ScanRequest"),
} as const;

export const answerTypes = {
  get: typeOf("GetResponse"),
  write: typeOf("WriteResponse"),
  page: typeOf("ScanPage"),
  failure: typeOf("Failure"),
} as const;

export const consistency = { unspecified: 0, fast: 1, strong: 2 } as const;
export const durability = { synced: 1, buffered: 2 } as const;
export const role = { leader: 1, follower: 2, learner: 3 } as const;
export const outcome = { not_applied: 1, applied: 2, unknown: 3 } as const;

/** The receiver knows the message's shape. Throws `bad_request`. */
export function decodeMessage(type: protobuf.Type, bytes: Uint8Array): unknown {
  try {
    checkFields(type, protobuf.Reader.create(bytes), bytes.length);
    return type.decode(bytes);
  } catch (failure) {
    if (failure instanceof TrefoilError) throw failure;
    throw new TrefoilError("bad_request", `the request is no ${type.name}: its ${bytes.length} bytes do not decode`, {
      cause: failure,
    });
  }
}

export function encodeMessage(type: protobuf.Type, message: object): Uint8Array {
  return type.encode(message).finish();
}

/** Empty bytes are decoded as an empty list, which is no Uint8Array. */
export function bytesOf(field: Uint8Array): Uint8Array {
  return field.length === 0 ? emptyBytes : field;
}

export function numberOf(field: WireNumber): number {
  return typeof field === "number" ? field : field.toNumber();
}

/** protobufjs skips fields that it does not know, and reads one of the wrong type as something else. */
function checkFields(type: protobuf.Type, reader: protobuf.Reader, end: number): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    if (field === undefined) {
      const detail = `${type.name} has no field ${tag >>> 3} here; this node may be older than the client`;
      throw new TrefoilError("bad_request", detail);
    }
    const wireType = tag & 7;
    if (wireType !== wireTypeOf(field)) {
      throw new TrefoilError("bad_request", `field ${field.id} of ${type.name} is no ${field.type}`);
    }
    if (field.resolvedType instanceof protobuf.Type) checkFields(field.resolvedType, reader, messageEnd(reader));
    else reader.skipType(wireType);
  }
}

/** It may lie behind the end of what there is: then the reader throws when it comes there. */
function messageEnd(reader: protobuf.Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

const basicTypes: Readonly<Record<string, number>> = protobuf.types.basic;

function wireTypeOf({ type, resolvedType }: protobuf.Field): number {
  if (resolvedType instanceof protobuf.Type) return 2;
  return resolvedType === null ? (basicTypes[type] as number) : 0;
}
