// Bounds and times of the transport. All queues are bounded in bytes, for each peer.

const mebibyte = 1024 * 1024;

export interface TransportLimits {
  /** Waiting for the stream of one peer. Beyond it messages are dropped, requests refused, answers replaced by a word. */
  readonly urgentBytesMax: number;
  readonly messageBytesMax: number;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
  /** Handed to the stream and not yet taken by the connection. */
  readonly unwrittenBytesMax: number;
  /** What a peer may send before this process has read it: HTTP/2's window, of the dialling side. */
  readonly windowBytes: number;
  /** To one peer, without an outcome yet. */
  readonly requestsAskedMax: number;
  /** From one peer, without an answer yet. */
  readonly requestsServedMax: number;
  /** Connections that have not said who they are; and as many of those that are no peers, and only ask something. */
  readonly strangersMax: number;
  /** Of snapshots, to all peers together. */
  readonly bulkBytesPerSecond: number;
  /** A stream for snapshots, or of a visit, on which nothing was said for so long is closed. */
  readonly idleMilliseconds: number;
  /** Between two measurements of the way there and back. */
  readonly pingMilliseconds: number;
  /** A connection over which nothing came for so long is tried, and is given up when no answer comes for as long again. */
  readonly keepaliveMilliseconds: number;
  /** A connection without any stream is closed after so long. */
  readonly unusedMilliseconds: number;
  /** From the beginning of a connection to both hellos. */
  readonly handshakeMilliseconds: number;
  /** Between two tries to connect, doubled from the first to the second, of which a random half is left out. */
  readonly redialMillisecondsLeast: number;
  readonly redialMillisecondsMost: number;
}

export const defaultLimits: TransportLimits = {
  urgentBytesMax: mebibyte,
  messageBytesMax: 32 * mebibyte,
  requestBytesMax: 32 * mebibyte,
  answerBytesMax: 32 * mebibyte,
  unwrittenBytesMax: mebibyte,
  windowBytes: 4 * mebibyte,
  requestsAskedMax: 4096,
  requestsServedMax: 4096,
  strangersMax: 64,
  bulkBytesPerSecond: 128 * mebibyte,
  idleMilliseconds: 30_000,
  pingMilliseconds: 500,
  keepaliveMilliseconds: 1000,
  unusedMilliseconds: 5000,
  handshakeMilliseconds: 3000,
  redialMillisecondsLeast: 20,
  redialMillisecondsMost: 2000,
};
