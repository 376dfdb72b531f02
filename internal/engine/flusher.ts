// Turns sealed memtables into tables of level 0, oldest first. What becomes durable with a table, in
// the same edit, is what the memtable knew when it was sealed: the applied index of each incarnation
// and the horizons of its garbage.

import type { Incarnation, LogIndex } from "../base/ids.ts";
import { Chore } from "./chore.ts";
import { flushJob } from "./compaction/flush-job.ts";
import type { EngineCore } from "./core.ts";
import { tablePath } from "./file-names.ts";
import type { MemtableSlot } from "./memtables.ts";
import type { TableMeta } from "./table-meta.ts";
import { editOf } from "./version/version-edit.ts";

export interface FlushStats {
  flushes: number;
  bytesWritten: number;
}

export type FlushListener = (applied: ReadonlyMap<Incarnation, LogIndex>) => void;

export class Flusher {
  readonly stats: FlushStats = { flushes: 0, bytesWritten: 0 };
  readonly chore: Chore;
  private readonly core: EngineCore;
  /** Written by a flush, and not in the manifest yet because that could not be written. */
  private unfinished: { readonly slot: MemtableSlot; readonly table: TableMeta | undefined } | undefined;
  private readonly onFlushed: FlushListener;

  constructor(core: EngineCore, onFlushed: FlushListener) {
    this.core = core;
    this.onFlushed = onFlushed;
    this.chore = new Chore(core, {
      doing: "writing a memtable to a table",
      bytesNeeded: () => 2 * core.options.memtableBytes,
      step: () => this.flushOldest(),
    });
  }

  private async flushOldest(): Promise<boolean> {
    const slot = this.core.memtables.sealed[0];
    if (slot === undefined) return false;
    if (this.unfinished?.slot !== slot) this.unfinished = { slot, table: await this.writeTable(slot) };
    const { table } = this.unfinished;
    const edit = editOf({
      added: table === undefined ? [] : [{ level: 0, meta: table }],
      applied: [...slot.applied].map(([incarnation, index]) => ({ incarnation, index })),
      garbage: [...slot.horizons.values()],
      lastSequence: slot.lastSequence,
    });
    await this.core.install(edit, () => this.core.memtables.retire(slot));
    this.unfinished = undefined;
    this.stats.flushes++;
    this.stats.bytesWritten += table?.bytes ?? 0;
    this.onFlushed(slot.applied);
    return true;
  }

  private async writeTable(slot: MemtableSlot): Promise<TableMeta | undefined> {
    const { core } = this;
    if (slot.memtable.entries === 0) return undefined;
    const number = core.reserveNumbers(1);
    try {
      const table = await core.seams.background.run(flushJob, {
        path: tablePath(core.folder, number),
        number,
        memtable: slot.memtable.sealed(),
        snapshots: core.snapshots.sequences(),
        dead: [...core.deadTables.keys()],
        table: { blockBytes: core.options.blockBytes, bloomBitsPerKey: core.options.bloomBitsPerKey },
      });
      if (table !== undefined) await core.trust([table]);
      return table;
    } catch (failure) {
      await core.removeUnclaimed(failure, number, 1);
      throw failure;
    }
  }
}
