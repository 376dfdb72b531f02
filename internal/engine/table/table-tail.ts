// What lies behind the data blocks, read and checked: footer, filter, properties, index. A table in use
// holds filter and index in memory.

import { BlockIndex } from "./block-index.ts";
import { BloomFilter, bloomIsWellFormed } from "./bloom.ts";
import { decodeProperties, differenceFromMeta } from "./properties.ts";
import type { TableProperties } from "./properties.ts";
import { blockDamage, blockTrailerBytes, faultOfBlock, footerBytes, tableDamage } from "./table-format.ts";
import type { BlockKind, Footer } from "./table-format.ts";
import type { TableMeta } from "../table-meta.ts";

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
export function tailBlockRange(footer: Footer, kind: Exclude<BlockKind, "data">): { start: number; end: number } {
  const properties = footer.dataBytes + footer.filterBytes;
  const index = properties + footer.propertiesBytes;
  if (kind === "filter") return { start: footer.dataBytes, end: properties };
  return kind === "properties" ? { start: properties, end: index } : { start: index, end: index + footer.indexBytes };
}

/**
 * Decodes tail[0, tailBytesOf(footer)). Filter and index keep views of `tail`. Throws `corruption`.
 */
export function decodeTail(tail: Uint8Array, path: string, footer: Footer): TableTail {
  const filter = tailBlock(tail, path, footer, "filter");
  if (!bloomIsWellFormed(filter)) {
    throw blockDamage({ path, offset: footer.dataBytes, kind: "filter" }, "it is no filter");
  }
  const properties = decodeProperties(
    tailBlock(tail, path, footer, "properties"),
    describe(path, footer, "properties"),
  );
  const index = new BlockIndex(
    tailBlock(tail, path, footer, "index"),
    describe(path, footer, "index"),
    footer.dataBytes,
  );
  if (properties.blocks !== index.blocks) {
    const offset = tailBlockRange(footer, "index").start;
    throw tableDamage(path, offset, `the index has ${index.blocks} blocks, the properties say ${properties.blocks}`);
  }
  return { footer, filter: new BloomFilter(filter), properties, index };
}

/** Throws `corruption` when the file is not the table that the manifest means. */
export function checkAgainstMeta(tail: TableTail, path: string, meta: TableMeta): void {
  const difference = differenceFromMeta(tail.properties, meta);
  if (difference === undefined) return;
  const offset = tailBlockRange(tail.footer, "properties").start;
  throw tableDamage(path, offset, `the file is not the table that the manifest names: it has ${difference}`);
}

/** The contents of a tail block, checked. */
export function tailBlock(
  tail: Uint8Array,
  path: string,
  footer: Footer,
  kind: Exclude<BlockKind, "data">,
): Uint8Array {
  const { start, end } = tailBlockRange(footer, kind);
  const place = { salt: footer.salt, offset: start, kind };
  const fault = faultOfBlock(tail, start - footer.dataBytes, end - footer.dataBytes, place);
  if (fault !== undefined) throw blockDamage({ path, offset: start, kind }, fault);
  return tail.subarray(start - footer.dataBytes, end - footer.dataBytes - blockTrailerBytes);
}

function describe(path: string, footer: Footer, kind: Exclude<BlockKind, "data">): string {
  return `table ${path}, offset ${tailBlockRange(footer, kind).start}: ${kind} block`;
}
