// Bounds and times of a listener. Whatever a stranger may send has one.

import { valueBytesDefault } from "../base/limits.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export interface HttpLimits {
  readonly valueBytesMax: number;
  /** Of a request's first line and headers together; beyond it 431. */
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  /** Without an answer yet; beyond it 429. */
  readonly requestsMax: number;
  /** Of all bodies that are being read or served; beyond it 429. */
  readonly bodyBytesMax: number;
  /** From the beginning of a connection, or of a request on it, to the end of its headers; then 408. */
  readonly headersMilliseconds: number;
  /** From the beginning of a request to the end of its body; then 408. */
  readonly requestMilliseconds: number;
  /** How often both are looked at. */
  readonly checkMilliseconds: number;
  /** Between two requests of a connection. */
  readonly idleMilliseconds: number;
  /** With nothing read or written while a request is under way: somebody who does not take his answer. */
  readonly silentMilliseconds: number;
  /** What is left of a refused body is thrown away without closing the connection up to here. */
  readonly discardedBytesMax: number;
  /** Beyond it the connection closes; whoever is still sending gets so much of it, and so long, to read the refusal. */
  readonly lingerBytesMax: number;
  readonly lingerMilliseconds: number;
  /** When the listener closes: whoever asks again over a connection that he holds has done so by then, or hardly just when it is closed. */
  readonly nextRequestMilliseconds: number;
  /** What is under way when the listener closes; then it is cut off. */
  readonly stopMilliseconds: number;
}

export const defaultLimits: HttpLimits = {
  valueBytesMax: valueBytesDefault,
  headerBytesMax: 16 * kibibyte,
  connectionsMax: 10_000,
  requestsMax: 10_000,
  bodyBytesMax: 256 * mebibyte,
  headersMilliseconds: 10_000,
  requestMilliseconds: 60_000,
  checkMilliseconds: 1000,
  idleMilliseconds: 60_000,
  silentMilliseconds: 90_000,
  discardedBytesMax: 64 * kibibyte,
  lingerBytesMax: 16 * mebibyte,
  lingerMilliseconds: 1000,
  nextRequestMilliseconds: 200,
  stopMilliseconds: 10_000,
};

export const listLimitDefault = 100;

/** An envelope is text: escapes make it longer than the value that it holds. */
export function envelopeBytesMax(valueBytesMax: number): number {
  return 2 * valueBytesMax + kibibyte;
}
