// Requests of one peer that this node serves. A bounded number at a time; beyond it they are refused unread.

import { assert } from "../base/assert.ts";
import { emptyBytes } from "../base/bytes.ts";
import type { IncomingRequest } from "../platform/network.ts";
import type { FrameStream } from "./frame-stream.ts";
import type { Received } from "./inbox.ts";
import { kind } from "./peer-protocol.ts";

export interface ServedParts {
  readonly requestsMax: number;
  hand(request: IncomingRequest): void;
  /** The stream that an answer goes on now; undefined: the peer is gone. */
  way(): FrameStream | undefined;
}

export class ServedRequests {
  private readonly parts: ServedParts;
  private serving = 0;
  /** Grows when the peer is lost: whoever asked before does not listen any more. */
  private era = 0;

  constructor(parts: ServedParts) {
    this.parts = parts;
  }

  take(received: Received): void {
    if (this.serving >= this.parts.requestsMax) {
      this.say(received.number, kind.refusal);
      return;
    }
    this.serving++;
    this.parts.hand(new ServedRequest(received, this, this.era));
  }

  /** The peer is lost, and nobody waits for answers. */
  forget(): void {
    this.era++;
    this.serving = 0;
  }

  /** Undefined: refused. */
  answer(number: number, era: number, payload: Uint8Array | undefined): void {
    if (era !== this.era) return;
    this.serving--;
    if (payload === undefined) {
      this.say(number, kind.refusal);
      return;
    }
    const stream = this.parts.way();
    if (stream === undefined) return;
    if (stream.outbox.addAnswer(number, payload)) stream.wake();
    else this.say(number, kind.unsent);
  }

  private say(number: number, what: typeof kind.refusal | typeof kind.unsent): void {
    const stream = this.parts.way();
    // Without room even for this word the asker's deadline tells it.
    if (stream?.outbox.addUrgent(what, emptyBytes, number) === true) stream.wake();
  }
}

class ServedRequest implements IncomingRequest {
  readonly payload: Uint8Array;
  readonly remainingMilliseconds: number;
  readonly trace: string;
  private readonly number: number;
  private readonly served: ServedRequests;
  private readonly era: number;
  private isAnswered = false;

  constructor(received: Received, served: ServedRequests, era: number) {
    this.payload = received.payload;
    this.remainingMilliseconds = received.remainingMilliseconds;
    this.trace = received.trace;
    this.number = received.number;
    this.served = served;
    this.era = era;
  }

  answer(payload: Uint8Array): void {
    this.settle(payload);
  }

  refuse(): void {
    this.settle(undefined);
  }

  private settle(payload: Uint8Array | undefined): void {
    assert(!this.isAnswered, "a request that was answered already", { number: this.number });
    this.isAnswered = true;
    this.served.answer(this.number, this.era, payload);
  }
}
