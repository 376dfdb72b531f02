// How long a lost peer is left alone before it is dialled again: later and later, by chance.

import type { TransportLimits } from "./limits.ts";

export type RedialLimits = Pick<TransportLimits, "redialMillisecondsLeast" | "redialMillisecondsMost">;

export interface EndedStream {
  /** In a row, before this one. */
  readonly failures: number;
  /** There was a stream, for so long; undefined: there was none. */
  readonly lastedMilliseconds: number | undefined;
}

/** With this one. Who takes a connection and drops it is not dialled faster than who takes none. */
export function failuresInRow({ failures, lastedMilliseconds = 0 }: EndedStream, limits: RedialLimits): number {
  return lastedMilliseconds > limits.redialMillisecondsMost ? 1 : failures + 1;
}

/** `chance`: from 0 to 1. */
export function redialPause(failures: number, limits: RedialLimits, chance: number): number {
  const most = Math.min(limits.redialMillisecondsMost, limits.redialMillisecondsLeast * 2 ** (failures - 1));
  return most * (0.5 + chance / 2);
}
