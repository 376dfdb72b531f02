// Signals that tell a process to stop. The first one asks for an orderly end, another one for an end at once. What comes
// within a moment of the first is the same wish: ctrl-c reaches a process from the terminal, and again from an npm above it that
// passes it on.

import process from "node:process";

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
const sameWishMilliseconds = 300;

/** Nothing is open yet: nothing has to end in order. */
const endAtOnce = (): never => process.exit(0);

/** For a program that runs until it is told to stop, until it listens itself. */
export function stopsWhileLoading(): void {
  for (const signal of signals) process.on(signal, endAtOnce);
}

export const isStopSignal = (signal: NodeJS.Signals | null): boolean => signals.some((each) => each === signal);

export function onStopSignals(stop: (signal: string) => void, stopAtOnce: () => void): void {
  let toldAt: number | undefined;
  const told = (signal: string): void => {
    const now = performance.now();
    if (toldAt === undefined) {
      toldAt = now;
      stop(signal);
    } else if (now - toldAt > sameWishMilliseconds) {
      stopAtOnce();
    }
  };
  for (const signal of signals) process.on(signal, told).off(signal, endAtOnce);
}
