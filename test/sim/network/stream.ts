// A stream between two processes, by its two ends. Each queues what is said into frames, one or more a turn, sends no more than
// the other side has room for, hands out what arrives, and finds out when nothing is heard any more.
//
// The outbox is the one of internal/grpc, and so its bounds and order are those of production.

import { assert } from "../../../internal/base/assert.ts";
import { concatBytes, emptyBytes } from "../../../internal/base/bytes.ts";
import type { NodeId } from "../../../internal/base/ids.ts";
import type { Received } from "../../../internal/grpc/inbox.ts";
import type { TransportLimits } from "../../../internal/grpc/limits.ts";
import { Outbox } from "../../../internal/grpc/outbox.ts";
import { kind, purpose as purposes } from "../../../internal/grpc/peer-protocol.ts";
import type { Hello, Part, Purpose } from "../../../internal/grpc/peer-protocol.ts";
import type { Timer } from "../../../internal/platform/clock.ts";
import type { NodeClock } from "../virtual-time.ts";
import { Way, type Frame } from "./way.ts";
import { addressLink, type Wires } from "./wires.ts";

/** The process at an end. */
export interface EndProcess {
  readonly node: NodeId;
  readonly clock: NodeClock;
  readonly limits: TransportLimits;
  readonly ends: Set<StreamEnd>;
  /** The last that a request got. One series for all peers, so that no late answer is taken for that of another request. */
  readonly requestNumbers: { last: number };
}

export interface EndOwner {
  hello(end: StreamEnd, hello: Hello): void;
  /** As NetworkHost.message. */
  received(end: StreamEnd, received: Received): Promise<void> | void;
  /** Once. */
  closed(end: StreamEnd, why: string): void;
  roundTrip(microseconds: number): void;
}

export class SimStream {
  /** Who dialled, and who was dialled. */
  readonly ends: readonly [StreamEnd, StreamEnd];

  constructor(wires: Wires, from: string, to: string) {
    const dialling: StreamEnd = new StreamEnd(wires, from, to, () => accepting);
    const accepting: StreamEnd = new StreamEnd(wires, to, from, () => dialling);
    this.ends = [dialling, accepting];
    wires.streams.add(this);
    const forget = (): void => {
      if (dialling.isClosed && (accepting.isClosed || accepting.process === undefined)) wires.streams.delete(this);
    };
    dialling.onForgotten = forget;
    accepting.onForgotten = forget;
  }

  /** It breaks between its ends, which both learn of it; with what is on its way, or behind it. */
  breakOff(loses: boolean): void {
    for (const { out } of this.ends) {
      if (loses) out.drop();
      out.put({ kind: loses ? "reset" : "end", why: "the connection was lost" });
    }
  }

  /** One end learns that it is broken, and the other believes in it until its keepalive, or another stream, says otherwise. */
  breakHalf(end: 0 | 1): void {
    const { out } = this.ends[end === 0 ? 1 : 0];
    out.drop();
    out.put({ kind: "reset", why: "the connection was lost" });
  }
}

export class StreamEnd {
  readonly address: string;
  readonly out: Way;
  process: EndProcess | undefined;
  owner: EndOwner | undefined;
  purpose: Purpose = purposes.main;
  isDialled = false;
  /** As the other side named it. */
  cluster = "";
  isClosed = false;
  /** The process behind it is no more. */
  isDead = false;
  onForgotten: () => void = () => undefined;
  /** Told behind the owner, for whoever dialled. */
  onEnded: () => void = () => undefined;
  private readonly wires: Wires;
  private readonly twin: () => StreamEnd;
  private unsent: Outbox | undefined;
  private isFlushDue = false;
  private inFlightBytes = 0;
  private readBytes = 0;
  private unread: Frame[] = [];
  /** Parts of the first unread frame that were handed out. */
  private read = 0;
  private holds = 0;
  /** The first part of a message that comes in several, and those behind it. */
  private begun: Part | undefined;
  private pieces: Uint8Array[] = [];
  private heardAt = 0;
  private usedAt = 0;
  private timer: Timer | undefined;
  private isGreeted = false;
  /** What is said when it is connected. */
  private first: Hello | undefined;

