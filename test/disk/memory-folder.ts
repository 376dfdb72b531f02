// One folder of the memory disk: the names that a reader sees now, those that are surely on the
// platter, and the changes between the two, oldest first.

import { assert } from "../../internal/base/assert.ts";
import type { MemoryFile } from "./memory-file.ts";
import type { Survival } from "./power-cut.ts";

export type MemoryNode = MemoryFile | MemoryFolder;

export interface EntryChange {
  readonly sequence: number;
  /** The name that goes, when it still leads to this node. */
  readonly removes?: readonly [name: string, node: MemoryNode];
  /** The name that leads to this node from now on. */
  readonly sets?: readonly [name: string, node: MemoryNode];
  /** flying: its call has not come back. done: in memory. durable: surely on the platter. */
  state: "flying" | "done" | "durable";
}

/** Finds or makes the copy of a node: two names of one file must lead to one copy. */
export type CopyNode = (node: MemoryNode) => MemoryNode;

export class MemoryFolder {
  readonly kind = "folder";
  private entries = new Map<string, MemoryNode>();
  private synced = new Map<string, MemoryNode>();
  private changes: EntryChange[] = [];

  get(name: string): MemoryNode | undefined {
    return this.entries.get(name);
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** Sorted. */
  names(): string[] {
    return [...this.entries.keys()].sort();
  }

  nodes(): IterableIterator<MemoryNode> {
    return this.entries.values();
  }

  change(change: EntryChange): EntryChange {
    apply(this.entries, change);
    this.changes.push(change);
    return change;
  }

  /** What a sync that is asked for now will cover: not a call that is in flight, which it might just miss. */
  done(): readonly EntryChange[] {
    return this.changes.filter((change) => change.state === "done");
  }

  /** A sync came back that covers these changes. */
  sync(covered: readonly EntryChange[] = this.done()): void {
    for (const change of covered) change.state = "durable";
    let count = 0;
    for (const change of this.changes) {
      if (change.state !== "durable") break;
      apply(this.synced, change);
      count++;
    }
    this.changes.splice(0, count);
  }

  /** Fills the empty `other` with what is left of this folder when its process is killed: everything. */
  afterKill(other: MemoryFolder, copy: CopyNode): void {
    other.entries = copyEntries(this.entries, copy);
    other.synced = copyEntries(this.synced, copy);
    other.changes = this.changes.map((change) => {
      const state = change.state === "flying" ? "done" : change.state;
      const removes = change.removes && ([change.removes[0], copy(change.removes[1])] as const);
      const sets = change.sets && ([change.sets[0], copy(change.sets[1])] as const);
      return { sequence: change.sequence, ...(removes && { removes }), ...(sets && { sets }), state };
    });
  }

  /** Fills the empty `other` with what is left of this folder after a power cut. */
  afterPowerCut(other: MemoryFolder, survival: Survival, copy: CopyNode): void {
    const open = this.changes.filter((change) => change.state !== "durable");
    const kept = open.length === 0 ? [] : survival.entries(open.length);
    assert(kept.length === open.length, "an answer for each change", { kept: kept.length, open: open.length });
    const entries = new Map(this.synced);
    let at = 0;
    for (const change of this.changes) {
      if (change.state === "durable" || kept[at++] === true) apply(entries, change);
    }
    other.entries = copyEntries(entries, copy);
    other.synced = new Map(other.entries);
  }
}

function apply(entries: Map<string, MemoryNode>, change: EntryChange): void {
  if (change.removes !== undefined) {
    const [name, node] = change.removes;
    if (entries.get(name) === node) entries.delete(name);
  }
  if (change.sets !== undefined) entries.set(change.sets[0], change.sets[1]);
}

function copyEntries(entries: ReadonlyMap<string, MemoryNode>, copy: CopyNode): Map<string, MemoryNode> {
  const copies = new Map<string, MemoryNode>();
  for (const [name, node] of entries) copies.set(name, copy(node));
  return copies;
}
