// Several cursors as one, in one direction. The children stand in a binary heap whose root is the
// present entry: forward the least key (and of one key the newest version), backward the greatest
// key (and of one key the oldest version), so that backward is the exact reverse of forward.
//
// One direction per cursor keeps it at two states. Whoever wants to turn makes another.
//
// REQUIRES, of all methods: no load is pending. Closing alone may be done under one.

import { assert } from "../base/assert.ts";
import { compareRanges } from "../base/bytes.ts";
import type { Cursor, EntryView } from "./cursor.ts";

export class MergingCursor {
  private readonly children: readonly Cursor[];
  private readonly backward: boolean;
  /** heap[0, size) are the children that have an entry. */
  private readonly heap: Cursor[];
  private size = 0;
  /** Children whose entry is not in memory yet. */
  private loading: Cursor[] = [];
  private closed = false;

  constructor(children: readonly Cursor[], backward: boolean) {
    this.children = children;
    this.backward = backward;
    this.heap = [...children];
  }

  get needsLoad(): boolean {
    return this.loading.length > 0;
  }

  /** The present entry, or undefined behind the last. REQUIRES: no load needed. */
  get entry(): EntryView | undefined {
    return this.size === 0 ? undefined : this.heap[0];
  }

  /** To the first entry of this direction. */
  seekToStart(): void {
    this.place((child) => (this.backward ? child.seekToLast() : child.seekToFirst()));
  }

  /** Forward: to the first entry at or above the key. Backward: to the last entry below it. */
  seek(key: Uint8Array, length: number): void {
    this.place((child) => (this.backward ? child.seekBefore(key, length) : child.seek(key, length)));
  }

  /** REQUIRES: there is an entry and no load is needed. */
  advance(): void {
    const top = this.heap[0] as Cursor;
    if (this.backward) top.previous();
    else top.next();
    if (top.needsLoad) {
      this.dropRoot();
      this.loading.push(top);
    } else if (top.valid) {
      this.sink(0);
    } else {
      this.dropRoot();
    }
  }

  /** Resolves, or rejects, when no child is at work any more. Behind a failure only a seek helps. */
  async load(): Promise<void> {
    const waiting = this.loading;
    const outcomes = await Promise.allSettled(waiting.map((child) => child.load()));
    if (this.closed) return;
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    this.loading = waiting.filter((child) => child.needsLoad);
    for (const child of waiting) {
      if (!child.needsLoad && child.valid) this.rise(child);
    }
  }

  close(): void {
    this.closed = true;
    this.size = 0;
    this.loading = [];
    for (const child of this.children) child.close();
  }

  private place(move: (child: Cursor) => void): void {
    this.size = 0;
    this.loading = [];
    for (const child of this.children) {
      move(child);
      if (child.needsLoad) this.loading.push(child);
      else if (child.valid) this.rise(child);
    }
  }

  private rise(child: Cursor): void {
    assert(this.size < this.children.length, "a child entered the merge twice");
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(child, this.heap[parent] as Cursor)) break;
      this.heap[at] = this.heap[parent] as Cursor;
      at = parent;
    }
    this.heap[at] = child;
  }

  private dropRoot(): void {
    this.size--;
    if (this.size === 0) return;
    this.heap[0] = this.heap[this.size] as Cursor;
    this.sink(0);
  }

  private sink(from: number): void {
    const { heap, size } = this;
    const moving = heap[from] as Cursor;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(heap[child + 1] as Cursor, heap[child] as Cursor)) child++;
      if (!this.before(heap[child] as Cursor, moving)) break;
      heap[at] = heap[child] as Cursor;
      at = child;
    }
    heap[at] = moving;
  }

  private before(a: Cursor, b: Cursor): boolean {
    const order = compareRanges(a.keyBytes, a.keyStart, a.keyEnd, b.keyBytes, b.keyStart, b.keyEnd);
    const forward = order !== 0 ? order < 0 : a.sequence > b.sequence;
    return forward !== this.backward;
  }
}
