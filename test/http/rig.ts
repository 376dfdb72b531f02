// A data listener on a free port in front of a coordinator in memory, and ways to talk to it: requests with their targets
// as they are, and bare bytes over a socket.

import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { openDataEdge } from "../../internal/http/data-edge.ts";
import type { OpenEdge } from "../../internal/http/edge.ts";
import type { HttpLimits } from "../../internal/http/limits.ts";
import type { RequestObserver } from "../../internal/node/observer.ts";
import { MemoryCoordinator } from "../support/memory-coordinator.ts";

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Uint8Array;
  readonly text: string;
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export class HttpRig {
  readonly coordinator: MemoryCoordinator;
  readonly edge: OpenEdge;
  /** Faults of the edge that a test did not provoke. */
  readonly unexpected: unknown[];

  private constructor(coordinator: MemoryCoordinator, edge: OpenEdge, unexpected: unknown[]) {
    this.coordinator = coordinator;
    this.edge = edge;
    this.unexpected = unexpected;
  }

  static async open(
    limits: Partial<HttpLimits> = {},
    observer?: RequestObserver,
    coordinator = new MemoryCoordinator(),
  ): Promise<HttpRig> {
    const unexpected: unknown[] = [];
    const edge = await openDataEdge(
      {
        coordinator,
        defaults: { read: coordinator.defaultRead, write: coordinator.defaultWrite },
        limits,
        ...(observer === undefined ? {} : { observer }),
        onUnexpected: (failure) => unexpected.push(failure),
      },
      { host: "127.0.0.1", port: 0 },
    );
    return new HttpRig(coordinator, edge, unexpected);
  }

  get port(): number {
    return this.edge.address.port;
  }

  close(): Promise<void> {
    return this.edge.close();
  }

  ask(method: string, target: string, asking: Asking = {}): Promise<Told> {
    return ask(this.port, method, target, asking);
  }

  wire(): Promise<Wire> {
    return Wire.open(this.port);
  }

  /** Sends the bytes and answers everything that came back until the connection closed. */
  async say(...parts: readonly (string | Uint8Array)[]): Promise<string> {
    const wire = await this.wire();
    for (const part of parts) wire.send(part);
    return wire.rest();
  }
}

/** Nothing unexpected may happen meanwhile; what is held goes on in the end. */
export async function withHttpRig(
  run: (rig: HttpRig) => Promise<void>,
  limits?: Partial<HttpLimits>,
  observer?: RequestObserver,
): Promise<void> {
  const rig = await HttpRig.open(limits, observer);
  try {
    await run(rig);
    assert.deepEqual(rig.unexpected, []);
  } finally {
    rig.coordinator.goOn();
    await rig.close();
  }
}

export function ask(port: number, method: string, target: string, { headers = {}, body }: Asking = {}): Promise<Told> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const asked = request({
      port,
      host: "127.0.0.1",
      method,
      path: target,
      headers: { ...length, ...headers },
      agent: false,
    });
    asked.on("error", reject);
    asked.on("response", (incoming) => {
      const chunks: Uint8Array[] = [];
      incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const bytes = new Uint8Array(Buffer.concat(chunks));
        const text = Buffer.from(bytes).toString("utf8");
        resolve({ status: incoming.statusCode as number, headers: incoming.headers as Told["headers"], bytes, text });
      });
    });
    asked.end(body);
  });
}

/** A socket, and what has come over it. */
export class Wire {
  readonly socket: Socket;
  private received = "";
  private readonly closed: Promise<void>;
  private waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.received += chunk;
      this.wake();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
        this.wake();
      });
    });
  }

  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new Wire(socket)));
    });
  }

  get text(): string {
    return this.received;
  }

  send(part: string | Uint8Array): void {
    this.socket.write(part);
  }

  /** Until as much has come, or the other side has closed; then whatever came. */
  async until(part: string): Promise<string> {
    while (!this.received.includes(part) && !this.socket.destroyed) {
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    }
    return this.received;
  }

  /** Everything, once the other side has ended. */
  async rest(): Promise<string> {
    this.socket.once("end", () => this.socket.end());
    if (this.socket.readableEnded) this.socket.end();
    await this.closed;
    return this.received;
  }

  private wake(): void {
    for (const go of this.waiting.splice(0)) go();
  }
}

/** The last answer of those that came one behind the other. */
export function lastAnswer(text: string): { readonly status: number; readonly head: string; readonly body: string } {
  const from = text.startsWith("HTTP/1.1 ") ? Math.max(0, text.lastIndexOf("\nHTTP/1.1 ") + 1) : 0;
  const split = text.indexOf("\r\n\r\n", from);
  return {
    status: Number(text.slice(from + 9, from + 12)),
    head: text.slice(from, split),
    body: text.slice(split + 4),
  };
}
