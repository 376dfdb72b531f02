// What lies in a folder: of a node, of all nodes of `trefoil dev`, of a store, of an engine, or of a log. Reads everything that it judges: the mark, the
// manifest, every block of every table that the manifest names, every segment of the log; and makes the checks
// that an open makes. Tells what is missing and what does not belong there.

import { readdirSync } from "node:fs";
import process from "node:process";
import { counted } from "../../../internal/base/counted.ts";
import { currentName, isAside, parseFileName } from "../../../internal/engine/file-names.ts";
import { nodeParts, ownNames, readMap, readRecord, temporaryOf } from "../../../internal/cluster/node-folder.ts";
import { checkEngineFolder } from "../../../internal/engine/recovery.ts";
import type { TableMeta } from "../../../internal/engine/table-meta.ts";
import { inspectLog } from "../../../internal/log/inspect.ts";
import { recoverLog } from "../../../internal/log/recovery.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import { checkStore } from "../../../internal/store/store-check.ts";
import { readMark, storeParts } from "../../../internal/store/store-folder.ts";
import { describeFailure } from "../failure.ts";
import type { Finding, InspectOptions } from "../output.ts";
import { judgeTable } from "./judge-table.ts";
import { manifestFindings } from "./manifest.ts";
import { checkNode, describeRecord, nodesIn } from "./node-folder.ts";
import { checkPath } from "./path.ts";
import { refusal } from "./refusal.ts";
import { fileName } from "./text.ts";

/** What was read to judge. */
interface Pass {
  readonly disk: Disk;
  readonly quick: boolean;
  readonly read: { tables: number; blocks: number; tableBytes: number; segments: number; logBytes: number };
}

export async function* findingsOfFolder(
  given: string,
  { quick }: InspectOptions,
): AsyncGenerator<Finding, void, undefined> {
  const disk = new RealDisk();
  const [folder, kind] = await checkPath(disk, "folder", given);
  const pass: Pass = { disk, quick, read: { tables: 0, blocks: 0, tableBytes: 0, segments: 0, logBytes: 0 } };
  const findings = findingsOf[kind];
  const holder = await holderOf(disk, kind, folder);
  if (holder !== undefined) {
    const details = `process ${holder} may have it open and change it: then what is found may never have been so. Look again when it has ended`;
    yield { place: fileName(folder), what: "in use", details, fields: { pid: holder } };
  }
  const judged = { damages: 0, refused: false, holder };
  for await (const finding of findings(pass, folder)) {
    if (finding.what === "refused") judged.refused = true;
    else if (finding.isDamage === true) judged.damages++;
    yield finding.place === "" ? { ...finding, place: fileName(folder) } : finding;
  }
  yield { ...verdict(pass, judged), place: fileName(folder) };
}

const findingsOf = { cluster, node, store, engine: engineAlone, log: logAlone } as const;

/** Who has it open, or what lies in it. */
async function holderOf(disk: Disk, kind: keyof typeof findingsOf, folder: string): Promise<number | undefined> {
  if (kind === "engine" || kind === "log") return lockHolder(`${folder}/..`);
  const nodes = kind === "cluster" ? await nodesIn(disk, folder, await disk.list(folder)) : [];
  const holders = [folder, ...nodes.map((name) => `${folder}/${name}`)].map(lockHolder);
  return holders.find((holder) => holder !== undefined);
}

/** Whoever holds the lock of the folder shows its number in the lock's name; it may be dead. */
function lockHolder(folder: string): number | undefined {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^\.lock-(\d+)-/.exec(name)?.[1]);
    if (Number.isSafeInteger(pid) && isAlive(pid)) return pid;
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (failure) {
    // Another user's process lives as well.
    return (failure as NodeJS.ErrnoException).code === "EPERM";
  }
}

interface Judged {
  readonly damages: number;
  readonly refused: boolean;
  readonly holder: number | undefined;
}

