// The beginning of a stream, at either end: the first frame is a hello, and comes in time.

import { TrefoilError } from "../base/errors.ts";
import type { Scheduler, Timer } from "../platform/clock.ts";
import { decodeHello, type Hello } from "./peer-protocol.ts";
import type { Wire, WireListener } from "./wire.ts";

export interface GreetingParts {
  readonly scheduler: Scheduler;
  readonly milliseconds: number;
  /** The other side's hello: hand the wire to another listener, or close it. */
  hello(hello: Hello): void;
  /** The stream ended before that, or by it. */
  closed(why: string): void;
}

export class Greeting implements WireListener {
  private readonly wire: Wire;
  private readonly parts: GreetingParts;
  private readonly timer: Timer;

  constructor(wire: Wire, parts: GreetingParts) {
    this.wire = wire;
    this.parts = parts;
    this.timer = parts.scheduler.after(parts.milliseconds, () => wire.close("it said no hello in time"), true);
    wire.listen(this);
  }

  frame(bytes: Uint8Array): void {
    this.timer.cancel();
    let hello: Hello;
    try {
      hello = decodeHello(bytes);
    } catch (error) {
      if (!(error instanceof TrefoilError) || error.code !== "corruption") throw error;
      this.wire.close(error.message);
      return;
    }
    this.parts.hello(hello);
  }

  closed(why: string): void {
    this.timer.cancel();
    this.parts.closed(why);
  }
}
