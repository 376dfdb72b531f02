// Programs of Debian's that a command needs and this machine may lack: installed when that is permitted, else said.

import { spawnSync } from "node:child_process";

/** Throws with what to do when the program is not there and cannot be installed. */
export function needProgram(program: string, ...packageNames: readonly string[]): void {
  if (isThere(program)) return;
  const names = packageNames.join(" and ");
  console.log(`  … installing Debian's ${names}, for ${program}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const flags = ["install", "-y", "--no-install-recommends", ...packageNames];
  const tried = spawnSync("apt-get", flags, { env: environment, encoding: "utf8" });
  if (isThere(program)) return;
  const why = tried.error?.message ?? tried.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(`${program} is not on this machine, and apt-get could not install ${names}: ${why}`);
}

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}