/** What was read, and what came of it. */
function verdict({ quick, read }: Pass, { damages, refused, holder }: Judged): Finding {
  const blocks = quick ? "their blocks not (--quick)" : counted(read.blocks, "block");
  const tables = `${counted(read.tables, "table")} (${counted(read.tableBytes, "byte")}, ${blocks})`;
  const log = `${counted(read.segments, "segment")} of the log (${counted(read.logBytes, "byte")})`;
  const when = holder === undefined ? "" : ` once process ${holder} has ended`;
  const open = refused ? "an open would be refused" : `an open would succeed${when}`;
  const outcome = damages > 0 ? `${counted(damages, "place")} damaged` : open;
  const isSound = damages === 0 && !refused;
  const details = `${outcome}; read: ${tables}, ${log}`;
  const fields = { damages, refused, ...read, blocksRead: !quick };
  return { place: "", what: isSound ? (quick ? "sound so far" : "sound") : "not sound", details, fields };
}

/** All nodes of a cluster for development, one after the other. */
async function* cluster(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  const names = await pass.disk.list(folder);
  const nodes = await nodesIn(pass.disk, folder, names);
  for (const name of names.filter((name) => !nodes.includes(name))) {
    yield { place: fileName(folder), what: "stray", details: name, fields: { folder, details: name } };
  }
  for (const name of nodes) {
    for await (const finding of node(pass, `${folder}/${name}`)) {
      const place = finding.place === name || finding.place === "" ? name : `${name}/${finding.place}`;
      yield { ...finding, place, fields: { node: name, ...finding.fields } };
    }
  }
}

async function* node(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  const { disk } = pass;
  const names = await disk.list(folder);
  const about = (what: string, details: string, isDamage = false): Finding => {
    return { place: fileName(folder), what, details, fields: { folder, details }, isDamage };
  };
  try {
    const record = await readRecord(disk, folder);
    if (record === undefined)
      yield about("damage", `no file "${ownNames.record}", which says whose folder it is`, true);
    else yield about("node", describeRecord(record));
    const map = await readMap(disk, folder);
    if (map !== undefined) yield about("map", `cluster ${map.cluster}, epoch ${map.epoch}, ${map.nodes.length} nodes`);
  } catch (failure) {
    yield about("damage", describeFailure(failure), true);
  }
  const files = Object.values(ownNames);
  const own: readonly string[] = [...files, ...files.map(temporaryOf), ...Object.values(nodeParts)];
  for (const name of names.filter((name) => !own.includes(name))) yield about("stray", name);
  if (names.includes(nodeParts.engine)) yield* engine(pass, `${folder}/${nodeParts.engine}`);
  if (names.includes(nodeParts.log)) yield* log(pass, `${folder}/${nodeParts.log}`);
  yield* refusal(() => checkNode(disk, folder));
}

async function* store(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  const { disk } = pass;
  const names = await disk.list(folder);
  const about = (what: string, details: string, isDamage = false): Finding => {
    return { place: fileName(folder), what, details, fields: { folder, details }, isDamage };
  };
  if (names.includes(storeParts.mark)) {
    try {
      yield about("store", `format ${await readMark(disk, folder)}`);
    } catch (failure) {
      yield about("damage", describeFailure(failure), true);
    }
  } else {
    yield about("unmarked", `no file "${storeParts.mark}": a store whose making was cut short, or a damaged one`);
  }
  const own: readonly string[] = Object.values(storeParts);
  for (const name of names.filter((name) => !own.includes(name))) yield about("stray", name);
  for (const part of [storeParts.engine, storeParts.log]) {
    if (!names.includes(part)) yield about("missing", `${folder}/${part} is missing`);
  }
  if (names.includes(storeParts.engine)) yield* engine(pass, `${folder}/${storeParts.engine}`);
  if (names.includes(storeParts.log)) yield* log(pass, `${folder}/${storeParts.log}`);
  yield* refusal(() => checkStore(disk, folder));
}

async function* engineAlone(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  yield* engine(pass, folder);
  yield* refusal(() => checkEngineFolder(pass.disk, folder));
}

