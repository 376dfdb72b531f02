// Requests of one process to another, seen from either side.

import { assert } from "../../../internal/base/assert.ts";
import { emptyBytes } from "../../../internal/base/bytes.ts";
import type { Received } from "../../../internal/grpc/inbox.ts";
import type { QueuedRequest } from "../../../internal/grpc/outbox.ts";
import { kind } from "../../../internal/grpc/peer-protocol.ts";
import type { Timer } from "../../../internal/platform/clock.ts";
import type { IncomingRequest, RequestOptions, RequestOutcome } from "../../../internal/platform/network.ts";
import type { EndProcess, StreamEnd } from "./stream.ts";

interface Asked {
  readonly queued: QueuedRequest;
  readonly end: StreamEnd;
  readonly timer: Timer;
  readonly settle: (outcome: RequestOutcome) => void;
}

/** Those that were asked and have no outcome yet. Each gets exactly one. */
export class AskedRequests {
  private readonly process: EndProcess;
  private readonly requestsMax: number;
  private readonly asked = new Map<number, Asked>();

  constructor(process: EndProcess, requestsMax: number) {
    this.process = process;
    this.requestsMax = requestsMax;
  }

  ask(end: StreamEnd, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    return new Promise((settle) => {
      const { clock, requestNumbers } = this.process;
      const number = ++requestNumbers.last;
      const { timeoutMilliseconds, trace } = options;
      const deadline = clock.monotonicMilliseconds() + timeoutMilliseconds;
      const queued: QueuedRequest = { number, payload, trace, deadline, isBegun: false };
      if (this.asked.size >= this.requestsMax || !end.outbox.addRequest(queued)) {
        settle({ kind: "refused", why: "full" });
        return;
      }
      const timer = clock.after(timeoutMilliseconds, () => this.settle(number, { kind: "unknown", why: "late" }));
      this.asked.set(number, { queued, end, timer, settle });
      end.wake();
    });
  }

  take({ kind: what, number, payload }: Received): void {
    if (what === kind.answer) this.settle(number, { kind: "answered", payload });
    else if (what === kind.refusal) this.settle(number, { kind: "refused", why: "busy" });
    else if (what === kind.unsent) this.settle(number, { kind: "unknown", why: "unsent" });
  }

  /** A stream is gone. The answer of what has left may have been on any stream; what had not left yet did nothing. */
  lost(end: StreamEnd): void {
    for (const [number, request] of this.asked) {
      if (request.queued.isBegun) this.settle(number, { kind: "unknown", why: "lost" });
      else if (request.end === end) this.settle(number, { kind: "refused", why: "down" });
    }
  }

  private settle(number: number, outcome: RequestOutcome): void {
    const request = this.asked.get(number);
    if (request === undefined) return;
    this.asked.delete(number);
    request.timer.cancel();
    request.settle(outcome);
  }
}

/** Those of one asker that are served here: a bounded number. */
export class ServedRequests {
  private readonly requestsMax: number;
  private readonly hand: (request: IncomingRequest) => void;
  /** The end that an answer leaves by now; undefined: the asker is gone. */
  private readonly way: () => StreamEnd | undefined;
  private serving = 0;
  /** Grows when the asker is lost: nobody waits for earlier answers. */
  private era = 0;

  constructor(requestsMax: number, hand: (request: IncomingRequest) => void, way: () => StreamEnd | undefined) {
    this.requestsMax = requestsMax;
    this.hand = hand;
    this.way = way;
  }

  take({ number, payload, remainingMilliseconds, trace }: Received): void {
    if (this.serving >= this.requestsMax) {
      this.say(number, kind.refusal);
      return;
    }
    this.serving++;
    const { era } = this;
    let isDone = false;
    const settle = (answer: Uint8Array | undefined): void => {
      assert(!isDone, "a request that was answered already", { number });
      isDone = true;
      if (era === this.era) this.settle(number, answer);
    };
    this.hand({ payload, remainingMilliseconds, trace, answer: settle, refuse: () => settle(undefined) });
  }

  forget(): void {
    this.era++;
    this.serving = 0;
  }

  private settle(number: number, answer: Uint8Array | undefined): void {
    this.serving--;
    const end = this.way();
    if (answer === undefined) this.say(number, kind.refusal);
    else if (end?.outbox.addAnswer(number, answer) === true) end.wake();
    else this.say(number, kind.unsent);
  }

  private say(number: number, what: typeof kind.refusal | typeof kind.unsent): void {
    const end = this.way();
    // Without room even for this word the asker's deadline tells it.
    if (end?.outbox.addUrgent(what, emptyBytes, number) === true) end.wake();
  }
}
