// Looks through a manifest that nobody has open, for people: every edit, what they come to, and every damage,
// behind which it goes on as far as it can. Nothing is changed; recovery alone decides what counts.

import { printableKey } from "../../base/bytes.ts";
import { counted } from "../../base/counted.ts";
import { TrefoilError } from "../../base/errors.ts";
import type { FileNumber } from "../../base/ids.ts";
import { neverExpires } from "../../base/stamp.ts";
import type { Stamp } from "../../base/stamp.ts";
import type { Disk } from "../../platform/disk.ts";
import type { TableMeta } from "../table-meta.ts";
import { decodeEdit } from "./edit-codec.ts";
import { decodeHeader, headerBytes, manifestFormat, nextFrame } from "./manifest-format.ts";
import type { Frame } from "./manifest-format.ts";
import { applyForeign, checkName, readWhole } from "./manifest-reader.ts";
import { tailOf } from "./manifest-tail.ts";
import { emptyState } from "./version-edit.ts";
import type { EngineState, VersionEdit } from "./version-edit.ts";

export type ManifestFinding =
  | {
      readonly kind: "header";
      readonly format: number;
      readonly number: FileNumber;
      readonly fileBytes: number;
    }
  | {
      readonly kind: "edit";
      readonly number: number;
      readonly offset: number;
      readonly bytes: number;
      readonly edit: VersionEdit;
    }
  /** What a crash may leave behind the last edit; recovery passes it over. A doubtful one may be damage as well. */
  | { readonly kind: "torn tail"; readonly offset: number; readonly bytes: number; readonly isDoubtful: boolean }
  | { readonly kind: "damage"; readonly detail: string }
  /** What the edits come to; missing when there is damage. */
  | { readonly kind: "state"; readonly state: EngineState };

/** Throws only when the file is missing or cannot be read. */
export async function inspectManifest(disk: Disk, path: string): Promise<ManifestFinding[]> {
  const bytes = await readWhole(disk, path);
  const findings: ManifestFinding[] = [];
  const attempt = <Value>(work: () => Value): Value | undefined => {
    try {
      return work();
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      findings.push({ kind: "damage", detail: failure.message });
      return undefined;
    }
  };
  const number = attempt(() => decodeHeader(bytes, path));
  if (number === undefined) return findings;
  findings.push({ kind: "header", format: manifestFormat, number, fileBytes: bytes.length });
  attempt(() => checkName(number, path));
  let state: EngineState | undefined = emptyState;
  let at = headerBytes;
  let expected = 1;
  for (let frame = nextFrame(bytes, at); frame !== undefined; frame = nextFrame(bytes, at)) {
    const sound: Frame = frame;
    if (sound.at !== at || sound.number !== expected) {
      findings.push({ kind: "damage", detail: gapBefore(sound, path, { at, expected }) });
      state = undefined;
    }
    const what = `${path}: edit ${sound.number} at offset ${sound.at}`;
    const edit = attempt(() => decodeEdit(sound.edit, what));
    if (edit !== undefined) {
      findings.push({ kind: "edit", number: sound.number, offset: sound.at, bytes: sound.end - sound.at, edit });
    }
    const before: EngineState | undefined = state;
    state = before && edit && attempt(() => applyForeign(before, edit, what));
    at = sound.end;
    expected = sound.number + 1;
  }
  const tail = tailOf(bytes, at, expected);
  if (tail !== "none") {
    findings.push({ kind: "torn tail", offset: at, bytes: bytes.length - at, isDoubtful: tail === "doubtful" });
  }
  if (expected === 1) findings.push({ kind: "damage", detail: `${path}: its first edit, at offset ${at}, is missing` });
  else if (state !== undefined) findings.push({ kind: "state", state });
  return findings;
}

function gapBefore(frame: Frame, path: string, place: { at: number; expected: number }): string {
  const { at, expected } = place;
  if (frame.at === at) return `${path}: at offset ${at} there is edit ${frame.number} instead of ${expected}`;
  return `${path}: edit ${expected} at offset ${at} is damaged; the next sound one is ${frame.number} at offset ${frame.at}`;
}

/** A line for each thing that the edit changes; one for an edit that changes nothing. Stamps are shown as `shown` says. */
export function describeEdit(edit: VersionEdit, shown: (stamp: Stamp) => string = String): string[] {
  const lines: string[] = [];
  for (const { level, number } of edit.removed) lines.push(`remove table ${number} from level ${level}`);
  for (const { level, meta } of edit.added) lines.push(`add to level ${level} ${describeTable(meta, shown)}`);
  for (const { group, incarnation, snapshot } of edit.switches) {
    const origin = snapshot === undefined ? "" : ` with the snapshot at ${snapshot.term}.${snapshot.index}`;
    lines.push(
      incarnation === undefined ? `group ${group} leaves` : `group ${group} is incarnation ${incarnation}${origin}`,
    );
  }
  for (const { incarnation, index } of edit.applied) lines.push(`incarnation ${incarnation} is applied up to ${index}`);
  for (const { incarnation, watermark, expiryHorizon } of edit.garbage) {
    const garbage = `garbage up to ${shown(watermark)}, what expired up to ${shown(expiryHorizon)}`;
    lines.push(`incarnation ${incarnation} collects ${garbage}`);
  }
  for (const incarnation of edit.died) lines.push(`incarnation ${incarnation} is dead`);
  for (const incarnation of edit.forgotten) lines.push(`incarnation ${incarnation} is forgotten`);
  if (edit.nextIncarnation > 0) lines.push(`next incarnation ${edit.nextIncarnation}`);
  if (edit.lastSequence > 0) lines.push(`last sequence ${edit.lastSequence}`);
  if (edit.nextFileNumber > 0) lines.push(`next file number ${edit.nextFileNumber}`);
  return lines.length > 0 ? lines : ["nothing: closed in good order"];
}

function describeTable(meta: TableMeta, shown: (stamp: Stamp) => string): string {
  const { number, bytes, entries, keys, tombstones, expiring } = meta;
  const versions = keys < entries ? ` of ${counted(keys, "key")}` : "";
  const parts = [
    `table ${number}: ${counted(bytes, "byte")}, ${counted(entries, "entry", "entries")}${versions}`,
    ...(tombstones > 0 ? [counted(tombstones, "tombstone")] : []),
    ...(expiring > 0 ? [`${expiring} expiring from ${shown(meta.expiryLeast)} to ${shown(meta.expiryGreatest)}`] : []),
    `keys ${describeKey(meta.smallest)} to ${describeKey(meta.largest)}`,
    meta.sequenceOverride === undefined
      ? `sequences ${meta.sequenceLeast} to ${meta.sequenceGreatest}`
      : `all counting as sequence ${meta.sequenceOverride}`,
    ...(meta.stampGreatest === neverExpires ? [] : [`stamps up to ${shown(meta.stampGreatest)}`]),
  ];
  return parts.join(", ");
}

/** An engine key: its incarnation, then the user's key. */
function describeKey(key: Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0] = key;
  return `"${printableKey(key.subarray(4))}" of incarnation ${((a << 24) | (b << 16) | (c << 8) | d) >>> 0}`;
}
