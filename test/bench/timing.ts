// Clocks and loops that both sides share.

import type { WriterFigures } from "./side.ts";

export function seconds(started: number): number {
  return (performance.now() - started) / 1000;
}

/** Runs `work` for the numbers 0 to `count` - 1, as many at once as there are lanes; ends when the last has ended. */
export async function runLanes(lanes: number, count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

export class Latencies {
  private readonly milliseconds: number[] = [];

  add(milliseconds: number): void {
    this.milliseconds.push(milliseconds);
  }

  figures(taken: number): WriterFigures {
    const sorted = Float64Array.from(this.milliseconds).toSorted();
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return { operations: sorted.length, seconds: taken, p50Milliseconds: at(0.5), p99Milliseconds: at(0.99) };
  }
}
