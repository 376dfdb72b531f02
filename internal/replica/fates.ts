// What became of writes that went another way than most: of fast ones that a log had lost, whether their merge took effect, and
// the lost-and-found of those for which it could not. Told for a week, so that a receipt can be asked about.
//
//   fate := kind u8 | merged at: term u64 | index u64 | write, as in a merge, when a salvaged one took no effect

import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { stamp, stampOfMilliseconds } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { readVersion, writeVersion } from "./answer.ts";
import { decodeMerge, encodeMerge } from "./merge.ts";
import type { ForeignWrite } from "./merge.ts";

export type Fate =
  /** It took effect. */
  | "salvaged"
  /** A newer write of its key was there. */
  | "superseded"
  /** From before the watermark: a later deletion of its key may be forgotten already. */
  | "lost";

export interface KnownFate {
  readonly fate: Fate;
  /** The merge that decided it. */
  readonly mergedAt: Version;
  /** Of a write without effect: what it was. */
  readonly write: ForeignWrite | undefined;
}

const fates: readonly Fate[] = ["salvaged", "superseded", "lost"];
export const oneDay = stampOfMilliseconds(24 * 3600 * 1000);
/** Fates are told for a week, and kept for a day longer: how old an entry is, is known to the day. */
export const fatesToldDays = 7;
const fateWindow = (fatesToldDays + 1) * oneDay;

export const fateExpiry = (at: Stamp): Stamp => stamp(at + fateWindow);

export function encodeFate({ fate, mergedAt, write }: KnownFate): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(fates.indexOf(fate));
  writeVersion(writer, mergedAt);
  if (write !== undefined) writer.bytes(encodeMerge(write));
  return writer.finish();
}

export function decodeFate(bytes: Uint8Array): KnownFate {
  const reader = new ByteReader(bytes, "a fate");
  const fate = fates[reader.u8()];
  if (fate === undefined) throw corruption("a fate of an unknown kind");
  const mergedAt = readVersion(reader);
  const write = reader.remaining === 0 ? undefined : decodeMerge(bytes, reader.at);
  return { fate, mergedAt, write };
}
