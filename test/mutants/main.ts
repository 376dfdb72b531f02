// npm run mutants:engine -- [--seconds N] [--only WORD] [--seed N]
//
// Plants one bug after the other in a copy of the sources, builds it, and has hunt.ts look for it. A bug that
// is not found is a hole in the tests: the command fails. So does a copy without a bug in which something
// is found, for then finding means nothing.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { mutants } from "./mutants.ts";
import type { Mutant } from "./mutants.ts";

interface Verdict {
  readonly found: boolean;
  readonly line: string;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});

function main(): number {
  const chosen = mutants.filter((mutant) => mutant.name.includes(values.only));
  if (chosen.length === 0) throw new Error(`no planted bug has "${values.only}" in its name`);
  const root = mkdtempSync(join(tmpdir(), "trefoil-mutants-"));
  try {
    copySources(root);
    const clean = judge(root, 15);
    if (clean.found) throw new Error(`something is found without a planted bug: ${clean.line}`);
    const survivors = chosen.filter((mutant) => !hunt(root, mutant));
    console.log(`mutants ${chosen.length}, found ${chosen.length - survivors.length}, survived ${survivors.length}`);
    for (const { name } of survivors) console.error(`not found: ${name}`);
    return survivors.length === 0 ? 0 : 1;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function copySources(root: string): void {
  for (const name of ["cmd", "internal", "scripts", "test", "dist", "package.json", "tsconfig.json"]) {
    cpSync(name, join(root, name), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
}

function hunt(root: string, mutant: Mutant): boolean {
  const path = join(root, mutant.file);
  const source = readFileSync(path, "utf8");
  if (source.split(mutant.find).length !== 2) {
    throw new Error(`${mutant.name}: the line to change does not stand exactly once in ${mutant.file}`);
  }
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  const started = Date.now();
  try {
    build(root, mutant.name);
    const verdict = judge(root, Number(values.seconds));
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`${verdict.found ? "found   " : "SURVIVED"} ${mutant.name} (${seconds} s) ${verdict.line}`);
    return verdict.found;
  } finally {
    writeFileSync(path, source);
  }
}

/** A planted bug may leave something unused, but it has to compile otherwise. */
function build(root: string, name: string): void {
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const flags = ["-p", "tsconfig.json", "--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} does not compile: ${stdout}`);
}

function judge(root: string, seconds: number): Verdict {
  const run = spawnSync(process.execPath, ["dist/test/mutants/hunt.js", values.seed, String(seconds)], {
    cwd: root,
    encoding: "utf8",
    timeout: (seconds + 60) * 1000,
    killSignal: "SIGKILL",
  });
  if (run.status === 0) return { found: false, line: "" };
  if (run.signal !== null) return { found: true, line: "it hung" };
  const said = run.stdout.trim().split("\n").at(-1) ?? "";
  return { found: true, line: said === "" ? (run.stderr.trim().split("\n").at(-1) ?? "it died") : said };
}

process.exitCode = main();
