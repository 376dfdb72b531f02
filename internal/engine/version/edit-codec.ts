// An edit in bytes: fields one behind the other, each a tag and what the tag says, in any number.
// docs/formats/manifest.md has the grammar and a worked example.

import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { ByteReader, ByteWriter } from "../../base/codec.ts";
import { corruption } from "../../base/errors.ts";
import { fileNumber, groupId, incarnation, logIndex, sequence, term } from "../../base/ids.ts";
import type { Incarnation } from "../../base/ids.ts";
import { engineKeyBytesMax, incarnationBytes } from "../../base/limits.ts";
import { stamp } from "../../base/stamp.ts";
import type { Version as WriteVersion } from "../cell.ts";
import type { GarbageHorizon } from "../garbage.ts";
import type { TableMeta } from "../table-meta.ts";
import { levelCount } from "./version.ts";
import type { PlacedTable } from "./version.ts";
import { editOf } from "./version-edit.ts";
import type { AppliedIndex, IncarnationSwitch, VersionEdit } from "./version-edit.ts";

const tags = {
  added: 1,
  removed: 2,
  applied: 3,
  garbage: 4,
  switched: 5,
  died: 6,
  forgotten: 7,
  nextIncarnation: 8,
  lastSequence: 9,
  nextFileNumber: 10,
} as const;

export function encodeEdit(edit: VersionEdit): Uint8Array {
  const out = new ByteWriter();
  for (const { level, number } of edit.removed) out.u8(tags.removed).u8(level).varint(number);
  for (const { level, meta } of edit.added) writeTable(out.u8(tags.added).u8(level), meta);
  for (const { group, incarnation: next, snapshot } of edit.switches) {
    out
      .u8(tags.switched)
      .varint(group)
      .varint(next ?? 0);
    out.varint(snapshot?.term ?? 0).varint(snapshot?.index ?? 0);
  }
  for (const { incarnation: of, index } of edit.applied) out.u8(tags.applied).varint(of).varint(index);
  for (const { incarnation: of, watermark, expiryHorizon } of edit.garbage) {
    out.u8(tags.garbage).varint(of).varint(watermark).varint(expiryHorizon);
  }
  for (const of of edit.died) out.u8(tags.died).varint(of);
  for (const of of edit.forgotten) out.u8(tags.forgotten).varint(of);
  if (edit.nextIncarnation > 0) out.u8(tags.nextIncarnation).varint(edit.nextIncarnation);
  if (edit.lastSequence > 0) out.u8(tags.lastSequence).varint(edit.lastSequence);
  if (edit.nextFileNumber > 0) out.u8(tags.nextFileNumber).varint(edit.nextFileNumber);
  return out.finish();
}

/** Throws `corruption` that names `what` when the bytes are no edit. */
export function decodeEdit(bytes: Uint8Array, what: string): VersionEdit {
  const source = new ByteReader(bytes, what);
  const added: PlacedTable[] = [];
  const removed: VersionEdit["removed"][number][] = [];
  const applied: AppliedIndex[] = [];
  const garbage: GarbageHorizon[] = [];
  const switches: IncarnationSwitch[] = [];
  const died: VersionEdit["died"][number][] = [];
  const forgotten: VersionEdit["forgotten"][number][] = [];
  let nextIncarnation = incarnation(0);
  let lastSequence = sequence(0);
  let nextFileNumber = fileNumber(0);
  while (source.remaining > 0) {
    const tag = source.u8();
    switch (tag) {
      case tags.added:
        added.push({ level: readLevel(source), meta: readTable(source) });
        break;
      case tags.removed:
        removed.push({ level: readLevel(source), number: fileNumber(source.varint()) });
        break;
      case tags.applied:
        applied.push({ incarnation: readIncarnation(source), index: logIndex(source.varint()) });
        break;
      case tags.garbage:
        garbage.push(readHorizon(source));
        break;
      case tags.switched:
        switches.push(readSwitch(source));
        break;
      case tags.died:
        died.push(readIncarnation(source));
        break;
      case tags.forgotten:
        forgotten.push(readIncarnation(source));
        break;
      case tags.nextIncarnation:
        nextIncarnation = readIncarnation(source);
        break;
      case tags.lastSequence:
        lastSequence = sequence(source.varint());
        break;
      case tags.nextFileNumber:
        nextFileNumber = fileNumber(source.varint());
        break;
      default:
        throw corruption(`${what}: there is no field with tag ${tag}`);
    }
  }
  const lists = { added, removed, applied, garbage, switches, died, forgotten };
  return editOf({ ...lists, nextIncarnation, lastSequence, nextFileNumber });
}

