// What a table says about itself, so that it can be understood (and ingested) without a manifest. The
// same numbers stand in TableMeta; that they agree is checked when a table is opened.
//
//   contents of the properties block = number | blockBytes | blocks | entries | keys | tombstones
//       | sequence least | sequence greatest | stamp least | stamp greatest
//       | expiring | expiry least | expiry greatest
//       | term least | index least | term greatest | index greatest | key bytes | cell bytes      (all varints)
//       | smallest key | largest key                                      (each behind a varint that counts it)

import { equalBytes } from "../../base/bytes.ts";
import { ByteReader, ByteWriter } from "../../base/codec.ts";
import { fileNumber, sequence } from "../../base/ids.ts";
import type { FileNumber, Sequence } from "../../base/ids.ts";
import { stamp } from "../../base/stamp.ts";
import type { Stamp } from "../../base/stamp.ts";
import type { TableMeta } from "../table-meta.ts";

export interface TableProperties extends Omit<TableMeta, "bytes" | "sequenceOverride"> {
  /** The number it was built under; an ingested table goes by another one. */
  readonly number: FileNumber;
  readonly blockBytes: number;
  /** Data blocks. */
  readonly blocks: number;
  readonly stampLeast: Stamp;
  /** Before prefix compression. */
  readonly keyBytes: number;
  readonly cellBytes: number;
}

export function encodeProperties(properties: TableProperties): Uint8Array {
  const { versionLeast, versionGreatest } = properties;
  return new ByteWriter(256)
    .varint(properties.number)
    .varint(properties.blockBytes)
    .varint(properties.blocks)
    .varint(properties.entries)
    .varint(properties.keys)
    .varint(properties.tombstones)
    .varint(properties.sequenceLeast)
    .varint(properties.sequenceGreatest)
    .varint(properties.stampLeast)
    .varint(properties.stampGreatest)
    .varint(properties.expiring)
    .varint(properties.expiryLeast)
    .varint(properties.expiryGreatest)
    .varint(versionLeast.term)
    .varint(versionLeast.index)
    .varint(versionGreatest.term)
    .varint(versionGreatest.index)
    .varint(properties.keyBytes)
    .varint(properties.cellBytes)
    .block(properties.smallest)
    .block(properties.largest)
    .finish();
}

/** Throws `corruption` naming `what`. */
export function decodeProperties(contents: Uint8Array, what: string): TableProperties {
  const reader = new ByteReader(contents, what);
  // Fields are read in the order in which they are written here, which is that of the format.
  const properties: TableProperties = {
    number: fileNumber(reader.varint()),
    blockBytes: reader.varint(),
    blocks: reader.varint(),
    entries: reader.varint(),
    keys: reader.varint(),
    tombstones: reader.varint(),
    sequenceLeast: sequence(reader.varint()),
    sequenceGreatest: sequence(reader.varint()),
    stampLeast: stamp(reader.varint()),
    stampGreatest: stamp(reader.varint()),
    expiring: reader.varint(),
    expiryLeast: stamp(reader.varint()),
    expiryGreatest: stamp(reader.varint()),
    versionLeast: { term: reader.varint(), index: reader.varint() },
    versionGreatest: { term: reader.varint(), index: reader.varint() },
    keyBytes: reader.varint(),
    cellBytes: reader.varint(),
    smallest: reader.block().slice(),
    largest: reader.block().slice(),
  };
  reader.expectEnd();
  return properties;
}

/** What the manifest should know of the table that says this. */
export function metaOf(
  properties: TableProperties,
  file: { number: FileNumber; bytes: number; override?: Sequence },
): TableMeta {
  return {
    number: file.number,
    bytes: file.bytes,
    entries: properties.entries,
    keys: properties.keys,
    tombstones: properties.tombstones,
    smallest: properties.smallest,
    largest: properties.largest,
    sequenceLeast: properties.sequenceLeast,
    sequenceGreatest: properties.sequenceGreatest,
    stampGreatest: properties.stampGreatest,
    expiryLeast: properties.expiryLeast,
    expiryGreatest: properties.expiryGreatest,
    expiring: properties.expiring,
    versionLeast: properties.versionLeast,
    versionGreatest: properties.versionGreatest,
    ...(file.override === undefined ? {} : { sequenceOverride: file.override }),
  };
}

/** The first thing in which a table is not the one that the manifest names; undefined when it is that one. */
export function differenceFromMeta(properties: TableProperties, meta: TableMeta): string | undefined {
  if (properties.entries !== meta.entries) return `${properties.entries} entries instead of ${meta.entries}`;
  if (properties.keys !== meta.keys) return `${properties.keys} keys instead of ${meta.keys}`;
  if (!equalBytes(properties.smallest, meta.smallest)) return "another smallest key";
  if (!equalBytes(properties.largest, meta.largest)) return "another largest key";
  if (meta.sequenceOverride !== undefined) {
    // All its entries count with one sequence, so there must not be two of one key.
    return properties.keys === properties.entries
      ? undefined
      : `${properties.keys} keys in ${properties.entries} entries`;
  }
  if (properties.sequenceLeast !== meta.sequenceLeast || properties.sequenceGreatest !== meta.sequenceGreatest) {
    return `sequences ${properties.sequenceLeast} to ${properties.sequenceGreatest}`;
  }
  return undefined;
}
