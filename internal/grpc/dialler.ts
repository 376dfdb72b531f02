// Keeps a stream to one peer open: dials again when it is lost, later and later, by chance so that a cluster does not dial
// a restarted node all at once.

import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { ofAnotherCluster } from "../platform/network.ts";
import { Dial, type DialParts } from "./dial.ts";
import type { PeerLink } from "./peer-link.ts";
import { failuresInRow, redialPause } from "./redial.ts";

/** Some tenths of a second to a second after the first. */
const failuresUntold = 6;

export interface DiallerParts extends Omit<DialParts, "ended"> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1. */
  chance(): number;
}

export class Dialler {
  readonly address: string;
  private readonly link: PeerLink;
  private readonly parts: DiallerParts;
  private dial: Dial | undefined;
  private dialledAt = 0;
  private failures = 0;
  private timer: Timer | undefined;
  private isClosed = false;
  private lastTrouble: string | undefined;

  constructor(link: PeerLink, parts: DiallerParts) {
    this.link = link;
    this.parts = parts;
    this.address = parts.address;
    this.try();
  }

  /** The peer is there: it has dialled this node. */
  hurry(): void {
    if (this.timer === undefined) return;
    this.timer.cancel();
    this.try();
  }

  /** Once more, beside the stream that there is, which the new one replaces: each side says again who it is. */
  renew(): void {
    this.timer?.cancel();
    this.try();
  }

  /** Ends the stream, too. */
  close(why: string): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.dial?.close(why);
  }

  private try(): void {
    this.timer = undefined;
    this.dialledAt = this.parts.clock.monotonicMilliseconds();
    const made: Dial = new Dial(this.link, {
      ...this.parts,
      ended: (why) => {
        if (this.dial === made) this.ended(why);
      },
    });
    this.dial = made;
  }

  private ended(why: string | undefined): void {
    if (this.isClosed) return;
    this.dial = undefined;
    if (why === undefined) this.lastTrouble = undefined;
    else this.tell(why);
    if (why?.startsWith(ofAnotherCluster) === true) this.link.closeUnnamed(why);
    const { limits, clock, scheduler } = this.parts;
    const lastedMilliseconds = why === undefined ? clock.monotonicMilliseconds() - this.dialledAt : undefined;
    this.failures = failuresInRow({ failures: this.failures, lastedMilliseconds }, limits);
    this.timer = scheduler.after(redialPause(this.failures, limits, this.parts.chance()), () => this.try(), true);
  }

  private tell(why: string): void {
    if (this.link.life === undefined) this.link.trouble = why;
    // A cluster starts, and a node is restarted, in less than that.
    if (why === this.lastTrouble || this.failures < failuresUntold) return;
    this.lastTrouble = why;
    this.parts.logger.warn("a peer cannot be reached", { peer: this.link.node, address: this.address, why });
  }
}
