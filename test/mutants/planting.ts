// Planting bugs: a copy of the project, a change to one of its files, a build, and the file as it was again. A bug is a few
// lines at most, and names the text that it changes: when that text does not stand exactly once, the sources have moved on
// and the bug has not, which is an error and not a find.

import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

export interface Edit {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** Where one line does not do: a rule that is kept in two places. */
  readonly also?: readonly Edit[];
}

const editsOf = (mutant: Mutant): readonly Edit[] => [mutant, ...(mutant.also ?? [])];

/** Makes `root`, an empty folder, a copy of the project with what is built of it. */
export function copySources(root: string): void {
  for (const name of ["cmd", "internal", "proto", "scripts", "test", "dist", "package.json", "tsconfig.json"]) {
    cpSync(name, join(root, name), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
}

/** A planted bug may leave something unused, but it has to compile otherwise. */
export function buildCopy(root: string, what: string): void {
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const flags = ["-p", "tsconfig.json", "--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${what} does not compile: ${stdout}`);
}

/** Changes the copy as the bug says and builds it; what is returned makes the sources as they were. */
export function plant(mutant: Mutant, root: string): () => void {
  const [misfit] = misfits([mutant], root);
  if (misfit !== undefined) throw new Error(misfit);
  const before = new Map<string, string>();
  const restore = (): void => {
    for (const [path, source] of before) writeFileSync(path, source);
  };
  try {
    for (const { file, find, replace } of editsOf(mutant)) {
      const path = join(root, file);
      const source = readFileSync(path, "utf8");
      if (!before.has(path)) before.set(path, source);
      writeFileSync(
        path,
        source.replace(find, () => replace),
      );
    }
    buildCopy(root, mutant.name);
  } catch (failure) {
    restore();
    throw failure;
  }
  return restore;
}

/** What does not fit the sources any more, in words. */
export function misfits(mutants: readonly Mutant[], root = "."): string[] {
  return mutants.flatMap((mutant) =>
    editsOf(mutant)
      .filter(({ file, find }) => readFileSync(join(root, file), "utf8").split(find).length !== 2)
      .map(({ file, find }) => `${mutant.name}: ${JSON.stringify(find)} does not stand exactly once in ${file}`),
  );
}
