// The body of a request, read whole and within bounds: refused by its declared length before a byte of it is read, cut off
// where it exceeds the bound otherwise. All bodies together have a bound as well, whoever sends them and however slowly.

import { BytePool } from "../base/byte-pool.ts";
import type { IncomingMessage } from "node:http";
import type { ByteBudget } from "../base/byte-budget.ts";
import { emptyBytes } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";

/** Undefined: it is sent in chunks, and nobody knows yet. */
export function declaredLength(incoming: IncomingMessage): number | undefined {
  const length = incoming.headers["content-length"];
  if (length !== undefined) return Number(length);
  return incoming.headers["transfer-encoding"] === undefined ? 0 : undefined;
}

const pool = new BytePool();

/** Refuses a body by what is said of it. */
export function checkLength(incoming: IncomingMessage, refusal: BodyRefusal): void {
  const length = declaredLength(incoming);
  if (length !== undefined && length > refusal.bytesMax) throw refusal.tooLarge(length);
}

export interface BodyRefusal {
  readonly bytesMax: number;
  /** `length` undefined: only that it is more. */
  tooLarge(length: number | undefined): TrefoilError;
}

/** Reads one body; whoever waits for it can be told of a failure from outside. */
export class BodyReader {
  /** Taken of the budget, until the request has its answer. */
  bytesTaken = 0;
  private readonly incoming: IncomingMessage;
  private readonly budget: ByteBudget;
  private chunks: Uint8Array[] = [];
  private resolve: ((body: Uint8Array) => void) | undefined;
  private reject: ((failure: Error) => void) | undefined;
  /** Before anybody read it. */
  private failure: Error | undefined;

  constructor(incoming: IncomingMessage, budget: ByteBudget) {
    this.incoming = incoming;
    this.budget = budget;
  }

  /** Once. The bytes are the caller's. */
  read(refusal: BodyRefusal): Promise<Uint8Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise<Uint8Array>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.incoming.on("data", (chunk: Uint8Array) => this.take(chunk, refusal));
      this.incoming.on("end", () => this.finish());
    });
  }

  private take(chunk: Uint8Array, refusal: BodyRefusal): void {
    if (this.reject === undefined) return;
    const whole = this.bytesTaken + chunk.length;
    if (whole > refusal.bytesMax) {
      this.fail(refusal.tooLarge(undefined));
    } else if (this.budget.take(chunk.length)) {
      this.bytesTaken = whole;
      this.chunks.push(chunk);
    } else {
      this.fail(new TrefoilError("busy", "there are too many bodies at once; try again"));
    }
  }

  private finish(): void {
    const { resolve } = this;
    this.resolve = undefined;
    this.reject = undefined;
    resolve?.(this.joined());
  }

  private get isReading(): boolean {
    return this.reject !== undefined;
  }

  /** Nothing, once it has been read or has failed. */
  fail(failure: Error): void {
    const { reject } = this;
    this.failure ??= failure;
    this.resolve = undefined;
    this.reject = undefined;
    this.chunks = [];
    reject?.(failure);
  }

  /** The request is over: who was still reading was left alone with a part. The memory goes with it. */
  release(): void {
    if (this.isReading) this.fail(brokenOff());
    this.budget.giveBack(this.bytesTaken);
    this.bytesTaken = 0;
  }

  /** Copied: what the parser gives are slices of what it read, which hold all of it. */
  private joined(): Uint8Array {
    if (this.bytesTaken === 0) return emptyBytes;
    const whole = pool.take(this.bytesTaken);
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [];
    return whole;
  }
}

function brokenOff(): TrefoilError {
  return new TrefoilError("bad_request", "the body ended before it was whole; nothing of it was stored");
}
