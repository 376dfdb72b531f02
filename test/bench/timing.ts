// Clocks and loops that both sides share.

import type { WriterFigures, WritersCall } from "./side.ts";

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

const sampleEvery = 16;

/** Writers that go on until their time is over. The clock is asked for one write in some, since asking costs. */
export async function runWriters(
  call: WritersCall,
  write: (number: number) => Promise<unknown>,
): Promise<WriterFigures> {
  const latencies = new Latencies();
  const state = { isOver: false };
  let next = 0;
  const writer = async (): Promise<void> => {
    while (!state.isOver) {
      const number = next++;
      const begun = number % sampleEvery === 0 ? performance.now() : 0;
      await write(number);
      if (begun > 0) latencies.add(performance.now() - begun);
    }
  };
  const started = performance.now();
  setTimeout(() => {
    state.isOver = true;
  }, call.seconds * 1000);
  await Promise.all(Array.from({ length: call.writers }, writer));
  return { operations: next, seconds: seconds(started), ...latencies.figures() };
}

class Latencies {
  private readonly milliseconds: number[] = [];

  add(milliseconds: number): void {
    this.milliseconds.push(milliseconds);
  }

  figures(): { p50Milliseconds: number; p99Milliseconds: number } {
    const sorted = Float64Array.from(this.milliseconds).toSorted();
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return { p50Milliseconds: at(0.5), p99Milliseconds: at(0.99) };
  }
}
