// A step is a command that has to succeed. Its output is kept back and shown only when it fails, so that a green run is one
// line a step and a red one says what to mend.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { root } from "./root.ts";

export interface Step {
  readonly name: string;
  /** What follows `node` on the command line. */
  readonly command: readonly string[];
}

const outputBytesMax = 64 << 20;

/** Runs the step and prints its line. Answers whether it succeeded. */
export function runStep(step: Step): boolean {
  const started = performance.now();
  const result = spawnSync(process.execPath, step.command, { cwd: root, encoding: "utf8", maxBuffer: outputBytesMax });
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
  if (result.error === undefined && result.status === 0) {
    console.log(`✔ ${step.name.padEnd(10)} ${seconds} s  ${lastLine(output)}`);
    return true;
  }
  const why =
    result.error?.message ?? (result.status === null ? `signal ${result.signal}` : `exit code ${result.status}`);
  console.log(`✖ ${step.name.padEnd(10)} ${seconds} s  ${why}`);
  if (output !== "") console.log(output);
  return false;
}

function lastLine(output: string): string {
  return output.slice(output.lastIndexOf("\n") + 1);
}
