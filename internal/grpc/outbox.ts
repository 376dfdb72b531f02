// What waits for one stream, and how it is cut into frames.
//
//   urgent    [hb][ack]                    ->  frame: [hb][ack][append .....][answer][request, first part]
//   ordinary  [append .....][answer][request .................]
//                                          ->  frame: [hb of the next turn][request, the rest]
//
// Whatever is urgent leads the frame; the ordinary keeps its order. Only the first of the ordinary can be in parts, so the
// receiver puts together one message at a time. Bounded in bytes, for each kind apart: answers are not kept out by
// appends, nor heartbeats by anything.

import { assert } from "../base/assert.ts";
import { frameBytesMax, messageBytesMax, urgentBytesMax } from "../platform/network.ts";
import { Fifo } from "./fifo.ts";
import { kind, pieceBytesLeast, type Kind, type Part } from "./peer-protocol.ts";

export interface OutboxLimits {
  readonly urgentBytesMax: number;
  readonly messageBytesMax: number;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
}

/** A request as the outbox sees it. */
export interface QueuedRequest {
  readonly number: number;
  readonly payload: Uint8Array;
  readonly trace: string;
  /** On the monotonic clock. */
  readonly deadline: number;
  /** Set when the first byte of it has left: from then on nobody can say that it did nothing. */
  isBegun: boolean;
}

interface Waiting {
  readonly kind: Kind;
  readonly number: number | undefined;
  readonly payload: Uint8Array;
  readonly request: QueuedRequest | undefined;
}

/** Most bytes of a part beside payload and trace. */
const partBytes = 40;
const payloadBytesMax = frameBytesMax - 64;

export class Outbox {
  private readonly limits: OutboxLimits;
  private readonly urgent = new Fifo<Waiting>();
  private readonly ordinary = new Fifo<Waiting>();
  /** Bytes of the first of the ordinary that have left. */
  private sent = 0;
  private urgentBytes = 0;
  private messageBytes = 0;
  private requestBytes = 0;
  private answerBytes = 0;

  constructor(limits: OutboxLimits) {
    this.limits = limits;
  }

  get isEmpty(): boolean {
    return this.urgent.length === 0 && this.ordinary.length === 0;
  }

  /** Bytes that wait, with what each costs beside its payload. */
  get bytes(): number {
    return this.urgentBytes + this.messageBytes + this.requestBytes + this.answerBytes;
  }

  /** False: there is no room. */
  addUrgent(what: Kind, payload: Uint8Array, number?: number): boolean {
    assert(payload.length <= urgentBytesMax, "too large to be urgent", { bytes: payload.length });
    const bytes = payload.length + partBytes;
    if (this.urgentBytes + bytes > this.limits.urgentBytesMax) return false;
    this.urgentBytes += bytes;
    this.urgent.push({ kind: what, number, payload, request: undefined });
    return true;
  }

  addMessage(payload: Uint8Array): boolean {
    const bytes = sizeOf(payload);
    if (this.messageBytes + bytes > this.limits.messageBytesMax) return false;
    this.messageBytes += bytes;
    this.ordinary.push({ kind: kind.message, number: undefined, payload, request: undefined });
    return true;
  }

  addRequest(request: QueuedRequest): boolean {
    const bytes = sizeOf(request.payload);
    if (this.requestBytes + bytes > this.limits.requestBytesMax) return false;
    this.requestBytes += bytes;
    this.ordinary.push({ kind: kind.request, number: request.number, payload: request.payload, request });
    return true;
  }

  addAnswer(number: number, payload: Uint8Array): boolean {
    const bytes = sizeOf(payload);
    if (this.answerBytes + bytes > this.limits.answerBytesMax) return false;
    this.answerBytes += bytes;
    this.ordinary.push({ kind: kind.answer, number, payload, request: undefined });
    return true;
  }

  /** The parts of the next frame; none when nothing waits. `now` is the monotonic clock's. */
  pack(now: number): Part[] {
    const parts: Part[] = [];
    let room = this.packUrgent(parts);
    for (;;) {
      const first = this.ordinary.first();
      if (first === undefined) break;
      // Its asker was told, or is about to be, that nobody knows; to serve it would be wasted.
      if (first.request !== undefined && this.sent === 0 && first.request.deadline <= now) {
        this.dropFirst(first);
        continue;
      }
      const costs = partBytes + (first.request?.trace.length ?? 0);
      const left = first.payload.length - this.sent;
      const fits = left + costs <= room;
      if (!fits && room < pieceBytesLeast + costs) break;
      const taken = fits ? left : room - costs;
      parts.push(this.cut(first, taken, now));
      room -= taken + costs;
      this.sent += taken;
      if (!fits) break;
      this.dropFirst(first);
    }
    return parts;
  }

  private packUrgent(parts: Part[]): number {
    let room = payloadBytesMax;
    for (;;) {
      const first = this.urgent.first();
      if (first === undefined) return room;
      const bytes = first.payload.length + partBytes;
      if (bytes > room) return 0;
      room -= bytes;
      this.urgentBytes -= bytes;
      this.urgent.drop();
      parts.push(partOf(first.kind, first.number, first.payload));
    }
  }

  private cut(of: Waiting, taken: number, now: number): Part {
    const rest = of.payload.length - this.sent - taken;
    const isWhole = this.sent === 0 && rest === 0;
    const payload = isWhole ? of.payload : of.payload.subarray(this.sent, this.sent + taken);
    const { request } = of;
    if (request !== undefined) request.isBegun = true;
    const isFirst = this.sent === 0;
    return {
      kind: isFirst ? of.kind : kind.more,
      number: isFirst ? of.number : undefined,
      rest: rest === 0 ? undefined : rest,
      remainingMilliseconds: isFirst && request !== undefined ? Math.ceil(request.deadline - now) : undefined,
      trace: isFirst && request !== undefined && request.trace !== "" ? request.trace : undefined,
      payload,
    };
  }

  private dropFirst(first: Waiting): void {
    const bytes = sizeOf(first.payload);
    if (first.kind === kind.message) this.messageBytes -= bytes;
    else if (first.kind === kind.request) this.requestBytes -= bytes;
    else this.answerBytes -= bytes;
    this.sent = 0;
    this.ordinary.drop();
  }
}

function sizeOf(payload: Uint8Array): number {
  assert(payload.length <= messageBytesMax, "larger than any message", { bytes: payload.length });
  return payload.length + partBytes;
}

function partOf(what: Kind, number: number | undefined, payload: Uint8Array): Part {
  return { kind: what, number, rest: undefined, remainingMilliseconds: undefined, trace: undefined, payload };
}
