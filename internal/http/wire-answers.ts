// Answers to what is no request: bytes that the HTTP parser refuses, headers that do not end. There is no route and no
// exchange, only a socket; what is said on it is a problem document all the same.

import { STATUS_CODES } from "node:http";
import { TrefoilError } from "../base/errors.ts";
import type { Answer } from "./answer.ts";

/** What the parser, or the watch over slow requests, says; undefined: nobody is there to be told. */
export function wireRefusal(failure: NodeJS.ErrnoException): TrefoilError | undefined {
  const code = failure.code ?? "";
  if (code === "HPE_HEADER_OVERFLOW") {
    return new TrefoilError(
      "headers_too_large",
      "the request line and the headers together are longer than this node reads",
    );
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new TrefoilError("slow_request", "the request did not arrive whole in time; nothing of it was stored");
  }
  if (code === "HPE_INVALID_EOF_STATE") {
    return new TrefoilError("bad_request", "the request ended before it was whole; nothing of it was stored");
  }
  if (code === "HPE_INVALID_URL") {
    return new TrefoilError(
      "bad_request",
      "blanks, control characters and bytes above 127 in a path or query are percent-encoded",
    );
  }
  if (!code.startsWith("HPE_")) return undefined;
  return new TrefoilError(
    "bad_request",
    `this is no HTTP/1.1 request (${code}); nothing was done, and the connection closes`,
  );
}

/** The whole answer, as it goes over the wire. */
export function wireText({ status, headers, body }: Answer): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at] as string}: ${headers[at + 1] as string}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body)}`, "Connection: close");
  return `${lines.join("\r\n")}\r\n\r\n${body as string}`;
}
