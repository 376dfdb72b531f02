// Looks through a table that nobody has open, for people and for tests: its parts one after the other, and every
// damage that it comes upon. Unlike a reader it goes on behind damage as far as it can, and it checks what a
// reader takes on trust: the order of all entries, that the filter lets every key pass, that the counts agree.

import { compareRanges, printableKey } from "../../base/bytes.ts";
import { hashBytes } from "../../base/hash.ts";
import { TrefoilError } from "../../base/errors.ts";
import { readFullyNow } from "../../platform/disk.ts";
import type { JobFile } from "../../platform/disk.ts";
import { decodeCell } from "../cell.ts";
import type { DecodedCell } from "../cell.ts";
import type { BlockIndex } from "./block-index.ts";
import { BlockWalker } from "./block-walker.ts";
import type { BloomFilter } from "./bloom.ts";
import type { TableProperties } from "./properties.ts";
import { blockDamage, decodeFooter, faultOfBlock, footerBytes, tableDamage } from "./table-format.ts";
import type { Footer } from "./table-format.ts";
import { decodeFilter, decodeIndex, decodePropertiesBlock, tailBlockRange, tailBytesOf } from "./table-tail.ts";
import type { TailSource } from "./table-tail.ts";

export type TableFinding =
  | { readonly kind: "footer"; readonly footer: Footer; readonly fileBytes: number }
  | { readonly kind: "filter"; readonly bytes: number; readonly probes: number }
  | { readonly kind: "properties"; readonly properties: TableProperties }
  | { readonly kind: "index"; readonly blocks: number; readonly bytes: number }
  | InspectedBlock
  | InspectedEntry
  | { readonly kind: "damage"; readonly detail: string };

export interface InspectedBlock {
  readonly kind: "block";
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  readonly entries: number;
  readonly restarts: number;
}

export interface InspectedEntry {
  readonly kind: "entry";
  readonly block: number;
  /** Copies. */
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly cell: DecodedCell;
}

export type InspectedFile = Pick<JobFile, "path" | "read" | "size">;

/** Entries come before their block. The file is only read. */
export function* inspectTable(file: InspectedFile): Generator<TableFinding, void, void> {
  const fileBytes = file.size();
  const footer = yield* attempt(() => readFooter(file, fileBytes));
  if (footer === undefined) return;
  yield { kind: "footer", footer, fileBytes };
  const bytes = new Uint8Array(tailBytesOf(footer));
  if ((yield* attempt(() => fill(file, bytes, footer.dataBytes))) === undefined) return;
  const source: TailSource = { bytes, path: file.path, footer };
  const filter = yield* attempt(() => decodeFilter(source));
  if (filter !== undefined) yield { kind: "filter", bytes: footer.filterBytes, probes: filter.probes };
  const properties = yield* attempt(() => decodePropertiesBlock(source));
  if (properties !== undefined) yield { kind: "properties", properties };
  const index = yield* attempt(() => decodeIndex(source));
  if (index === undefined) return;
  yield { kind: "index", blocks: index.blocks, bytes: footer.indexBytes };
  const pass = new BlockPass(file, footer, index, filter);
  for (let block = 0; block < index.blocks; block++) yield* pass.block(block);
  if (properties !== undefined) yield* pass.compareWith(properties);
}

/** One pass over the data blocks. */
class BlockPass {
  private readonly file: InspectedFile;
  private readonly footer: Footer;
  private readonly index: BlockIndex;
  private readonly filter: BloomFilter | undefined;
  private readonly walker: InspectionWalker;
  private entries = 0;
  private keys = 0;
  private tombstones = 0;
  private damaged = false;
  private previous: { readonly key: Uint8Array; readonly sequence: number } | undefined;

  constructor(file: InspectedFile, footer: Footer, index: BlockIndex, filter: BloomFilter | undefined) {
    this.file = file;
    this.footer = footer;
    this.index = index;
    this.filter = filter;
    this.walker = new InspectionWalker(file.path);
  }

  *block(number: number): Generator<TableFinding, void, void> {
    const { index, walker } = this;
    const offset = index.offsetOf(number);
    const bytes = new Uint8Array(index.lengthOf(number));
    let entries = 0;
    let isThere = yield* this.attempt(() => {
      fill(this.file, bytes, offset);
      const fault = faultOfBlock(bytes, 0, bytes.length, { salt: this.footer.salt, offset, kind: "data" });
      if (fault !== undefined) throw blockDamage({ path: this.file.path, offset, kind: "data" }, fault);
      walker.begin(bytes, offset);
      return true;
    });
    while (isThere === true) {
      entries++;
      yield* this.entry(number);
      isThere = yield* this.attempt(() => walker.step());
    }
    yield {
      kind: "block",
      number,
      offset,
      bytes: bytes.length,
      entries,
      restarts: entries === 0 ? 0 : walker.restarts,
    };
  }