async function* engine(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  const { disk } = pass;
  const about = (what: string, details: string): Finding => {
    return { place: "engine", what, details, fields: { folder, details } };
  };
  const names = await disk.list(folder);
  if (!names.includes(currentName)) {
    yield about(names.length === 0 ? "empty" : "missing", `${folder} holds no file "${currentName}"`);
    return;
  }
  const metas = await metasOf(disk, folder);
  const known = new Set<number>();
  let manifest = "";
  let isManifestSound = true;
  for await (const finding of manifestFindings(disk, folder)) {
    if (finding.what === "edit" || finding.what === "header") continue;
    if (finding.what === "manifest") manifest = fileName(finding.details);
    if (finding.isDamage === true) isManifestSound = false;
    yield finding;
    if (finding.what !== "table") continue;
    const number = Number(finding.fields["number"]);
    known.add(number);
    const there = names.find((name) => isTable(name, number));
    if (there === undefined) yield { ...about("damage", `table ${number} is missing`), isDamage: true };
    else yield* table(pass, { path: `${folder}/${there}`, finding, meta: metas.get(number) });
  }
  for (const name of names) {
    const file = parseFileName(name);
    if (name === currentName || name === manifest) continue;
    // Which tables are nobody's only a sound manifest can tell.
    if (file?.kind === "table" && (known.has(file.number) || !isManifestSound)) continue;
    if (isAside(name))
      yield about("set aside", `${name}: kept from a damaged change; remove it when nothing is missed`);
    else yield about("stray", file === undefined ? `${name}: nobody's` : `${name}: removed at the next open`);
  }
}

/** The tables that the manifest names; none when it is damaged, which others tell. */
async function metasOf(disk: Disk, folder: string): Promise<ReadonlyMap<number, TableMeta>> {
  const state = await checkEngineFolder(disk, folder).catch(() => undefined);
  return new Map((state?.version.levels.flat() ?? []).map((meta) => [meta.number, meta]));
}

interface FoundTable {
  readonly path: string;
  /** The manifest's word on it. */
  readonly finding: Finding;
  readonly meta: TableMeta | undefined;
}

async function* table(pass: Pass, found: FoundTable): AsyncGenerator<Finding, void, undefined> {
  const { path, finding, meta } = found;
  const damage = (details: string): Finding => {
    return { place: finding.place, what: "damage", details, fields: { path, details }, isDamage: true };
  };
  const bytes = (await pass.disk.sizeOf(path)) ?? 0;
  const wanted = Number(finding.fields["bytes"]);
  pass.read.tables++;
  pass.read.tableBytes += bytes;
  if (bytes !== wanted) yield damage(`${path} has ${counted(bytes, "byte")}, and the manifest says ${wanted}`);
  const judged = judgeTable(path, meta, pass.quick);
  pass.read.blocks += judged.blocks;
  for (const detail of judged.damages) yield damage(detail);
}

const isTable = (name: string, number: number): boolean => {
  const file = parseFileName(name);
  return file?.kind === "table" && file.number === number;
};

async function* logAlone(pass: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  yield* log(pass, folder);
  yield* refusal(() => recoverLog(pass.disk, folder));
}

/** One line a segment, and every damage. */
async function* log({ disk, read }: Pass, folder: string): AsyncGenerator<Finding, void, undefined> {
  let segment: { path: string; bytes: number; batches: number; records: number } | undefined;
  const summary = function* (): Generator<Finding, void, undefined> {
    if (segment === undefined) return;
    const { path, bytes, batches, records } = segment;
    segment = undefined;
    read.segments++;
    read.logBytes += bytes;
    const counts = `${counted(batches, "batch", "batches")}, ${counted(records, "record")}`;
    const details = `${fileName(path)}: ${counted(bytes, "byte")}, ${counts}`;
    yield { place: "log", what: "segment", details, fields: { file: fileName(path), bytes, batches, records } };
  };
  for await (const item of inspectLog(disk, folder)) {
    if (item.kind === "segment") {
      yield* summary();
      segment = { path: item.path, bytes: item.bytes, batches: 0, records: 0 };
    } else if (item.kind === "batch" && segment !== undefined) segment.batches++;
    else if (item.kind === "record" && segment !== undefined) segment.records++;
    else if (item.kind === "other") {
      yield { place: "log", what: item.what, details: fileName(item.path), fields: { file: fileName(item.path) } };
    } else if (item.kind === "damage") {
      const details = `${fileName(item.path)} at offset ${item.offset}: ${item.detail}`;
      const fields = { file: fileName(item.path), offset: item.offset, detail: item.detail };
      yield { place: "log", what: "damage", details, fields, isDamage: true };
    }
  }
  yield* summary();
}
