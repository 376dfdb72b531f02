// What a manifest says: its edits in order, then the state that they lead to.

import { counted } from "../../../internal/base/counted.ts";
import { TrefoilError } from "../../../internal/base/errors.ts";
import { currentName, joinPath, manifestName } from "../../../internal/engine/file-names.ts";
import type { TableMeta } from "../../../internal/engine/table-meta.ts";
import { unreachable } from "../../../internal/base/assert.ts";
import { describeEdit, inspectManifest } from "../../../internal/engine/version/manifest-inspector.ts";
import type { ManifestFinding } from "../../../internal/engine/version/manifest-inspector.ts";
import { readCurrent } from "../../../internal/engine/version/manifest-reader.ts";
import type { EngineState, VersionEdit } from "../../../internal/engine/version/version-edit.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import { DiskFailure } from "../../../internal/platform/disk.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import type { Finding, Json } from "../output.ts";
import { checkPath } from "./path.ts";
import { base64, shownEngineKey, shownStamp } from "./text.ts";

export async function* findingsOfManifest(given: string): AsyncGenerator<Finding, void, undefined> {
  const disk = new RealDisk();
  const [path] = await checkPath(disk, "manifest", given);
  yield* manifestFindings(disk, path);
}

/** `path` is that of a manifest, or of an engine's folder. */
export async function* manifestFindings(disk: Disk, path: string): AsyncGenerator<Finding, void, undefined> {
  const file = (await disk.sizeOf(path)) === undefined ? await currentManifest(disk, path) : path;
  yield { place: "", what: "manifest", details: file, fields: { file } };
  for (const finding of await inspectManifest(disk, file)) yield* findingsOf(finding);
}

/** The manifest that `current` of an engine's folder names. */
async function currentManifest(disk: Disk, folder: string): Promise<string> {
  const names = await disk.list(folder);
  if (!names.includes(currentName)) {
    throw new TrefoilError("bad_request", `${folder} is no folder of an engine: it holds no file "${currentName}"`);
  }
  const file = joinPath(folder, manifestName(await readCurrent(disk, folder)));
  if ((await disk.sizeOf(file)) === undefined) throw new DiskFailure("not_found", "open", file);
  return file;
}

function* findingsOf(finding: ManifestFinding): Generator<Finding, void, undefined> {
  switch (finding.kind) {
    case "header": {
      const { format, number, fileBytes } = finding;
      const details = `manifest ${number}, format ${format}, ${counted(fileBytes, "byte")}`;
      yield { place: "0", what: "header", details, fields: { format, number, fileBytes } };
      return;
    }
    case "edit": {
      const { number, offset, bytes, edit } = finding;
      const details = `${number}: ${describeEdit(edit, shownStamp).join("; ")}`;
      yield { place: String(offset), what: "edit", details, fields: { number, offset, bytes, ...editFields(edit) } };
      return;
    }
    case "torn tail": {
      const { offset, bytes, isDoubtful } = finding;
      const origin = isDoubtful ? "that are an edit damaged since, or garbage that a crash left" : "that a crash left";
      const details = `${counted(bytes, "byte")} ${origin} behind the last edit`;
      yield { place: String(offset), what: "torn tail", details, fields: { offset, bytes, isDoubtful } };
      return;
    }
    case "damage": {
      const { detail } = finding;
      yield { place: "", what: "damage", details: detail, fields: { detail }, isDamage: true };
      return;
    }
    case "state":
      yield* findingsOfState(finding.state);
      return;
    default:
      unreachable(finding, "a kind of finding in a manifest");
  }
}

function editFields(edit: VersionEdit): { readonly [name: string]: Json } {
  return {
    removed: edit.removed.map((entry) => ({ ...entry })),
    added: edit.added.map(({ level, meta }) => ({ level, ...tableFields(meta) })),
    applied: edit.applied.map((entry) => ({ ...entry })),
    garbage: edit.garbage.map((entry) => ({ ...entry })),
    switches: edit.switches.map(({ group, incarnation }) => ({ group, incarnation: incarnation ?? null })),
    died: [...edit.died],
    forgotten: [...edit.forgotten],
    nextIncarnation: edit.nextIncarnation,
    lastSequence: edit.lastSequence,
    nextFileNumber: edit.nextFileNumber,
  };
}

function* findingsOfState(state: EngineState): Generator<Finding, void, undefined> {
  for (const [level, tables] of state.version.levels.entries()) {
    for (const meta of tables) {
      const range = `${shownEngineKey(meta.smallest)} to ${shownEngineKey(meta.largest)}`;
      const sizes = `${counted(meta.entries, "entry", "entries")}, ${counted(meta.bytes, "byte")}`;
      const details = `table ${meta.number}: ${sizes}, keys ${range}`;
      yield { place: `level ${level}`, what: "table", details, fields: { level, ...tableFields(meta) } };
    }
  }
  for (const [group, { incarnation }] of state.groups) {
    const applied = state.applied.get(incarnation) ?? 0;
    const watermark = state.horizons.get(incarnation)?.watermark;
    const garbage = watermark === undefined ? "" : `, garbage up to ${shownStamp(watermark)}`;
    const details = `lies under incarnation ${incarnation}, applied up to ${applied}${garbage}`;
    const fields = { group, incarnation, applied, watermark: watermark ?? null };
    yield { place: `group ${group}`, what: "group", details, fields };
  }
  const { lastSequence, nextFileNumber, nextIncarnation, dead } = state;
  const numbers = `sequence ${lastSequence}, next file ${nextFileNumber}, next incarnation ${nextIncarnation}`;
  const graves = dead.size === 0 ? "" : `, dead incarnations ${[...dead].join(", ")}`;
  const fields = { lastSequence, nextFileNumber, nextIncarnation, dead: [...dead] };
  yield { place: "", what: "state", details: `${numbers}${graves}`, fields };
}

function tableFields(meta: TableMeta): { readonly [name: string]: Json } {
  const { smallest, largest, versionLeast, versionGreatest, sequenceOverride, ...numbers } = meta;
  return {
    ...numbers,
    smallest64: base64(smallest),
    largest64: base64(largest),
    versionLeast: { ...versionLeast },
    versionGreatest: { ...versionGreatest },
    ...(sequenceOverride === undefined ? {} : { sequenceOverride }),
  };
}