  *compareWith(properties: TableProperties): Generator<TableFinding, void, void> {
    if (this.damaged) return;
    yield* this.compareCount("entries", this.entries, properties.entries);
    yield* this.compareCount("keys", this.keys, properties.keys);
    yield* this.compareCount("tombstones", this.tombstones, properties.tombstones);
  }

  private *entry(block: number): Generator<TableFinding, void, void> {
    const { walker, previous } = this;
    const { keyBytes, keyStart, keyEnd, sequence } = walker;
    const key = keyBytes.slice(keyStart, keyEnd);
    const cell = decodeCell(
      walker.cellBytes.slice(walker.cellStart, walker.cellEnd),
      0,
      walker.cellEnd - walker.cellStart,
    );
    if (cell === undefined) yield this.wrong(block, `the cell of ${printableKey(key)} is malformed`);
    else yield { kind: "entry", block, key, sequence, cell };
    const order = previous === undefined ? -1 : compareRanges(previous.key, 0, previous.key.length, key, 0, key.length);
    if (order > 0 || (order === 0 && sequence >= (previous?.sequence ?? 0))) {
      yield this.wrong(block, `the entry of ${printableKey(key)} at sequence ${sequence} is out of order`);
    }
    if (this.filter?.mayContain(hashBytes(key, 0, key.length)) === false) {
      yield this.wrong(block, `the filter denies ${printableKey(key)}`);
    }
    if (this.index.find(key, key.length, sequence) !== block) {
      yield this.wrong(block, `the index looks for ${printableKey(key)} at sequence ${sequence} elsewhere`);
    }
    this.entries++;
    if (order !== 0) this.keys++;
    if (cell?.tombstone === true) this.tombstones++;
    this.previous = { key, sequence };
  }

  private wrong(block: number, what: string): TableFinding {
    this.damaged = true;
    const place = { path: this.file.path, offset: this.index.offsetOf(block), kind: "data" as const };
    return { kind: "damage", detail: blockDamage(place, what).message };
  }

  private *compareCount(what: string, found: number, said: number): Generator<TableFinding, void, void> {
    if (found === said) return;
    const offset = tailBlockRange(this.footer, "properties").start;
    const detail = tableDamage(
      this.file.path,
      offset,
      `the properties say ${said} ${what}, there are ${found}`,
    ).message;
    yield { kind: "damage", detail };
  }

  private *attempt<Value>(work: () => Value): Generator<TableFinding, Value | undefined, void> {
    const result = yield* attempt(work);
    if (result === undefined) this.damaged = true;
    return result;
  }
}

/** Walks a block forward. */
class InspectionWalker extends BlockWalker {
  private readonly path: string;
  private offset = 0;

  constructor(path: string) {
    super(undefined);
    this.path = path;
  }

  get restarts(): number {
    return this.view.restartCount;
  }

  begin(block: Uint8Array, offset: number): void {
    this.offset = offset;
    if (!this.view.open(block, 0, block.length)) throw this.damage("its restart points cannot be");
    this.showFirst();
  }

  step(): boolean {
    return this.stepForward();
  }

  protected override damage(what: string): TrefoilError {
    return blockDamage({ path: this.path, offset: this.offset, kind: "data" }, what);
  }
}

/** Runs the work; damage becomes a finding, and the result undefined. */
function* attempt<Value>(work: () => Value): Generator<TableFinding, Value | undefined, void> {
  try {
    return work();
  } catch (failure) {
    if (!(failure instanceof TrefoilError)) throw failure;
    yield { kind: "damage", detail: failure.message };
    return undefined;
  }
}

function readFooter(file: InspectedFile, fileBytes: number): Footer {
  const end = new Uint8Array(Math.min(footerBytes, fileBytes));
  fill(file, end, fileBytes - end.length);
  return decodeFooter(end, file.path, fileBytes);
}

function fill(file: InspectedFile, target: Uint8Array, position: number): true {
  const taken = readFullyNow(file, target, position);
  if (taken < target.length) throw tableDamage(file.path, position + taken, "the file ends here, before its end");
  return true;
}
