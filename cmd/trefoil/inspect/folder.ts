// What lies in a folder: of a whole store, of an engine, or of a log. Tells what is missing and what does not
// belong there; the contents of single files are for the other inspections.

import { TrefoilError } from "../../../internal/base/errors.ts";
import { currentName, parseFileName } from "../../../internal/engine/file-names.ts";
import { inspectLog } from "../../../internal/log/inspect.ts";
import { parseLogName } from "../../../internal/log/segment.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import { readMark, storeParts } from "../../../internal/store/store-folder.ts";
import type { Finding } from "../output.ts";
import { findingsOfManifest } from "./manifest.ts";
import { fileName } from "./text.ts";

export async function* findingsOfFolder(path: string): AsyncGenerator<Finding, void, undefined> {
  const disk = new RealDisk();
  const folder = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const names = await disk.list(folder);
  if (names.includes(storeParts.mark) || names.includes(storeParts.engine)) yield* store(disk, folder, names);
  else if (names.some((name) => parseFileName(name) !== undefined)) yield* engine(disk, folder);
  else if (names.some((name) => parseLogName(name) !== undefined)) yield* log(disk, folder);
  else {
    const what = names.length === 0 ? "it is empty" : `it holds ${names.slice(0, 3).join(", ")}`;
    throw new TrefoilError("not_found", `${folder} is no folder of a store, an engine or a log: ${what}`);
  }
}

async function* store(disk: Disk, folder: string, names: readonly string[]): AsyncGenerator<Finding, void, undefined> {
  const about = (what: string, details: string, isDamage = false): Finding => {
    return { place: fileName(folder), what, details, fields: { folder, details }, isDamage };
  };
  try {
    const format = await readMark(disk, folder);
    yield about("store", `format ${format}`);
  } catch (failure) {
    yield about("damage", failure instanceof Error ? failure.message : String(failure), true);
  }
  const own: readonly string[] = Object.values(storeParts);
  for (const name of names.filter((name) => !own.includes(name))) yield about("stray", name);
  for (const part of [storeParts.engine, storeParts.log]) {
    if (!names.includes(part)) yield about("damage", `${folder}/${part} is missing`, true);
  }
  if (names.includes(storeParts.engine)) yield* engine(disk, `${folder}/${storeParts.engine}`);
  if (names.includes(storeParts.log)) yield* log(disk, `${folder}/${storeParts.log}`);
}

async function* engine(disk: Disk, folder: string): AsyncGenerator<Finding, void, undefined> {
  const about = (what: string, details: string, isDamage = false): Finding => {
    return { place: "engine", what, details, fields: { folder, details }, isDamage };
  };
  const names = await disk.list(folder);
  if (!names.includes(currentName)) {
    const nothing = names.length === 0;
    yield about(
      nothing ? "empty" : "damage",
      nothing ? "nothing yet" : `${folder}/${currentName} is missing`,
      !nothing,
    );
    return;
  }
  const known = new Set<number>();
  let manifest = "";
  let isManifestSound = true;
  for await (const finding of findingsOfManifest(folder)) {
    if (finding.what === "edit" || finding.what === "header") continue;
    if (finding.what === "manifest") manifest = fileName(finding.details);
    if (finding.isDamage === true) isManifestSound = false;
    const number = finding.what === "table" ? Number(finding.fields["number"]) : undefined;
    if (number === undefined) {
      yield finding;
      continue;
    }
    known.add(number);
    const there = names.find((name) => isTable(name, number));
    if (there === undefined) yield about("damage", `table ${number} is missing: the manifest names it`, true);
    else yield* table(disk, `${folder}/${there}`, finding);
  }
  for (const name of names) {
    const file = parseFileName(name);
    if (name === currentName || name === manifest) continue;
    // Which tables are nobody's only a sound manifest can tell.
    if (file?.kind === "table" && (known.has(file.number) || !isManifestSound)) continue;
    yield about("stray", file === undefined ? `${name}: nobody's` : `${name}: removed at the next open`);
  }
}

async function* table(disk: Disk, path: string, finding: Finding): AsyncGenerator<Finding, void, undefined> {
  yield finding;
  const bytes = (await disk.sizeOf(path)) ?? 0;
  const wanted = Number(finding.fields["bytes"]);
  if (bytes === wanted) return;
  const details = `${path} has ${bytes} bytes, and the manifest says ${wanted}`;
  yield { place: finding.place, what: "damage", details, fields: { path, bytes, wanted }, isDamage: true };
}

const isTable = (name: string, number: number): boolean => {
  const file = parseFileName(name);
  return file?.kind === "table" && file.number === number;
};

/** One line a segment, and every damage. */
async function* log(disk: Disk, folder: string): AsyncGenerator<Finding, void, undefined> {
  let segment: { path: string; bytes: number; batches: number; records: number } | undefined;
  const summary = function* (): Generator<Finding, void, undefined> {
    if (segment === undefined) return;
    const { path, bytes, batches, records } = segment;
    segment = undefined;
    const details = `${fileName(path)}: ${bytes} bytes, ${batches} batches, ${records} records`;
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
