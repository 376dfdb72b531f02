// The messages of proto/trefoil/v1/peer.proto. protobufjs compiles encoder and decoder from the file when the process
// starts, in about a millisecond; docs/adr/0005 says why nothing is generated beforehand.

import { emptyBytes } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";
import { protoFile } from "./proto-files.ts";

export const protocolVersions = { least: 1, most: 1 } as const;

/** A message in parts has at least this much in each but the last, so that it cannot come in millions. */
export const pieceBytesLeast = 4096;

export const purpose = { main: 1, bulk: 2, visit: 3 } as const;
export type Purpose = (typeof purpose)[keyof typeof purpose];

export const kind = { message: 1, request: 2, answer: 3, refusal: 4, unsent: 5, more: 6, ping: 7, pong: 8 } as const;
export type Kind = (typeof kind)[keyof typeof kind];

export interface Hello {
  readonly versionLeast: number;
  readonly versionMost: number;
  readonly cluster: string;
  readonly node: string;
  readonly life: number;
  readonly disk?: string;
  readonly wanted: string;
  readonly purpose: number;
}

/** Every field is set, so that all parts have one shape; what is undefined is not written. */
export interface Part {
  readonly kind: Kind;
  readonly number: number | undefined;
  readonly rest: number | undefined;
  readonly remainingMilliseconds: number | undefined;
  readonly trace: string | undefined;
  readonly payload: Uint8Array | undefined;
}

/** As decoded: numbers and texts that were not sent are 0 and "". */
export interface ReceivedPart {
  /** Not checked: it may be none that is known. */
  readonly kind: number;
  readonly number: number;
  readonly rest: number;
  readonly remainingMilliseconds: number;
  readonly trace: string;
  /** A view of the frame. */
  readonly payload: Uint8Array;
}

interface FrameFields {
  /** 64 bits arrive as an object of two halves. */
  readonly hello: (Omit<Hello, "life"> & { readonly life: number | { toNumber(): number } }) | null;
  readonly parts: readonly ReceivedPart[];
}

const frameType = protoFile("peer.proto").lookupType("trefoil.v1.Frame");

export function encodeHello(hello: Hello): Uint8Array {
  return frameType.encode({ hello }).finish();
}

export function encodeParts(parts: readonly Part[]): Uint8Array {
  return frameType.encode({ parts }).finish();
}

/** The parts of a frame that is no hello. Throws `corruption` for anything else. */
export function decodeParts(bytes: Uint8Array): readonly ReceivedPart[] {
  const { hello, parts } = decodeFrame(bytes);
  if (hello !== null) throw corruption("a frame: a second hello");
  return parts;
}

export function decodeHello(bytes: Uint8Array): Hello {
  const { hello, parts } = decodeFrame(bytes);
  if (hello === null || parts.length > 0) throw corruption("the first frame is not a hello");
  const life = typeof hello.life === "number" ? hello.life : hello.life.toNumber();
  if (!Number.isSafeInteger(life) || life < 1) throw corruption("a hello without the life of its process");
  const { versionLeast, versionMost, cluster, node, disk = "", wanted } = hello;
  return { versionLeast, versionMost, cluster, node, life, disk, wanted, purpose: hello.purpose };
}

/** Empty bytes are decoded as an empty list, which is no Uint8Array. */
export function payloadOf(part: ReceivedPart): Uint8Array {
  return part.payload.length === 0 ? emptyBytes : part.payload;
}

function decodeFrame(bytes: Uint8Array): FrameFields {
  try {
    return frameType.decode(bytes) as unknown as FrameFields;
  } catch (error) {
    throw corruption(`a frame of ${bytes.length} bytes does not decode`, error);
  }
}
