// A TCP proxy before each node's listener for peers, for machines that permit no namespaces: what one node sends another is held back,
// slowed, and now and then stalled. Bytes of a connection are never lost, as TCP has it; a loss is the wait for their repetition.
//
//   n1 ──> proxy of n2 ──> n2         which node dialled is seen by whose socket it is: /proc tells

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import net from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Prng } from "../../../internal/base/prng.ts";
import type { Wires } from "./wires.ts";

const host = "127.0.0.1";
/** A segment of TCP, about: what is lost at once. */
const segmentBytes = 1448;
/** How long TCP waits before it repeats what was lost. */
const repeatMilliseconds = 200;

/** What one node sends another over one connection. */
interface Stream {
  readonly from: number;
  readonly to: number;
  readonly source: Socket;
  readonly target: Socket;
  /** Nothing more leaves until then, in milliseconds of `performance.now`. */
  freeAt: number;
  /** Read, and not passed on. */
  held: Buffer[];
  timer: NodeJS.Timeout | undefined;
}

export class Proxies implements Wires {
  private readonly servers: readonly Server[];
  private readonly random = new Prng(1).split("proxies");
  private readonly streams = new Set<Stream>();
  private readonly pids = new Map<number, number>();
  private readonly targets = new Map<number, number>();
  private readonly cuts = new Set<string>();
  private readonly rates = new Map<number, number>();
  private lossPercent = 0;

  private constructor(servers: readonly Server[]) {
    this.servers = servers;
  }

  static async open(nodes: number): Promise<Proxies> {
    const servers = Array.from({ length: nodes }, () => net.createServer({ allowHalfOpen: true }));
    const proxies = new Proxies(servers);
    for (const [node, server] of servers.entries()) {
      server.on("connection", (socket) => proxies.dialled(node, socket));
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, host, resolve);
      });
    }
    return proxies;
  }

  hostOf(): string {
    return host;
  }

  before(): readonly string[] {
    return [];
  }

  peerPortOf(node: number, listening: number): number {
    this.targets.set(node, listening);
    const server = this.servers[node];
    if (server === undefined) throw new Error(`there is no node ${node}`);
    return (server.address() as AddressInfo).port;
  }

  started(node: number, pid: number): void {
    this.pids.set(node, pid);
  }

  async cut(from: number, to: number): Promise<void> {
    this.cuts.add(`${from}>${to}`);
  }

  async lose(percent: number): Promise<void> {
    this.lossPercent = percent;
  }

  async slow(node: number, bytesPerSecond: number): Promise<void> {
    this.rates.set(node, bytesPerSecond);
  }

  async heal(): Promise<void> {
    this.cuts.clear();
    this.rates.clear();
    this.lossPercent = 0;
    for (const stream of this.streams) this.pump(stream);
  }

  async close(): Promise<void> {
    for (const { source, target } of this.streams) {
      source.destroy();
      target.destroy();
    }
    await Promise.all(this.servers.map((server) => new Promise((resolve) => void server.close(resolve))));
  }

  private dialled(to: number, dialler: Socket): void {
    const from = this.dialledBy(dialler);
    const port = this.targets.get(to);
    if (from === undefined || port === undefined) {
      dialler.destroy();
      return;
    }
    const listener = net.connect({ port, host, allowHalfOpen: true });
    for (const socket of [dialler, listener]) socket.setNoDelay(true);
    this.carry({ from, to, source: dialler, target: listener });
    this.carry({ from: to, to: from, source: listener, target: dialler });
  }

  private carry(ends: Pick<Stream, "from" | "to" | "source" | "target">): void {
    const stream: Stream = { ...ends, freeAt: 0, held: [], timer: undefined };
    const { source, target } = stream;
    this.streams.add(stream);
    source.on("data", (bytes) => {
      stream.held.push(bytes);
      source.pause();
      this.pump(stream);
    });
    let isOver = false;
    // In its turn behind all before it: who is cut off does not hear of an end either.
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      stream.held.push(ended);
      this.pump(stream);
    };
    source.on("end", over);
    // A connection that was reset says so, and closes.
    source.on("error", over);
    source.on("close", over);
    target.on("drain", () => this.pump(stream));
    target.on("close", () => this.drop(stream));
  }

  private drop(stream: Stream): void {
    clearTimeout(stream.timer);
    stream.held.length = 0;
    this.streams.delete(stream);
  }

  /** Passes on what may leave now. */
  private pump(stream: Stream): void {
    const { source, target, held } = stream;
    clearTimeout(stream.timer);
    stream.timer = undefined;
    while (held.length > 0) {
      if (this.isCut(stream) || target.writableNeedDrain || target.destroyed) return;
      const wait = stream.freeAt - performance.now();
      if (wait > 0) {
        stream.timer = setTimeout(() => this.pump(stream), wait);
        return;
      }
      const bytes = held.shift() as Buffer;
      if (bytes === ended) {
        target.end();
        continue;
      }
      stream.freeAt = performance.now() + this.delayOf(stream, bytes.length);
      target.write(bytes);
    }
    if (!target.destroyed) source.resume();
  }

  /** What keeps the next bytes back after so many, in milliseconds. */
  private delayOf({ from }: Stream, bytes: number): number {
    const rate = this.rates.get(from);
    let delay = rate === undefined ? 0 : (1000 * bytes) / rate;
    for (let sent = 0; sent < bytes; sent += segmentBytes) {
      if (this.random.chance(this.lossPercent, 100)) delay += repeatMilliseconds;
    }
    return delay;
  }

  private isCut({ from, to }: Stream): boolean {
    return this.cuts.has(`${from}>${to}`);
  }

  /** The node whose process has the other end of this connection. */
  private dialledBy({ remotePort = 0, localPort = 0 }: Socket): number | undefined {
    const inode = inodeOf(remotePort, localPort);
    if (inode === undefined) return undefined;
    for (const [node, pid] of this.pids) if (hasOpen(pid, inode)) return node;
    return undefined;
  }
}

const ended = Buffer.alloc(0);

/** Of the socket that is connected from one port of this machine to another. */
function inodeOf(from: number, to: number): string | undefined {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", , , , , , , inode] = line.trim().split(/\s+/);
    if (portOf(local) === from && portOf(remote) === to) return inode;
  }
  return undefined;
}

const portOf = (address: string): number => Number.parseInt(address.split(":")[1] ?? "", 16);

function hasOpen(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  for (const name of entriesOf(folder)) {
    if (linkOf(`${folder}/${name}`) === `socket:[${inode}]`) return true;
  }
  return false;
}

/** Processes end and descriptors are closed while one looks: what is gone is nobody's. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (failure) {
    return goneOr(failure, []);
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (failure) {
    return goneOr(failure, "");
  }
}

function goneOr<T>(failure: unknown, nothing: T): T {
  const { code } = failure as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ESRCH") return nothing;
  throw failure;
}
