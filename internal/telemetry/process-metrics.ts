// The process itself: how late its event loop is, what it was built from, memory and time of the processor.

import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { counter, gauge, single } from "./families.ts";
import type { Family } from "./families.ts";

/** Seconds since somebody looked last. */
export interface LoopLag {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoopMonitor {
  /** What was measured since the last call. */
  take(): LoopLag;
  close(): void;
}

export interface Build {
  readonly version: string;
  /** Of the cluster map and what it lies in. */
  readonly format: number;
}

const resolutionMilliseconds = 10;

/** Samples the loop all the time, at little cost; the timer behind it holds no process open. */
export function monitorLoop(): LoopMonitor {
  const delay = monitorEventLoopDelay({ resolution: resolutionMilliseconds });
  delay.enable();
  // It measures from tick to tick, of which the resolution is no lag; in nanoseconds.
  const lag = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMilliseconds / 1000);
  return {
    take: () => {
      const taken =
        delay.count === 0
          ? { p50: 0, p95: 0, p99: 0, max: 0 }
          : {
              p50: lag(delay.percentile(50)),
              p95: lag(delay.percentile(95)),
              p99: lag(delay.percentile(99)),
              max: lag(delay.max),
            };
      delay.reset();
      return taken;
    },
    close: () => void delay.disable(),
  };
}

export function processFamilies(build: Build, loopLag: () => LoopLag): Family[] {
  return [
    gauge(
      "trefoil_event_loop_lag_seconds",
      "How late the event loop was since the last look; quantile 1 is the worst.",
      () => {
        const { p50, p95, p99, max } = loopLag();
        return (
          [
            [0.5, p50],
            [0.95, p95],
            [0.99, p99],
            [1, max],
          ] as const
        ).map(([quantile, value]) => ({ labels: { quantile }, value }));
      },
    ),
    gauge("trefoil_build_info", "Always 1; what runs is in the labels.", () => [
      { labels: { version: build.version, format: build.format, node: process.version }, value: 1 },
    ]),
    gauge("trefoil_process_resident_memory_bytes", "Memory of the process.", () => single(process.memoryUsage.rss())),
    gauge("trefoil_process_heap_used_bytes", "Of it the JavaScript heap.", () =>
      single(process.memoryUsage().heapUsed),
    ),
    counter("trefoil_process_cpu_seconds_total", "Time of processors, of all threads.", () => {
      const { user, system } = process.cpuUsage();
      return single((user + system) / 1e6);
    }),
    gauge("trefoil_process_uptime_seconds", "Age of the process.", () => single(process.uptime())),
  ];
}
