// What the main thread and the background worker say to each other. Two numbers lie in shared memory,
// since the worker, busy with steps or asleep under its rate limit, sees them at once:
//
//   cells[wakeCell]  grows with every message and every new rate; the worker sleeps on it
//   cells[rateCell]  KiB per second that jobs which are not urgent may write; 0 is no limit

import type { PassedError } from "./error-passing.ts";

export const wakeCell = 0;
const rateCell = 1;
export const cellCount = 2;

const kibibyte = 1024;
const rateMax = 0x7fff_ffff;

export interface WorkerStart {
  readonly cells: Int32Array;
}

export interface RunMessage {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export type EndMessage =
  | { readonly id: number; readonly output: unknown; readonly error?: undefined }
  | { readonly id: number; readonly error: PassedError };

export function storeRate(cells: Int32Array, bytesPerSecond: number): void {
  const kibibytes = Math.ceil(bytesPerSecond / kibibyte);
  Atomics.store(cells, rateCell, kibibytes > rateMax ? 0 : Math.max(1, kibibytes));
}

export function loadRate(cells: Int32Array): number {
  const kibibytes = Atomics.load(cells, rateCell);
  return kibibytes === 0 ? Number.POSITIVE_INFINITY : kibibytes * kibibyte;
}

export function wake(cells: Int32Array): void {
  Atomics.add(cells, wakeCell, 1);
  Atomics.notify(cells, wakeCell);
}
