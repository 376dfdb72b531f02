// The machine that this process runs on.

import { readFileSync } from "node:fs";
import type { Machine } from "../platform/machine.ts";

/** Linux says it there, and a container sees the same: the page cache is the machine's. */
const bootIdPath = "/proc/sys/kernel/random/boot_id";

export const systemMachine: Machine = { bootId: readBootId(bootIdPath) };

/** Undefined where the system does not say it. */
export function readBootId(path: string): string | undefined {
  try {
    const text = readFileSync(path, "latin1").trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}