  constructor(wires: Wires, address: string, to: string, twin: () => StreamEnd) {
    this.wires = wires;
    this.address = address;
    this.twin = twin;
    this.out = new Way(wires, addressLink(address, to), (frame) => twin().arrive(frame));
  }

  get other(): StreamEnd {
    return this.twin();
  }

  get outbox(): Outbox {
    assert(this.unsent !== undefined, "an end without a process", { address: this.address });
    return this.unsent;
  }

  begin(process: EndProcess, owner: EndOwner): void {
    this.process = process;
    this.owner = owner;
    this.unsent = new Outbox(process.limits);
    process.ends.add(this);
  }

  /** It is through its handshake. */
  attach(owner: EndOwner, stream: { readonly purpose: Purpose; readonly isDialled: boolean }): void {
    const { limits } = this.present;
    this.owner = owner;
    this.purpose = stream.purpose;
    this.isDialled = stream.isDialled;
    this.isGreeted = true;
    this.heardAt = this.wires.time.now;
    this.usedAt = this.heardAt;
    if (stream.purpose === purposes.bulk) this.out.bytesPerMillisecondMost = limits.bulkBytesPerSecond / 1000;
    this.tick();
  }

  /** Of the dialling end. */
  connect(hello: Hello): void {
    this.first = hello;
    this.out.put({ kind: "connect" });
  }

  say(hello: Hello): void {
    this.out.put({ kind: "hello", hello });
  }

  /** To be called after something was put into the outbox: it leaves when the turn is over. */
  wake(): void {
    if (this.isFlushDue || this.isClosed) return;
    this.isFlushDue = true;
    this.present.clock.afterTurn(() => {
      this.isFlushDue = false;
      this.flush();
    });
  }

  /** Ends it at both ends. With `loses`, what is on its way to the other one is lost, and seldom nothing else is. */
  close(why: string, loses = false): void {
    if (this.isClosed) return;
    if (loses) this.out.drop();
    this.out.put({ kind: loses ? "reset" : "end", why });
    this.finish(why);
  }

  /**
   * `next` goes on in its place: nothing that was sent here may come behind what is sent there. What is on its way comes
   * first, or, where somebody or something stops it, not at all.
   */
  abandon(next: StreamEnd | undefined): void {
    this.out.isSuperseded = true;
    if (next === undefined || this.wires.isCut(this.out.link)) this.out.dropParts();
    else next.out.waitFor(this.out);
    if (next === undefined || this.other.holds > 0) this.other.dropUnread();
  }

  /** Its process ended without a word. Whoever asks the machine later is told. */
  die(): void {
    this.isClosed = true;
    this.isDead = true;
    this.timer?.cancel();
    this.onForgotten();
  }

  arrive(frame: Frame): void {
    if (frame.kind === "connect") this.wires.at(this.address)?.accept(this);
    const isGone = this.process === undefined || this.isDead;
    if (isGone && !this.wires.dark.has(this.address)) this.sendBack(frame);
    if (isGone) return;
    // A kernel takes a connection for a process that is paused.
    if (frame.kind === "connect") this.out.put({ kind: "connected" });
    if (frame.kind === "parts" || frame.kind === "hello" || frame.kind === "end") this.unread.push(frame);
    if (this.holds > 0 && this.other.out.isSuperseded) this.dropUnread();
    this.present.clock.live(() => this.take(frame));
  }

  private dropUnread(): void {
    this.unread = this.unread.filter(({ kind: what }) => what !== "parts");
    this.read = 0;
  }

  /** A message that is not in its order. */
  arriveAside(part: Part): void {
    if (this.isGreeted && !this.isClosed) this.arrive({ kind: "parts", parts: [part], bytes: 0 });
  }

  private get present(): EndProcess {
    assert(this.process !== undefined, "an end without a process", { address: this.address });
    return this.process;
  }

  private sendBack(frame: Frame): void {
    if (frame.kind === "end" || frame.kind === "reset") return;
    this.out.drop();
    this.out.put({ kind: "reset", why: this.isDead ? "the connection was lost" : `nobody listens at ${this.address}` });
  }

