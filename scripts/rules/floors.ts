// The floor rule: a file imports only from lower floors or from its own folder, and below floor 6 nothing touches the world.
//
//   7  cmd                                                      wires the parts together
//   6  http resp grpc kv console telemetry os config client        the edges, and the real platform
//   5  node
//   4  cluster
//   3  store replica
//   2  log engine
//   1  platform ring raft
//   0  base
//
// A linter's patterns see the text of an import, not the file it leads to, and cannot say which floors were meant; so the
// imports are resolved here. Globals such as `Date` and `setTimeout` are forbidden below floor 6 in .oxlintrc.json.
// Tests, benches, scripts/ and test/ put parts together and may import from anywhere.

import { isBuiltin } from "node:module";
import path from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { finding, lineAt, type Finding, type SourceFile } from "./finding.ts";
import { isTestOrBench } from "./source-files.ts";

interface Floor {
  readonly floor: number;
  /** What the folder may import beside lower floors and itself: packages, and modules of Node below floor 6. */
  readonly allowed: readonly string[];
}

const edgeFloor = 6;
const edge: Floor = { floor: edgeFloor, allowed: [] };

const floors: ReadonlyMap<string, Floor> = new Map<string, Floor>([
  ["internal/base", { floor: 0, allowed: ["node:zlib", "node:worker_threads"] }], // crc32, markAsUntransferable
  ["internal/platform", { floor: 1, allowed: [] }],
  ["internal/ring", { floor: 1, allowed: ["xxhashjs"] }],
  ["internal/raft", { floor: 1, allowed: [] }],
  ["internal/log", { floor: 2, allowed: [] }],
  ["internal/engine", { floor: 2, allowed: [] }],
  ["internal/store", { floor: 3, allowed: [] }],
  ["internal/replica", { floor: 3, allowed: [] }],
  ["internal/cluster", { floor: 4, allowed: [] }],
  ["internal/node", { floor: 5, allowed: [] }],
  ["internal/http", edge],
  ["internal/resp", edge],
  ["internal/grpc", edge],
  ["internal/kv", edge],
  ["internal/console", edge],
  ["internal/telemetry", edge],
  ["internal/os", edge],
  ["internal/config", edge],
  ["internal/client", edge],
  ["cmd", { floor: 7, allowed: [] }],
]);

interface Import {
  /** Undefined when it is computed. */
  readonly specifier: string | undefined;
  readonly offset: number;
}

interface Syntax {
  readonly imports: readonly Import[];
  /** Where an async function, an `await` or the name `Promise` stands. */
  readonly promises: readonly number[];
}

/** Everything in the file that breaks the floor rule; nothing for a file that the rule does not concern. */
export function checkFloors(file: SourceFile): Finding[] {
  if (isTestOrBench(file.path) || file.path.startsWith("scripts/")) return [];
  const folder = folderOf(file.path);
  const own = floors.get(folder);
  if (own === undefined)
    return [finding(file.path, 0, `${folder} is not in the table of floors (scripts/rules/floors.ts)`)];
  const syntax = readSyntax(file);
  const found: Finding[] = [];
  for (const { specifier, offset } of syntax.imports) {
    const what = faultOfImport(file.path, specifier);
    if (what !== undefined) found.push(finding(file.path, lineAt(file.text, offset), what));
  }
  if (folder === "internal/raft") {
    const why = "the Raft core is synchronous: no async function, no await, no Promise";
    for (const offset of syntax.promises) found.push(finding(file.path, lineAt(file.text, offset), why));
  }
  return found;
}

/** `internal/log/cache/lines.ts` lies in `internal/log`; everything of cmd is one folder. */
function folderOf(file: string): string {
  const parts = file.split("/");
  return parts[0] === "internal" ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

function faultOfImport(from: string, specifier: string | undefined): string | undefined {
  const folder = folderOf(from);
  const { floor, allowed } = floors.get(folder) as Floor;
  if (specifier === undefined) return floor < edgeFloor ? "a computed import hides from the floor rule" : undefined;
  if (!specifier.startsWith(".")) {
    if (floor >= edgeFloor || allowed.includes(packageOf(specifier))) return undefined;
    const why = isBuiltin(specifier) ? "the world comes in through internal/platform" : "packages come in at the edges";
    return `${folder} (floor ${floor}) imports ${specifier}: below floor ${edgeFloor} ${why}`;
  }
  const target = path.posix.join(path.posix.dirname(from), specifier);
  if (isTestOrBench(target)) return `imports ${target}: what only tests need stays in tests`;
  const targetFolder = folderOf(target);
  if (targetFolder === folder) return undefined;
  const targetFloor = floors.get(targetFolder)?.floor;
  if (targetFloor === undefined) return `imports ${target}: ${targetFolder} is on no floor`;
  if (targetFloor < floor) return undefined;
  const where = `${folder} (floor ${floor}) imports from ${targetFolder} (floor ${targetFloor})`;
  return `${where}: a file imports only from lower floors or from its own folder`;
}

function packageOf(specifier: string): string {
  if (isBuiltin(specifier)) return specifier;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

function readSyntax(file: SourceFile): Syntax {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors.length > 0) throw new Error(`${file.path} cannot be parsed: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const promises: number[] = [];
  const noteImport = (specifier: unknown, offset: number): void => {
    imports.push({ specifier: typeof specifier === "string" ? specifier : undefined, offset });
  };
  const noteAsync = (node: { async: boolean; start: number }): void => {
    if (node.async) promises.push(node.start);
  };
  const visitor = new Visitor({
    ImportDeclaration: (node) => noteImport(node.source.value, node.start),
    ExportAllDeclaration: (node) => noteImport(node.source.value, node.start),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) noteImport(node.source.value, node.start);
    },
    ImportExpression: (node) => noteImport("value" in node.source ? node.source.value : undefined, node.start),
    TSImportType: (node) => noteImport(node.source.value, node.start),
    FunctionDeclaration: noteAsync,
    FunctionExpression: noteAsync,
    ArrowFunctionExpression: noteAsync,
    AwaitExpression: (node) => void promises.push(node.start),
    Identifier: (node) => {
      if (node.name === "Promise") promises.push(node.start);
    },
  });
  visitor.visit(program);
  return { imports, promises };
}
