// A yardstick: what three processes could do at best without an engine and without Raft. A PUT goes to the process that its key belongs
// to; that one appends it to a file, sends it to both others, which append it too, and answers when it and one of them have synced.
// Everything that comes within a turn is one frame, one append and one sync. It remembers nothing and recovers nothing.
//
//   frame  u32 bytes of what follows | ( u8 kind, u32 id, u32 bytes, payload )*       kinds: forward, append, acknowledged, answered
//
// `node prototype.main.js INDEX HTTP,HTTP,HTTP PEER,PEER,PEER FILE`

import { open } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { ServerResponse } from "node:http";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import process from "node:process";

const [indexText = "", httpText = "", peerText = "", file = ""] = process.argv.slice(2);
const self = Number(indexText);
const httpPorts = httpText.split(",").map(Number);
const peerPorts = peerText.split(",").map(Number);
const kind = { forward: 0, append: 1, acknowledged: 2, answered: 3 } as const;
const headBytes = 9;
const answer = '{"version":"1.1","receipt":"1.1.1"}';

/** A write of another process's client, or of a client here. */
interface Pending {
  readonly from: number;
  readonly id: number;
}

const log = await open(file, "a");
const peers = new Map<number, Peer>();
const clients = new Map<number, ServerResponse>();
let lastId = 0;

/** The way to another process: what is sent within a turn leaves as one frame. */
class Peer {
  private readonly socket: Socket;
  private parts: Buffer[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
  }

  send(what: number, id: number, payload: Buffer = empty): void {
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt8(what, 0);
    head.writeUInt32LE(id, 1);
    head.writeUInt32LE(payload.length, 5);
    if (this.parts.length === 0) setImmediate(() => this.flush());
    this.parts.push(head, payload);
  }

  private flush(): void {
    const body = Buffer.concat(this.parts);
    this.parts = [];
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(body.length, 0);
    this.socket.write(Buffer.concat([length, body]));
  }
}

const empty: Buffer = Buffer.alloc(0);

/** Appends and syncs batch after batch; what comes meanwhile is the next one. */
class Appender {
  private waiting: { readonly bytes: Buffer; readonly done: () => void }[] = [];
  private isBusy = false;

  append(bytes: Buffer, done: () => void): void {
    this.waiting.push({ bytes, done });
    if (!this.isBusy) setImmediate(() => void this.work());
  }

  private async work(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      await log.writev(batch.map(({ bytes }) => bytes));
      await log.datasync();
      for (const { done } of batch) done();
    }
    this.isBusy = false;
  }
}

const appender = new Appender();

/** Writes that this process leads, by batch: answered when two of three have synced it. */
class Leader {
  private pending: { readonly write: Pending; readonly bytes: Buffer }[] = [];
  private readonly batches = new Map<number, { readonly writes: Pending[]; synced: number }>();
  private lastBatch = 0;

  take(write: Pending, bytes: Buffer): void {
    if (this.pending.length === 0) setImmediate(() => this.replicate());
    this.pending.push({ write, bytes });
  }

  synced(batch: number): void {
    const known = this.batches.get(batch);
    if (known === undefined || ++known.synced < 2) return;
    this.batches.delete(batch);
    for (const { from, id } of known.writes) {
      if (from === self) finish(id);
      else peers.get(from)?.send(kind.answered, id);
    }
  }

  private replicate(): void {
    const batch = ++this.lastBatch;
    const bytes = Buffer.concat(this.pending.map((each) => each.bytes));
    this.batches.set(batch, { writes: this.pending.map(({ write }) => write), synced: 0 });
    this.pending = [];
    for (const peer of peers.values()) peer.send(kind.append, batch, bytes);
    appender.append(bytes, () => this.synced(batch));
  }
}

const leader = new Leader();

function finish(id: number): void {
  const response = clients.get(id);
  clients.delete(id);
  response?.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
  response?.end(answer);
}

function receive(from: number, body: Buffer): void {
  for (let at = 0; at < body.length;) {
    const what = body.readUInt8(at);
    const id = body.readUInt32LE(at + 1);
    const end = at + headBytes + body.readUInt32LE(at + 5);
    const payload = body.subarray(at + headBytes, end);
    at = end;
    if (what === kind.forward) leader.take({ from, id }, payload);
    else if (what === kind.append) appender.append(payload, () => peers.get(from)?.send(kind.acknowledged, id));
    else if (what === kind.acknowledged) leader.synced(id);
    else finish(id);
  }
}

function readFrames(socket: Socket, from: number): void {
  let held: Buffer = empty;
  socket.on("data", (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 4) {
      const end = 4 + held.readUInt32LE(0);
      if (held.length < end) return;
      receive(from, held.subarray(4, end));
      held = held.subarray(end);
    }
  });
}

const ownerOf = (path: string): number => {
  let hash = 0;
  const end = path.includes("?") ? path.indexOf("?") : path.length;
  for (let at = 0; at < end; at++) hash = (Math.imul(hash, 31) + path.charCodeAt(at)) | 0;
  return (hash >>> 0) % peerPorts.length;
};

/** Each pair has one connection for each direction: who dials says who it is, and only sends. */
createServer((socket) => {
  socket.once("data", (first: Buffer) => {
    const from = first.readUInt8(0);
    readFrames(socket, from);
    if (first.length > 1) socket.emit("data", first.subarray(1));
  });
}).listen(peerPorts[self], "127.0.0.1");

async function dial(to: number): Promise<void> {
  for (;;) {
    const socket = connect(peerPorts[to] as number, "127.0.0.1");
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!isUp) {
      await new Promise((resolve) => void setTimeout(resolve, 20));
      continue;
    }
    socket.write(Uint8Array.of(self));
    peers.set(to, new Peer(socket));
    return;
  }
}

await Promise.all(peerPorts.flatMap((_, to) => (to === self ? [] : [dial(to)])));

createHttpServer((asked, response) => {
  const parts: Buffer[] = [];
  asked.on("data", (part: Buffer) => parts.push(part));
  asked.on("end", () => {
    const id = (lastId = (lastId + 1) >>> 0);
    clients.set(id, response);
    const path = asked.url ?? "";
    const bytes = Buffer.concat([Buffer.from(path), ...parts]);
    const owner = ownerOf(path);
    if (owner === self) leader.take({ from: self, id }, bytes);
    else peers.get(owner)?.send(kind.forward, id, bytes);
  });
}).listen(httpPorts[self], "127.0.0.1");
