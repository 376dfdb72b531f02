// One HTTP exchange with a node, and what can be known of one that was not answered: where no connection was made nothing was sent,
// and nothing can have been done; what was broken off later, nobody knows.

import { request } from "node:http";
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Endpoint } from "./endpoints.ts";

export interface Sent {
  readonly method: "GET" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface Patience {
  readonly connectMilliseconds: number;
  /** From the beginning to the end. */
  readonly wholeMilliseconds: number;
}

export interface Answered {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Exchange =
  | Answered
  /** There was no connection. */
  | { readonly kind: "not_sent"; readonly why: string }
  | { readonly kind: "broken_off"; readonly why: string }
  /** Whoever listens there does not speak HTTP, and has understood nothing. */
  | { readonly kind: "no_http"; readonly why: string }
  | { readonly kind: "late"; readonly why: string };

/** Longer bodies wait until the node wants them: it may refuse them before it has read them. */
const bodyBytesUnasked = 65_536;
/** Whoever does not say that it wants a body gets it after a while. */
const wantMilliseconds = 1000;
/** More than any page or value has. */
const answerBytesMax = 64 * 1024 * 1024;

export function exchange(agent: Agent, { host, port }: Endpoint, sent: Sent, patience: Patience): Promise<Exchange> {
  return new Promise((resolve) => {
    const { method, path, body } = sent;
    const outgoing = request({ agent, host, port, method, path, headers: headersOf(sent) });
    let isConnected = false;
    const { connectMilliseconds, wholeMilliseconds } = patience;
    const timers = [
      whenOver(connectMilliseconds, () => {
        if (!isConnected) end({ kind: "not_sent", why: `no connection in ${connectMilliseconds} ms` });
      }),
      whenOver(wholeMilliseconds, () => end({ kind: "late", why: `no answer in ${wholeMilliseconds} ms` })),
    ];
    const end = (outcome: Exchange): void => {
      for (const timer of timers) clearTimeout(timer);
      resolve(outcome);
      if (outcome.kind !== "answered") outgoing.destroy();
    };
    outgoing.on("socket", (socket: Socket) => {
      if (!socket.connecting) isConnected = true;
      else socket.once("connect", () => void (isConnected = true));
    });
    outgoing.on("response", (answer) => void collect(answer).then(end));
    outgoing.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === noHttpCode) end({ kind: "no_http", why: noHttpWords });
      else
        end({
          kind: isConnected ? "broken_off" : "not_sent",
          why: wordsOf.get(code ?? "") ?? (message || String(code)),
        });
    });
    timers.push(...sendBody(outgoing, body));
  });
}

/** Of Node, when what comes does not begin as an answer does. */
const noHttpCode = "HPE_INVALID_CONSTANT";
const noHttpWords = "it does not speak HTTP: is that the gRPC or the peer port of a node?";

/** What has come by then counts, though this process was too busy to look. */
function whenOver(milliseconds: number, then: () => void): NodeJS.Timeout {
  return setTimeout(() => void setImmediate(then), milliseconds);
}

function headersOf({ headers = {}, body }: Sent): Record<string, string> {
  if (body === undefined) return { ...headers };
  const expecting = body.length > bodyBytesUnasked ? { Expect: "100-continue" } : {};
  return { ...headers, "Content-Length": String(body.length), ...expecting };
}

/** The timers that it set. */
function sendBody(outgoing: ClientRequest, body: Uint8Array | undefined): readonly NodeJS.Timeout[] {
  if (body === undefined || body.length <= bodyBytesUnasked) {
    outgoing.end(body);
    return [];
  }
  const timer = setTimeout(() => outgoing.end(body), wantMilliseconds);
  outgoing.once("continue", () => {
    clearTimeout(timer);
    outgoing.end(body);
  });
  outgoing.once("response", () => clearTimeout(timer));
  outgoing.flushHeaders();
  return [timer];
}

export const nobodyListens = "nobody listens there";

const wordsOf: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", nobodyListens],
  ["ENOTFOUND", "there is no such host"],
  ["EHOSTUNREACH", "there is no way to that host"],
  ["ENETUNREACH", "there is no way to that network"],
  ["ECONNRESET", "the connection was closed without an answer"],
]);

async function collect(answer: IncomingMessage): Promise<Exchange> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length > answerBytesMax)
        return { kind: "broken_off", why: `the answer has more than ${answerBytesMax} bytes` };
    }
  } catch (failure) {
    return { kind: "broken_off", why: `the answer was broken off: ${(failure as Error).message}` };
  }
  return { kind: "answered", status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) };
}
