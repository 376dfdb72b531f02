// A call as bytes over HTTP/2: what a client of its own making sends and takes, as slowly as it likes.

import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";

export class RawCall {
  readonly stream: ClientHttp2Stream;
  /** The beginning of an answer, or a status without one. */
  readonly answered: Promise<void>;
  /** What came as trailers, or as the only headers; empty when the stream ended without. */
  readonly ended: Promise<Readonly<Record<string, unknown>>>;

  constructor(session: ClientHttp2Session, path: string) {
    this.stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let last: Readonly<Record<string, unknown>> = {};
    this.answered = new Promise((resolve) => {
      this.stream.on("response", (headers) => {
        last = headers;
        resolve();
      });
    });
    this.ended = new Promise((resolve) => {
      this.stream.on("trailers", (trailers: Readonly<Record<string, unknown>>) => {
        last = trailers;
      });
      this.stream.on("error", () => undefined);
      this.stream.on("end", () => resolve(last));
      this.stream.on("close", () => resolve(last));
      this.stream.resume();
    });
  }
}

/** A message as gRPC frames it. */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
