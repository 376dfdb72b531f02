// Processes that this one has started do not outlive it, whether it ends by itself or by a signal that asks it to. (What ends it without a
// word, SIGKILL, it cannot see: `trefoild` with a channel to whoever started it stops by itself then.)

import type { ChildProcess } from "node:child_process";
import process from "node:process";

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
const ends = new Map<ChildProcess, () => void>();

/** `end` ends it at once, when more than itself has to end. */
export function endsWithThisProcess(child: ChildProcess, end: () => void = () => void child.kill("SIGKILL")): void {
  if (ends.size === 0) watch();
  ends.set(child, end);
  child.once("close", () => {
    ends.delete(child);
    if (ends.size === 0) unwatch();
  });
}

function watch(): void {
  process.on("exit", endAll);
  for (const signal of signals) process.on(signal, endBy);
}

function unwatch(): void {
  process.off("exit", endAll);
  for (const signal of signals) process.off(signal, endBy);
}

function endAll(): void {
  for (const end of ends.values()) end();
}

/** As if nobody had listened. */
function endBy(signal: NodeJS.Signals): void {
  endAll();
  unwatch();
  process.kill(process.pid, signal);
}
