// What a path leads to, by its name and what lies in it, so that whoever gave the wrong one is told the right one.

import { TrefoilError } from "../../../internal/base/errors.ts";
import { ownNames } from "../../../internal/cluster/node-folder.ts";
import { currentName, parseFileName } from "../../../internal/engine/file-names.ts";
import { begunName, parseLogName } from "../../../internal/log/segment.ts";
import { DiskFailure } from "../../../internal/platform/disk.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import { enginePart, logPart, storeParts } from "../../../internal/store/store-folder.ts";
import { isOfNode, nodesIn } from "./node-folder.ts";
import { fileName } from "./text.ts";

export type Inspection = "log" | "table" | "manifest" | "folder";
export type PathKind = keyof typeof described;

const described = {
  cluster: "a folder of nodes",
  node: "a node's folder",
  store: "a store's folder",
  engine: "an engine's folder",
  log: "a log's folder",
  folder: "a folder with nothing of Trefoil's in it",
  table: "a table",
  manifest: "a manifest",
  current: "the file that names a manifest",
  segment: "a segment of a log",
  mark: "the file that makes a folder a store",
  record: "the file that says whose folder it is",
  file: "a file",
};

/** A file of any other name may be a copy of what is wanted. */
const taken = {
  log: ["log", "segment", "file"],
  table: ["table", "file"],
  manifest: ["manifest", "engine", "file"],
  folder: ["cluster", "node", "store", "engine", "log"],
} as const satisfies { readonly [Wanted in Inspection]: readonly PathKind[] };

/** What it can take. */
type TakenBy<Wanted extends Inspection> = (typeof taken)[Wanted][number];

/** Throws when there is nothing at the path. */
async function kindOf(disk: Disk, path: string): Promise<PathKind> {
  if ((await disk.sizeOf(path)) !== undefined) return kindOfFile(fileName(path));
  const names = await listExisting(disk, path);
  if (isOfNode(names)) return "node";
  if (names.includes(storeParts.mark) || names.includes(storeParts.engine)) return "store";
  if (names.some((name) => parseFileName(name) !== undefined)) return "engine";
  if (names.some((name) => name === begunName || parseLogName(name) !== undefined)) return "log";
  return (await nodesIn(disk, path, names)).length > 0 ? "cluster" : "folder";
}

async function listExisting(disk: Disk, path: string): Promise<string[]> {
  try {
    return await disk.list(path);
  } catch (failure) {
    if (!(failure instanceof DiskFailure) || failure.kind !== "not_found") throw failure;
    throw new TrefoilError("not_found", `${path} does not exist`, { cause: failure });
  }
}

function kindOfFile(name: string): PathKind {
  if (name === storeParts.mark) return "mark";
  if (name === ownNames.record) return "record";
  if (name === currentName) return "current";
  if (parseLogName(name)?.kind === "segment") return "segment";
  const file = parseFileName(name);
  return file?.kind === "table" || file?.kind === "manifest" ? file.kind : "file";
}

/** The path, without slashes behind it, and its kind. Throws what to use instead when the inspection cannot take it. */
export async function checkPath<Wanted extends Inspection>(
  disk: Disk,
  wanted: Wanted,
  given: string,
): Promise<[string, TakenBy<Wanted>]> {
  const path = given.length > 1 ? given.replace(/\/+$/, "") : given;
  const kind = await kindOf(disk, path);
  if (isTaken(wanted, kind)) return [path, kind];
  if (kind === "folder" && wanted !== "table") {
    const names = await disk.list(path);
    const what = names.length === 0 ? "it is empty" : `it holds ${names.slice(0, 3).join(", ")}`;
    const missing =
      wanted === "log" ? "no log's folder" : wanted === "folder" ? foldersKnown : "no folder of an engine";
    throw new TrefoilError("bad_request", `${path} is ${missing}: ${what}`);
  }
  const better = await suggestion(disk, wanted, kind, path);
  throw new TrefoilError("bad_request", `${path} is ${described[kind]}. ${better}`);
}

function isTaken<Wanted extends Inspection>(wanted: Wanted, kind: PathKind): kind is TakenBy<Wanted> {
  const kinds: readonly PathKind[] = taken[wanted];
  return kinds.includes(kind);
}

const foldersKnown = "no folder of a node, a store, an engine or a log";

async function suggestion(disk: Disk, wanted: Inspection, kind: PathKind, path: string): Promise<string> {
  const parent = path.includes("/") ? path.slice(0, Math.max(1, path.lastIndexOf("/"))) : ".";
  const use = (inspection: Inspection, at: string): string => `Try: trefoil inspect ${inspection} ${at}`;
  switch (kind) {
    case "cluster": {
      const [first = "n1"] = await nodesIn(disk, path, await disk.list(path));
      return suggestion(disk, wanted, "node", `${path}/${first}`);
    }
    // The parts of both have the same names.
    case "node":
    case "store":
      if (wanted === "log") return use("log", logPart(path));
      if (wanted === "manifest") return use("manifest", enginePart(path));
      return suggestTable(disk, enginePart(path));
    case "engine":
      return wanted === "table" ? suggestTable(disk, path) : use("folder", path);
    case "table":
    case "manifest":
      return use(kind, path);
    case "log":
    case "segment":
      return use("log", path);
    case "current":
      return use("manifest", parent);
    case "mark":
    case "record":
      return use("folder", parent);
    case "folder":
      return "Give a table's file (*.table)";
    case "file":
      break;
  }
  const beside = await kindOf(disk, parent);
  return beside === "folder" ? `Give ${foldersKnown.replace("no ", "a ")}` : `Try: trefoil inspect folder ${parent}`;
}

async function suggestTable(disk: Disk, engine: string): Promise<string> {
  const names = await disk.list(engine).catch(() => []);
  const table = names.find((name) => parseFileName(name)?.kind === "table");
  if (table === undefined) return `Give a table's file (*.table); there is none in ${engine}`;
  return `Try: trefoil inspect table ${engine}/${table}`;
}
