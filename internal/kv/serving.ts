// Between the wire and the handlers: every call gets exactly one status, whatever its handler returns or throws, within the bounds
// of the listener.

import { TrefoilError } from "../base/errors.ts";
import { ByteBudget } from "../base/byte-budget.ts";
import { failureOf } from "../node/failure.ts";
import { outcomeOfFailure } from "../node/observer.ts";
import type { Operation, RequestObserver } from "../node/observer.ts";
import { Call } from "./call.ts";
import type { CallHost, CallStream } from "./call.ts";
import { arrivalsMax } from "./limits.ts";
import type { KvLimits } from "./limits.ts";

export interface ServingOptions {
  readonly limits: KvLimits;
  /** Names requests, with a number behind it. */
  readonly name: string;
  readonly observer: RequestObserver | undefined;
  now(): number;
  /** A fault of ours: not a TrefoilError. The client was told this id. */
  onUnexpected(failure: unknown, requestId: string): void;
}

/** Ends the call itself, with answers or with `finish`; what it throws is told as a status. */
export type Handler = (call: Call) => Promise<void>;

interface Lane {
  readonly calls: Set<Call>;
  readonly callsMax: number;
  readonly handler: Handler;
}

export class Serving implements CallHost {
  readonly budget: ByteBudget;
  isStopping = false;
  private readonly options: ServingOptions;
  private readonly requests = new Set<Call>();
  private readonly briefCalls = new Set<Call>();
  private readonly longCalls = new Set<Call>();
  /** In the order in which they began. */
  private readonly arriving = new Set<Call>();
  private numbered = 0;
  private idle: (() => void) | undefined;

  constructor(options: ServingOptions) {
    this.options = options;
    this.budget = new ByteBudget(options.limits.heldBytesMax);
  }

  get requestsUnderWay(): number {
    return this.requests.size;
  }

  now(): number {
    return this.options.now();
  }

  nextRequestId(): string {
    return `${this.options.name}-${(++this.numbered).toString(36)}`;
  }

  /** A call of KV. */
  serve(stream: CallStream, operation: Operation, handler: Handler): void {
    const call = new Call(this, stream);
    this.requests.add(call);
    const { requestsMax } = this.options.limits;
    const refusal =
      this.requests.size > requestsMax
        ? new TrefoilError("busy", `${requestsMax} requests are under way here; try again, or ask another node`)
        : this.stopRefusal();
    void this.run(call, refusal, handler).then(() => {
      this.options.observer?.answered(operation, call.mode, call.outcome, this.now() - call.startedAt);
    });
  }

  /** A call that neither reads nor writes records, answered at once. Whoever asks how a node is that has all it can do is answered too. */
  serveBrief(stream: CallStream, handler: Handler): void {
    this.serveOne(stream, { calls: this.briefCalls, callsMax: this.options.limits.requestsMax, handler });
  }

  /** One that stays for as long as its client pleases. */
  serveLong(stream: CallStream, handler: Handler): void {
    this.serveOne(stream, { calls: this.longCalls, callsMax: this.options.limits.longCallsMax, handler });
  }

  stopRefusal(): TrefoilError | undefined {
    return this.isStopping ? new TrefoilError("stopping", "this node is stopping; ask another one") : undefined;
  }

  /** The one message of the call's request. Those who are slow to send theirs give way to others when they are too many. */
  receive(call: Call): Promise<Uint8Array> {
    const request = call.request();
    this.arriving.add(call);
    if (this.arriving.size > arrivalsMax(this.options.limits)) this.makeRoom();
    return request;
  }

  arrived(call: Call): void {
    this.arriving.delete(call);
  }

  ended(call: Call): void {
    this.requests.delete(call);
    this.briefCalls.delete(call);
    this.longCalls.delete(call);
    if (this.isIdle) this.idle?.();
  }

  /** Once: resolves when no call is left. */
  async whenIdle(): Promise<void> {
    if (this.isIdle) return;
    await new Promise<void>((resolve) => {
      this.idle = resolve;
    });
  }

  private get isIdle(): boolean {
    return this.requests.size + this.briefCalls.size + this.longCalls.size === 0;
  }

  /** Gives up on requests that do not come; tells those calls whose clients do not take what they are sent. */
  overdue(): Call[] {
    const now = this.now();
    const { requestMilliseconds, silentMilliseconds } = this.options.limits;
    for (const call of this.arriving) {
      if (now - call.startedAt <= requestMilliseconds) break;
      call.giveUp(new TrefoilError("slow_request", "the request did not arrive whole in time; nothing was done"));
    }
    return [...this.requests, ...this.briefCalls, ...this.longCalls].filter(
      ({ untakenSince }) => untakenSince !== undefined && now - untakenSince > silentMilliseconds,
    );
  }

  private serveOne(stream: CallStream, { calls, callsMax, handler }: Lane): void {
    const call = new Call(this, stream);
    calls.add(call);
    const isTooMany = calls.size > callsMax;
    void this.run(
      call,
      isTooMany ? new TrefoilError("busy", `${callsMax} such calls are under way here`) : undefined,
      handler,
    );
  }

  private makeRoom(): void {
    const [oldest] = this.arriving;
    if (oldest === undefined || this.now() - oldest.startedAt <= this.options.limits.arrivalMilliseconds) return;
    oldest.giveUp(new TrefoilError("busy", "too many requests arrive at once, and this one slowly; try again"));
  }

  private async run(call: Call, refusal: TrefoilError | undefined, handler: Handler): Promise<void> {
    try {
      if (refusal !== undefined) throw refusal;
      await handler(call);
    } catch (thrown) {
      if (!(thrown instanceof TrefoilError)) this.options.onUnexpected(thrown, call.requestId);
      const failure = failureOf(thrown, call.requestId);
      call.outcome = outcomeOfFailure(failure);
      call.refuse(failure);
    } finally {
      call.done();
    }
  }
}
