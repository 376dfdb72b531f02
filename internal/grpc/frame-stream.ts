// One stream after its handshake: queues what is said into frames, once a turn, hands out what arrives, holds back when
// either side cannot follow, and measures the way there and back.

import { TrefoilError } from "../base/errors.ts";
import type { Clock, Scheduler, Timer } from "../platform/clock.ts";
import { emptyBytes } from "../base/bytes.ts";
import { Inbox, type Received } from "./inbox.ts";
import type { TransportLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { encodeParts, kind, purpose as purposes, type Purpose } from "./peer-protocol.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Wire, WireListener } from "./wire.ts";

export interface StreamParts {
  readonly purpose: Purpose;
  /** Which side opened it: of two that could take a frame, the one that the peer opened is the faster. */
  readonly isDialled: boolean;
  /** As the other side named it when the stream began. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  /** Of everything that leaves; undefined: none. */
  readonly rate: RateLimit | undefined;
}

export interface StreamOwner {
  /** As NetworkHost.message: when a promise is returned, nothing more is read until it settles. */
  received(stream: FrameStream, received: Received): Promise<void> | void;
  /** Once. */
  closed(stream: FrameStream, why: string): void;
  roundTrip(microseconds: number): void;
}

export class FrameStream implements WireListener {
  readonly parts: StreamParts;
  readonly outbox: Outbox;
  private readonly wire: Wire;
  private readonly owner: StreamOwner;
  private readonly inbox = new Inbox();
  private readonly deliver: (received: Received) => void;
  private readonly flushNow: () => void;
  private isFlushDue = false;
  private isClosed = false;
  private unwrittenBytes = 0;
  /** Receivers that asked for nothing more for now. */
  private holds = 0;
  private pings = 0;
  /** When the last ping left; undefined: it was answered. */
  private pingedAt: number | undefined;
  private timer: Timer | undefined;
  private lastUse: number;

  constructor(wire: Wire, parts: StreamParts, owner: StreamOwner) {
    this.wire = wire;
    this.parts = parts;
    this.owner = owner;
    this.outbox = new Outbox(parts.limits);
    this.lastUse = parts.clock.monotonicMilliseconds();
    this.deliver = (received) => this.receive(received);
    this.flushNow = () => {
      this.isFlushDue = false;
      this.flush();
    };
    this.tickLater();
    if (parts.purpose === purposes.main) this.ping();
  }

  /** To be called after something was put into the outbox: it leaves when the turn is over. */
  wake(): void {
    if (this.isFlushDue || this.isClosed) return;
    this.isFlushDue = true;
    this.parts.scheduler.afterTurn(this.flushNow);
  }

  close(why: string): void {
    this.wire.close(why);
  }

  frame(bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.lastUse = this.parts.clock.monotonicMilliseconds();
    try {
      this.inbox.take(bytes, this.deliver);
    } catch (error) {
      if (!(error instanceof TrefoilError) || error.code !== "corruption") throw error;
      this.close(error.message);
    }
  }

  closed(why: string): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.owner.closed(this, why);
  }

  private flush(): void {
    const { clock, limits, rate } = this.parts;
    while (!this.isClosed && !this.outbox.isEmpty && this.unwrittenBytes < limits.unwrittenBytesMax) {
      const now = clock.monotonicMilliseconds();
      const pause = rate?.pauseMilliseconds(now) ?? 0;
      if (pause > 0) {
        this.isFlushDue = true;
        this.parts.scheduler.after(pause, this.flushNow, true);
        return;
      }
      const parts = this.outbox.pack(now);
      if (parts.length === 0) return;
      const frame = encodeParts(parts);
      rate?.spend(frame.length);
      this.lastUse = now;
      this.unwrittenBytes += frame.length;
      this.wire.write(frame, () => {
        this.unwrittenBytes -= frame.length;
        if (!this.outbox.isEmpty) this.wake();
      });
    }
  }

  private receive(received: Received): void {
    if (this.isClosed) return;
    if (received.kind === kind.ping) {
      if (this.outbox.addUrgent(kind.pong, emptyBytes, received.number)) this.wake();
    } else if (received.kind === kind.pong) {
      this.ponged(received.number);
    } else {
      const held = this.owner.received(this, received);
      if (held !== undefined) this.hold(held);
    }
  }

  private hold(until: Promise<void>): void {
    if (this.holds++ === 0) this.wire.pause();
    const release = (): void => {
      if (--this.holds === 0 && !this.isClosed) this.wire.resume();
    };
    until.then(release, release);
  }

  private tickLater(): void {
    const { scheduler, limits } = this.parts;
    this.timer = scheduler.after(limits.pingMilliseconds, () => this.tick(), true);
  }

  private tick(): void {
    const { purpose, limits, clock } = this.parts;
    if (purpose === purposes.main) this.ping();
    else if (clock.monotonicMilliseconds() - this.lastUse > limits.idleMilliseconds && this.outbox.isEmpty) {
      this.close("nothing was said on it for long");
      return;
    }
    this.tickLater();
  }

  /** One at a time: whoever answers slowly is not asked more often. */
  private ping(): void {
    if (this.pingedAt !== undefined) return;
    this.pings = (this.pings + 1) >>> 0;
    if (!this.outbox.addUrgent(kind.ping, emptyBytes, this.pings)) return;
    this.pingedAt = this.parts.clock.monotonicMilliseconds();
    this.wake();
  }

  private ponged(number: number): void {
    if (this.pingedAt === undefined || number !== this.pings) return;
    const milliseconds = this.parts.clock.monotonicMilliseconds() - this.pingedAt;
    this.pingedAt = undefined;
    this.owner.roundTrip(Math.round(milliseconds * 1000));
  }
}
