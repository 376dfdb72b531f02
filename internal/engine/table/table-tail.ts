// What lies behind the data blocks, read and checked: footer, filter, properties, index. A table in use
// holds filter and index in memory.

import { BlockIndex } from "./block-index.ts";
import { BloomFilter, bloomIsWellFormed } from "./bloom.ts";
import { decodeProperties, differenceFromMeta } from "./properties.ts";
import type { TableProperties } from "./properties.ts";
import { blockDamage, blockTrailerBytes, faultOfBlock, footerBytes, tableDamage } from "./table-format.ts";
import type { BlockKind, Footer } from "./table-format.ts";
import type { TableMeta } from "../table-meta.ts";

type TailKind = Exclude<BlockKind, "data">;

export interface TableTail {
  readonly footer: Footer;
  readonly filter: BloomFilter;
  readonly properties: TableProperties;
  readonly index: BlockIndex;
}

/** How many bytes before the end of the file belong to the tail, footer included. */
export function tailBytesOf(footer: Footer): number {
  return footer.filterBytes + footer.propertiesBytes + footer.indexBytes + footerBytes;
}

/** Where a block of the tail lies in the file. */
export function tailBlockRange(footer: Footer, kind: TailKind): { start: number; end: number } {
  const properties = footer.dataBytes + footer.filterBytes;
  const index = properties + footer.propertiesBytes;
  if (kind === "filter") return { start: footer.dataBytes, end: properties };
  return kind === "properties" ? { start: properties, end: index } : { start: index, end: index + footer.indexBytes };
}

/** Decodes tail[0, tailBytesOf(footer)). Filter and index keep views of `tail`. Throws `corruption`. */
export function decodeTail(tail: Uint8Array, path: string, footer: Footer): TableTail {
  const source = { bytes: tail, path, footer };
  const filter = decodeFilter(source);
  const properties = decodePropertiesBlock(source);
  const index = decodeIndex(source);
  if (properties.blocks !== index.blocks) {
    const offset = tailBlockRange(footer, "index").start;
    throw tableDamage(path, offset, `the index has ${index.blocks} blocks, the properties say ${properties.blocks}`);
  }
  return { footer, filter, properties, index };
}

/** The tail of a file: what lies behind the data blocks. */
export interface TailSource {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly footer: Footer;
}

export function decodeFilter(source: TailSource): BloomFilter {
  const contents = tailBlock(source, "filter");
  if (bloomIsWellFormed(contents)) return new BloomFilter(contents);
  throw blockDamage({ path: source.path, offset: source.footer.dataBytes, kind: "filter" }, "it is no filter");
}

export function decodePropertiesBlock(source: TailSource): TableProperties {
  return decodeProperties(tailBlock(source, "properties"), describe(source, "properties"));
}

export function decodeIndex(source: TailSource): BlockIndex {
  return new BlockIndex(tailBlock(source, "index"), describe(source, "index"), source.footer.dataBytes);
}

/** Throws `corruption` when the file is not the table that the manifest means. */
export function checkAgainstMeta(tail: TableTail, path: string, meta: TableMeta): void {
  const difference = differenceFromMeta(tail.properties, meta);
  if (difference === undefined) return;
  const offset = tailBlockRange(tail.footer, "properties").start;
  throw tableDamage(path, offset, `the file is not the table that the manifest names: it has ${difference}`);
}

/** The contents of a tail block, checked. */
function tailBlock(source: TailSource, kind: TailKind): Uint8Array {
  const { bytes, path, footer } = source;
  const range = tailBlockRange(footer, kind);
  const start = range.start - footer.dataBytes;
  const end = range.end - footer.dataBytes;
  const fault = faultOfBlock(bytes, start, end, { salt: footer.salt, offset: range.start, kind });
  if (fault !== undefined) throw blockDamage({ path, offset: range.start, kind }, fault);
  return bytes.subarray(start, end - blockTrailerBytes);
}

function describe(source: TailSource, kind: TailKind): string {
  return `table ${source.path}, offset ${tailBlockRange(source.footer, kind).start}: ${kind} block`;
}
