// Where a benchmark ran, for its table: figures of different machines do not compare.

import os from "node:os";
import process from "node:process";

export function machineLimits(): { readonly machine: string; readonly loadAverage: number } {
  const cpus = os.cpus();
  const machine = `${os.type()} ${os.release()}, ${cpus.length} x ${cpus[0]?.model ?? "?"}, Node ${process.versions.node}`;
  return { machine, loadAverage: os.loadavg()[0] ?? 0 };
}