  private take(frame: Frame): void {
    if (this.isClosed) return;
    this.heardAt = this.wires.time.now;
    if (frame.kind === "connected" && this.first !== undefined) this.say(this.first);
    else if (frame.kind === "credit") {
      this.inFlightBytes -= frame.bytes;
      if (!this.outbox.isEmpty) this.wake();
    } else if (frame.kind === "ping") this.out.put({ kind: "pong", at: frame.at });
    else if (frame.kind === "pong") this.owner?.roundTrip(Math.round((this.heardAt - frame.at) * 1000));
    // Who holds would learn of the loss when nobody knows; what is not read yet may be lost.
    else if (frame.kind === "reset" || (frame.kind === "end" && this.holds > 0)) this.finish(frame.why);
    else this.readOn();
  }

  private readOn(): void {
    while (this.holds === 0 && !this.isClosed) {
      const [first] = this.unread;
      if (first === undefined) return;
      const part = first.kind === "parts" ? first.parts[this.read] : undefined;
      if (part === undefined) {
        this.unread.shift();
        this.read = 0;
        this.end(first);
        continue;
      }
      this.read++;
      const received = this.whole(part);
      const held = received === undefined ? undefined : this.owner?.received(this, received);
      if (held !== undefined) this.hold(held);
    }
  }

  /** A frame was read. */
  private end(frame: Frame): void {
    if (frame.kind === "hello") this.owner?.hello(this, frame.hello);
    else if (frame.kind === "end") this.finish(frame.why);
    else if (frame.kind === "parts") {
      this.usedAt = this.wires.time.now;
      this.readBytes += frame.bytes;
      if (this.readBytes * 4 < this.present.limits.windowBytes) return;
      this.out.put({ kind: "credit", bytes: this.readBytes });
      this.readBytes = 0;
    }
  }

  private whole(part: Part): Received | undefined {
    const payload = part.payload ?? emptyBytes;
    if (part.rest === undefined && part.kind !== kind.more) return receivedOf(part, copyOf(payload));
    if (part.kind !== kind.more) this.begun = part;
    this.pieces.push(payload);
    if (part.rest !== undefined) return undefined;
    assert(this.begun !== undefined, "more of a message that never began", {});
    const joined = receivedOf(this.begun, concatBytes(this.pieces));
    this.begun = undefined;
    this.pieces = [];
    return joined;
  }

  private hold(until: Promise<void>): void {
    this.holds++;
    if (this.other.out.isSuperseded) this.dropUnread();
    const release = (): void => {
      this.holds--;
      this.present.clock.live(() => this.readOn());
    };
    until.then(release, release);
  }

  private flush(): void {
    const { outbox, wires } = this;
    while (!this.isClosed && !outbox.isEmpty && this.inFlightBytes < this.present.limits.windowBytes) {
      const parts = outbox.pack(wires.time.now);
      if (parts.length === 0) return;
      let bytes = 0;
      for (const { payload } of parts) bytes += (payload?.length ?? 0) + partBytes;
      this.usedAt = wires.time.now;
      this.inFlightBytes += bytes;
      this.out.put({ kind: "parts", parts: wires.fates(this, parts), bytes });
    }
  }

  private tick(): void {
    if (this.isClosed) return;
    const { limits, clock } = this.present;
    const { now } = this.wires.time;
    if (now - this.heardAt >= 2 * limits.keepaliveMilliseconds) {
      this.wires.note("given up");
      this.close(`nothing was heard for ${Math.round(now - this.heardAt)} ms`, true);
    } else if (this.purpose === purposes.bulk && this.outbox.isEmpty && now - this.usedAt > limits.idleMilliseconds) {
      this.close("nothing was said on it for long");
    } else {
      this.out.put({ kind: "ping", at: now });
      this.timer = clock.after(limits.pingMilliseconds, () => this.tick());
    }
  }

  private finish(why: string): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.unread = [];
    this.process?.ends.delete(this);
    this.owner?.closed(this, why);
    this.onEnded();
    this.onForgotten();
  }
}

const partBytes = 40;

function receivedOf(part: Part, payload: Uint8Array): Received {
  const { kind: what, number = 0, remainingMilliseconds = 0, trace = "" } = part;
  assert(what !== kind.more, "a part that is no beginning", { number });
  return { kind: what, number, remainingMilliseconds, trace, payload };
}

/** A part of a larger buffer, as on the wire, so that nobody takes `buffer` for it. */
function copyOf(payload: Uint8Array): Uint8Array {
  const copy = new Uint8Array(payload.length + 1).subarray(1);
  copy.set(payload);
  return copy;
}
