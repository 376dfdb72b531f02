// What a side watches in its own process while it works: the delay of its event loop, its memory, and
// on demand a CPU profile.

import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import type { LoopFigures } from "./side.ts";

const nanosecondsPerMillisecond = 1e6;
const memorySampleMilliseconds = 20;

export class LoopWatch {
  private histogram: IntervalHistogram | undefined;

  start(): void {
    this.histogram = monitorEventLoopDelay({ resolution: 1 });
    this.histogram.enable();
  }

  stop(): LoopFigures {
    const histogram = this.histogram;
    if (histogram === undefined) throw new Error("the event loop was not being watched");
    histogram.disable();
    this.histogram = undefined;
    return {
      maxMilliseconds: histogram.max / nanosecondsPerMillisecond,
      p999Milliseconds: histogram.percentile(99.9) / nanosecondsPerMillisecond,
      meanMilliseconds: histogram.mean / nanosecondsPerMillisecond,
    };
  }
}

/** Of the process, worker included. Shared buffers show only in the resident set: Node does not count them. */
export interface MemoryGrowth {
  readonly residentBytes: number;
  /** The resident set without what the main thread's heap has taken from the system. */
  readonly outsideBytes: number;
  readonly heapBytes: number;
}

const noGrowth: MemoryGrowth = { residentBytes: 0, outsideBytes: 0, heapBytes: 0 };

/** The greatest growth over what was there at the start, by samples. */
export class MemoryWatch {
  private base: NodeJS.MemoryUsage | undefined;
  private peak = noGrowth;
  private timer: NodeJS.Timeout | undefined;

  start(): void {
    collectGarbage();
    this.base = process.memoryUsage();
    this.peak = noGrowth;
    this.timer = setInterval(() => this.sample(), memorySampleMilliseconds);
  }

  stop(): MemoryGrowth {
    this.sample();
    clearInterval(this.timer);
    return this.peak;
  }

  private sample(): void {
    const base = this.base;
    if (base === undefined) throw new Error("memory was not being watched");
    const now = process.memoryUsage();
    const residentBytes = now.rss - base.rss;
    const heapBytes = now.heapTotal - base.heapTotal;
    this.peak = {
      residentBytes: Math.max(this.peak.residentBytes, residentBytes),
      outsideBytes: Math.max(this.peak.outsideBytes, residentBytes - heapBytes),
      heapBytes: Math.max(this.peak.heapBytes, heapBytes),
    };
  }
}

export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

/** A CPU profile of what runs between start and stop, for the developer tools to open. */
export class CpuProfile {
  private session: Session | undefined;
  private file = "";

  /** Starts when a file is named, else ends the one that runs and writes it. */
  async turn(file: string | undefined): Promise<void> {
    if (file !== undefined) {
      this.file = file;
      this.session = new Session();
      this.session.connect();
      await this.session.post("Profiler.enable");
      await this.session.post("Profiler.setSamplingInterval", { interval: 200 });
      await this.session.post("Profiler.start");
      return;
    }
    if (this.session === undefined) return;
    const { profile } = await this.session.post("Profiler.stop");
    this.session.disconnect();
    this.session = undefined;
    writeFileSync(this.file, JSON.stringify(profile));
  }
}