function writeTable(out: ByteWriter, meta: TableMeta): void {
  assert(meta.sequenceOverride !== 0, "sequence 0 stands for no override", { number: meta.number });
  out.varint(meta.number).varint(meta.bytes).varint(meta.entries).varint(meta.keys);
  out.varint(meta.tombstones);
  out.block(meta.smallest).block(meta.largest);
  out.varint(meta.sequenceLeast).varint(meta.sequenceGreatest);
  out.varint(meta.stampGreatest).varint(meta.expiryLeast).varint(meta.expiryGreatest).varint(meta.expiring);
  out.varint(meta.versionLeast.term).varint(meta.versionLeast.index);
  out.varint(meta.versionGreatest.term).varint(meta.versionGreatest.index);
  out.varint(meta.sequenceOverride ?? 0);
}

function readTable(source: ByteReader): TableMeta {
  const meta = {
    number: fileNumber(source.varint()),
    bytes: source.varint(),
    entries: source.varint(),
    keys: source.varint(),
    tombstones: source.varint(),
    smallest: readKey(source),
    largest: readKey(source),
    sequenceLeast: sequence(source.varint()),
    sequenceGreatest: sequence(source.varint()),
    stampGreatest: stamp(source.varint()),
    expiryLeast: stamp(source.varint()),
    expiryGreatest: stamp(source.varint()),
    expiring: source.varint(),
    versionLeast: { term: source.varint(), index: source.varint() },
    versionGreatest: { term: source.varint(), index: source.varint() },
  };
  const override = source.varint();
  return override === 0 ? meta : { ...meta, sequenceOverride: sequence(override) };
}

function readKey(source: ByteReader): Uint8Array {
  const key = source.block();
  if (key.length >= incarnationBytes && key.length <= engineKeyBytesMax) return copyBytes(key);
  throw corruption(`${source.what}: a key of ${key.length} bytes before offset ${source.at} of the edit`);
}

const readIncarnation = (source: ByteReader): Incarnation => incarnation(readVarint32(source));

/** Of what fits 32 bits: an incarnation begins engine keys, a group stands in log records. */
function readVarint32(source: ByteReader): number {
  const value = source.varint();
  if (value <= 0xffff_ffff) return value;
  throw corruption(`${source.what}: ${value} before offset ${source.at} of the edit does not fit 32 bits`);
}

function readLevel(source: ByteReader): number {
  const level = source.u8();
  if (level >= levelCount) throw corruption(`${source.what}: there is no level ${level}`);
  return level;
}

function readHorizon(source: ByteReader): GarbageHorizon {
  return {
    incarnation: readIncarnation(source),
    watermark: stamp(source.varint()),
    expiryHorizon: stamp(source.varint()),
  };
}

function readSwitch(source: ByteReader): IncarnationSwitch {
  const group = groupId(readVarint32(source));
  const next = readVarint32(source);
  const snapshot: WriteVersion = { term: term(source.varint()), index: logIndex(source.varint()) };
  return {
    group,
    incarnation: next === 0 ? undefined : incarnation(next),
    snapshot: snapshot.term === 0 && snapshot.index === 0 ? undefined : snapshot,
  };
}
