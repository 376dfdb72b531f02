// Which compiled test files a run takes.
//
// The list is made here and given to `node --test` as plain paths, since Node 20 and Node 24 read globs and folders
// differently. The test files of the pure floors are small and many, and a process for each would cost more than their
// tests, so one generated file imports them all.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromRoot, outputFolder, runFolder } from "./root.ts";

const testFolders = ["cmd", "internal", "scripts", "test"];
const pureFolders = ["internal/base/", "internal/platform/", "internal/ring/", "internal/raft/"];
const compiledEnding = ".test.js";

/** The compiled file `dist/internal/base/x.test.js` under the name of its source, `internal/base/x.test.ts`. */
export function sourceName(compiled: string): string {
  return fromRoot(compiled)
    .replace(/^dist\//, "")
    .replace(/\.js$/, ".ts");
}

/** Every compiled test file whose source name contains one of the filters (all when there is none), sorted. */
export function listTestFiles(filters: readonly string[]): string[] {
  const files: string[] = [];
  for (const folder of testFolders) {
    for (const name of filesUnder(path.join(outputFolder, folder))) {
      if (name.endsWith(compiledEnding)) files.push(name);
    }
  }
  return files.filter((file) => matches(sourceName(file), filters)).toSorted();
}

function matches(name: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => name.includes(filter.replace(/^\.\//, "")));
}

function filesUnder(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The paths to hand to Node: the same files, those of the pure floors behind one generated file. */
export function bundlePureFloors(files: readonly string[]): string[] {
  const pure = files.filter((file) => pureFolders.some((folder) => sourceName(file).startsWith(folder)));
  if (pure.length < 2) return [...files];
  mkdirSync(runFolder, { recursive: true });
  const bundle = path.join(runFolder, "pure-floors.test.mjs");
  const imports = pure.map((file) => `import ${JSON.stringify(relativeSpecifier(file))};\n`);
  writeFileSync(bundle, imports.join(""));
  return [bundle, ...files.filter((file) => !pure.includes(file))];
}

function relativeSpecifier(file: string): string {
  return path.relative(runFolder, file).split(path.sep).join("/");
}
