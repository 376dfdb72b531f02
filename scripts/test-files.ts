// Which compiled test files a run takes, and which of them share a process.
//
// The list is made here and given to `node --test` as plain paths, since Node 20 and Node 24 read globs and folders
// differently. Most test files are done sooner than a process has loaded what they import, so those of a folder share one: a
// generated file imports them all. Those that start processes, signal their own or watch its memory keep one each.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromRoot, outputFolder } from "./root.ts";

const testFolders = ["cmd", "internal", "scripts", "test"];
/** Each shares a process: as many folders behind one name as take about a minute together. */
const sharedFolders: Readonly<Record<string, readonly string[]>> = {
  "pure-floors": ["internal/base/", "internal/platform/", "internal/ring/", "internal/raft/"],
  engine: ["internal/engine/"],
  "log-and-replica": ["internal/log/", "internal/replica/"],
  edges: ["internal/cluster/", "internal/config/", "internal/http/", "internal/kv/", "internal/node/"],
  "test-engine": ["test/engine/"],
  "test-log": ["test/log/"],
  "test-replica": ["test/replica/"],
};
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

/** The name under which its folder shares a process; undefined: it has one of its own. */
function sharedBy(compiled: string): string | undefined {
  const source = sourceName(compiled);
  return Object.keys(sharedFolders).find((name) => sharedFolders[name]?.some((folder) => source.startsWith(folder)));
}

export function isShared(compiled: string): boolean {
  return sharedBy(compiled) !== undefined;
}

/**
 * The paths to hand to Node: the same files, those that share a process behind one each, which is written to `folder`. They come
 * first: they take longest.
 */
export function shareProcesses(files: readonly string[], folder: string): string[] {
  const shared: string[] = [];
  let others = [...files];
  for (const name of Object.keys(sharedFolders)) {
    const members = others.filter((file) => sharedBy(file) === name);
    if (members.length < 2) continue;
    const written = path.join(folder, `${name}.test.mjs`);
    writeImports(written, members);
    shared.push(written);
    others = others.filter((file) => !members.includes(file));
  }
  return [...shared, ...others];
}

function writeImports(file: string, imported: readonly string[]): void {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true });
  const specifiers = imported.map((other) => path.relative(folder, other).split(path.sep).join("/"));
  writeFileSync(file, specifiers.map((specifier) => `import ${JSON.stringify(specifier)};\n`).join(""));
}
