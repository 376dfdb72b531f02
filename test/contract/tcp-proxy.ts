// A connection's middle: what comes in on one side goes out on the other, until a test breaks it, or lets it go silent.

import net from "node:net";
import { once } from "node:events";

interface Pair {
  readonly near: net.Socket;
  readonly far: net.Socket;
}

export class TcpProxy {
  private readonly server: net.Server;
  private readonly pairs = new Set<Pair>();
  /** That went to the sides that dialled. */
  bytesToDiallers = 0;
  private target = 0;
  private isSilent = false;
  private isShut = false;

  private constructor(server: net.Server) {
    this.server = server;
    server.on("connection", (near) => this.take(near));
  }

  static async open(): Promise<TcpProxy> {
    const server = net.createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server);
  }

  get address(): string {
    const bound = this.server.address();
    if (bound === null || typeof bound === "string") throw new Error("the proxy does not listen");
    return `127.0.0.1:${bound.port}`;
  }

  /** Standing ones. */
  get connections(): number {
    return this.pairs.size;
  }

  /** Where connections lead from now on. */
  lead(port: number): void {
    this.target = port;
  }

  /** All connections end, as when a process dies. */
  breakAll(): void {
    for (const { near, far } of this.pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** New connections end at once. */
  shut(isShut: boolean): void {
    this.isShut = isShut;
  }

  /** Nothing gets through any more, and nobody is told, as when a cable is pulled. */
  silence(): void {
    this.isSilent = true;
    for (const { near, far } of this.pairs) {
      near.pause();
      far.pause();
    }
  }

  async close(): Promise<void> {
    this.breakAll();
    this.server.close();
    await once(this.server, "close");
  }

  private take(near: net.Socket): void {
    if (this.isShut) {
      near.destroy();
      return;
    }
    const far = net.connect(this.target, "127.0.0.1");
    const pair = { near, far };
    this.pairs.add(pair);
    far.on("data", (bytes) => {
      this.bytesToDiallers += bytes.length;
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true);
      one.on("error", () => undefined);
      one.on("close", () => {
        if (!this.isSilent) other.destroy();
        this.pairs.delete(pair);
      });
      one.pipe(other);
    }
    if (this.isSilent) {
      near.pause();
      far.pause();
    }
  }
}
