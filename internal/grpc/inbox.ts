// What arrives on one stream: frames of foreign bytes go in, whole messages come out. Everything that the other side
// could have wrong is `corruption`, thrown; the stream is then of no use any more.

import { concatBytes } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";
import { messageBytesMax } from "../platform/network.ts";
import { decodeParts, kind, payloadOf, pieceBytesLeast, type Kind, type ReceivedPart } from "./peer-protocol.ts";

/** A traceparent has 55 characters. */
export const traceLengthMax = 128;

export interface Received {
  readonly kind: Exclude<Kind, typeof kind.more>;
  readonly number: number;
  readonly remainingMilliseconds: number;
  readonly trace: string;
  /** Whole; a view of its frame when it came in one part. */
  readonly payload: Uint8Array;
}

export class Inbox {
  /** The first part of the message that is coming in parts. */
  private begun: ReceivedPart | undefined;
  private readonly pieces: Uint8Array[] = [];
  /** Bytes that are still to come of it. */
  private rest = 0;

  /** Hands each message of a frame that is whole now to `deliver`, in order. */
  take(frame: Uint8Array, deliver: (received: Received) => void): void {
    for (const part of decodeParts(frame)) {
      const whole = this.add(part);
      if (whole !== undefined) deliver(whole);
    }
  }

  private add(part: ReceivedPart): Received | undefined {
    const payload = payloadOf(part);
    if (part.kind === kind.more) return this.goOn(part, payload);
    const known = knownKind(part.kind);
    if (part.trace.length > traceLengthMax) throw corruption(`a frame: a trace of ${part.trace.length} characters`);
    if (part.rest === 0) return whole(part, known, payload);
    const total = payload.length + part.rest;
    if (this.begun !== undefined) throw corruption("a frame: a second message in parts before the first has ended");
    if (total > messageBytesMax) throw corruption(`a frame: a message of ${total} bytes`);
    if (payload.length < pieceBytesLeast || !mayBeInParts(known)) throw corruption(`a frame: kind ${known} in parts`);
    this.begun = part;
    this.pieces.push(payload);
    this.rest = part.rest;
    return undefined;
  }

  private goOn(part: ReceivedPart, payload: Uint8Array): Received | undefined {
    const { begun } = this;
    if (begun === undefined) throw corruption("a frame: more of a message that never began");
    const least = part.rest === 0 ? 1 : pieceBytesLeast;
    if (payload.length < least || payload.length + part.rest !== this.rest) {
      throw corruption(`a frame: ${payload.length} bytes and ${part.rest} to come, of ${this.rest}`);
    }
    this.pieces.push(payload);
    this.rest = part.rest;
    if (part.rest > 0) return undefined;
    const joined = concatBytes(this.pieces);
    this.pieces.length = 0;
    this.begun = undefined;
    return whole(begun, knownKind(begun.kind), joined);
  }
}

function whole(part: ReceivedPart, known: Received["kind"], payload: Uint8Array): Received {
  const { number, remainingMilliseconds, trace } = part;
  return { kind: known, number, remainingMilliseconds, trace, payload };
}

function mayBeInParts(known: Received["kind"]): boolean {
  return known === kind.message || known === kind.request || known === kind.answer;
}

function knownKind(value: number): Received["kind"] {
  if (value >= kind.message && value <= kind.pong && value !== kind.more) return value as Received["kind"];
  throw corruption(`a frame: a part of kind ${value}`);
}
