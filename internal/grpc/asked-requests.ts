// Requests to one peer that have no outcome yet. Each gets exactly one.

import type { RequestOptions, RequestOutcome } from "../platform/network.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { FrameStream } from "./frame-stream.ts";
import type { Received } from "./inbox.ts";
import type { QueuedRequest } from "./outbox.ts";
import { kind } from "./peer-protocol.ts";

/** How much later than its deadline a request may be told that it is late. */
const sweepMilliseconds = 20;

/**
 * Of all requests of a process: a link that begins anew uses none that the one before it used, so that an answer which comes late
 * is nobody's.
 */
export class RequestNumbers {
  private last = 0;

  next(): number {
    this.last = (this.last + 1) >>> 0;
    return this.last;
  }
}

export class AskedRequest implements QueuedRequest {
  readonly number: number;
  readonly payload: Uint8Array;
  readonly trace: string;
  readonly deadline: number;
  readonly stream: FrameStream;
  isBegun = false;
  readonly settle: (outcome: RequestOutcome) => void;

  constructor(asked: Omit<AskedRequest, "isBegun">) {
    this.number = asked.number;
    this.payload = asked.payload;
    this.trace = asked.trace;
    this.deadline = asked.deadline;
    this.stream = asked.stream;
    this.settle = asked.settle;
  }
}

export interface AskedParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly numbers: RequestNumbers;
  readonly requestsMax: number;
}

export class AskedRequests {
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly requestsMax: number;
  private readonly numbers: RequestNumbers;
  private readonly asked = new Map<number, AskedRequest>();
  private isSweepDue = false;

  constructor(parts: AskedParts) {
    this.clock = parts.clock;
    this.scheduler = parts.scheduler;
    this.requestsMax = parts.requestsMax;
    this.numbers = parts.numbers;
  }

  ask(stream: FrameStream, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    return new Promise((settle) => {
      if (this.asked.size >= this.requestsMax) {
        settle({ kind: "refused", why: "full" });
        return;
      }
      const number = this.numbers.next();
      const deadline = this.clock.monotonicMilliseconds() + options.timeoutMilliseconds;
      const request = new AskedRequest({ number, payload, trace: options.trace, deadline, stream, settle });
      if (!stream.outbox.addRequest(request)) {
        settle({ kind: "refused", why: "full" });
        return;
      }
      this.asked.set(number, request);
      stream.wake();
      this.sweepLater();
    });
  }

  /** What the other side says of a request; anything else is none of this. */
  take(received: Received): void {
    const { number, payload } = received;
    if (received.kind === kind.answer) this.settle(number, { kind: "answered", payload });
    else if (received.kind === kind.refusal) this.settle(number, { kind: "refused", why: "busy" });
    else if (received.kind === kind.unsent) this.settle(number, { kind: "unknown", why: "unsent" });
  }

  /** Nothing happens when it has its outcome already. */
  private settle(number: number, outcome: RequestOutcome): void {
    const request = this.asked.get(number);
    if (request === undefined) return;
    this.asked.delete(number);
    request.settle(outcome);
  }

  /**
   * A stream is gone. The answer of a request that has left may have been on any stream, so nobody knows what became
   * of it; what had not left yet did nothing.
   */
  lost(stream: FrameStream): void {
    for (const [number, request] of this.asked) {
      if (request.isBegun) this.settle(number, { kind: "unknown", why: "lost" });
      else if (request.stream === stream) this.settle(number, { kind: "refused", why: "down" });
    }
  }

  private sweepLater(): void {
    if (this.isSweepDue) return;
    this.isSweepDue = true;
    this.scheduler.after(sweepMilliseconds, () => this.sweep());
  }

  private sweep(): void {
    this.isSweepDue = false;
    const now = this.clock.monotonicMilliseconds();
    for (const [number, request] of this.asked) {
      if (request.deadline <= now) this.settle(number, { kind: "unknown", why: "late" });
    }
    if (this.asked.size > 0) this.sweepLater();
  }
}
