// Which compiled test files a run takes.
//
// The list is made here and given to `node --test` as plain paths, since Node 20 and Node 24 read globs and folders
// differently. The test files of the pure floors are small and many, and a process for each would cost more than their
// tests, so one generated file imports them all.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromRoot, outputFolder } from "./root.ts";

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

export function isPure(compiled: string): boolean {
  return pureFolders.some((folder) => sourceName(compiled).startsWith(folder));
}

/** The paths to hand to Node: the same files, those of the pure floors behind one, which is written to `bundle`. */
export function bundlePureFloors(files: readonly string[], bundle: string): string[] {
  const pure = files.filter(isPure);
  if (pure.length < 2) return [...files];
  const folder = path.dirname(bundle);
  mkdirSync(folder, { recursive: true });
  const specifiers = pure.map((file) => path.relative(folder, file).split(path.sep).join("/"));
  writeFileSync(bundle, specifiers.map((specifier) => `import ${JSON.stringify(specifier)};\n`).join(""));
  return [bundle, ...files.filter((file) => !pure.includes(file))];
}
