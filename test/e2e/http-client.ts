// One HTTP exchange with a node, and what can be known of a request that was not answered: refused where nobody listens, it cannot
// have had an effect; broken off, nobody knows.

import { Agent, request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";

export interface Asked {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Exchange =
  | { readonly kind: "answered"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
  /** Nothing was sent, for nobody listened. */
  | { readonly kind: "not_sent" }
  | { readonly kind: "broken_off"; readonly why: string }
  /** Not answered long after its own deadline. */
  | { readonly kind: "silent" };

/** Of each node: whoever has no room would wait here, and not at the node that stands still. */
const socketsMax = 512;

export class HttpClient {
  private readonly agent: Agent;
  private readonly silenceMilliseconds: number;

  constructor(silenceMilliseconds: number) {
    this.agent = new Agent({ keepAlive: true, maxSockets: socketsMax });
    this.silenceMilliseconds = silenceMilliseconds;
  }

  ask({ host, port, method, path, headers = {}, body = "" }: Asked): Promise<Exchange> {
    return new Promise((resolve) => {
      const length = method === "PUT" || method === "POST" ? { "content-length": String(Buffer.byteLength(body)) } : {};
      const sent = request({
        agent: this.agent,
        host,
        port,
        method,
        path,
        headers: { ...headers, ...length },
      });
      const timer = setTimeout(() => {
        resolve({ kind: "silent" });
        sent.destroy();
      }, this.silenceMilliseconds);
      const end = (exchange: Exchange): void => {
        clearTimeout(timer);
        resolve(exchange);
      };
      sent.on("response", (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("error", (failure) => end({ kind: "broken_off", why: failure.message }));
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          end({ kind: "answered", status: answer.statusCode ?? 0, headers: answer.headers, body: text });
        });
      });
      sent.on("error", (failure: NodeJS.ErrnoException) => {
        end(failure.code === "ECONNREFUSED" ? { kind: "not_sent" } : { kind: "broken_off", why: failure.message });
      });
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
