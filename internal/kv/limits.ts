// Bounds and times of the public gRPC listener. Whatever a stranger may send has one.

import { valueBytesDefault } from "../base/limits.ts";
import { scansMax } from "../node/requests.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export interface KvLimits {
  readonly valueBytesMax: number;
  readonly connectionsMax: number;
  /** Calls of one connection at once; whoever makes more waits on his side. */
  readonly streamsMax: number;
  /** Calls of KV at once; beyond it RESOURCE_EXHAUSTED. */
  readonly requestsMax: number;
  /** Scans among them. */
  readonly scansMax: number;
  /** Calls at once that watch health, or ask what is served. */
  readonly longCallsMax: number;
  /** Of all requests that are being served and answers that are being taken; beyond it RESOURCE_EXHAUSTED. */
  readonly heldBytesMax: number;
  /** Whoever takes longer to send his request gives way when too many do. */
  readonly arrivalMilliseconds: number;
  /** From the beginning of a call to the end of its request. */
  readonly requestMilliseconds: number;
  /** An answer, or a page of a scan, that is not taken for so long: the connection is cut. */
  readonly silentMilliseconds: number;
  /** A connection without calls. */
  readonly idleMilliseconds: number;
  /** A connection over which nothing came for so long is tried, and is cut when no answer comes for as long again. */
  readonly keepaliveMilliseconds: number;
  /** How often these are looked at, and readiness for whoever watches it. */
  readonly checkMilliseconds: number;
  /** What a closing listener waits for calls under way; then it cuts them. */
  readonly stopMilliseconds: number;
  /** What it waits, when there are none, for clients to hear that it has closed. */
  readonly lingerMilliseconds: number;
  /** Asked for at once by a scan. */
  readonly pageRecordsMax: number;
  /** Of one message of a scan, and one record at least. What clients take by default is 4 MiB. */
  readonly pageBytesMax: number;
}

export const defaultLimits: KvLimits = {
  valueBytesMax: valueBytesDefault,
  connectionsMax: 10_000,
  streamsMax: 1000,
  requestsMax: 10_000,
  scansMax,
  longCallsMax: 1000,
  heldBytesMax: 256 * mebibyte,
  arrivalMilliseconds: 100,
  requestMilliseconds: 60_000,
  silentMilliseconds: 90_000,
  idleMilliseconds: 300_000,
  keepaliveMilliseconds: 30_000,
  checkMilliseconds: 1000,
  stopMilliseconds: 10_000,
  lingerMilliseconds: 1000,
  pageRecordsMax: 1000,
  pageBytesMax: mebibyte,
};

/** A whole request: a value, and room for a key and what else there is, so that a value that is a little too large is told so by us. */
export function messageBytesMax({ valueBytesMax }: KvLimits): number {
  return valueBytesMax + 64 * kibibyte;
}

/** Requests that may take their time to arrive, each of which may hold a whole message. */
export function arrivalsMax(limits: KvLimits): number {
  return Math.max(16, Math.floor(limits.heldBytesMax / messageBytesMax(limits)));
}
