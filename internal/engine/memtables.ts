// The memtables of an engine: one that takes writes, and sealed ones that wait for their flush.
//
//   writes -> active          seal: the active one fills up, or a flush is asked for
//             sealed (newest)
//             sealed (oldest) -> flush job -> level 0
//
// Arenas are recycled. One that a reader still holds when its flush is done is left to the collector
// instead, so that a reader who takes his time never holds up writers.

import { assert } from "../base/assert.ts";
import type { Incarnation, LogIndex, Sequence } from "../base/ids.ts";
import type { GarbageHorizon } from "./garbage.ts";
import { arenaBytesFor, MemtableArena } from "./memtable/arena.ts";
import { Memtable } from "./memtable/memtable.ts";

/** A memtable, and what must become durable together with it. */
export class MemtableSlot {
  readonly memtable: Memtable;
  /** Greatest log index of each incarnation whose effects lie in here or in older memtables. */
  readonly applied = new Map<Incarnation, LogIndex>();
  readonly horizons = new Map<Incarnation, GarbageHorizon>();
  /** The newest write when this memtable was sealed, or the newest so far. */
  lastSequence: Sequence;
  pins = 0;

  constructor(arena: MemtableArena, lastSequence: Sequence) {
    this.lastSequence = lastSequence;
    this.memtable = new Memtable(arena);
  }

  get isEmpty(): boolean {
    return this.memtable.entries === 0 && this.applied.size === 0 && this.horizons.size === 0;
  }
}

export class Memtables {
  private readonly arenaBytes: number;
  private readonly slotsMax: number;
  private readonly free: MemtableArena[] = [];
  private sealedOldestFirst: MemtableSlot[] = [];
  private activeSlot: MemtableSlot;

  constructor(arenaBytes: number, slotsMax: number, lastSequence: Sequence) {
    this.arenaBytes = arenaBytes;
    this.slotsMax = slotsMax;
    this.activeSlot = new MemtableSlot(new MemtableArena(arenaBytes), lastSequence);
  }

  get active(): MemtableSlot {
    return this.activeSlot;
  }

  get sealed(): readonly MemtableSlot[] {
    return this.sealedOldestFirst;
  }

  get bytesUsed(): number {
    let bytes = this.activeSlot.memtable.bytesUsed;
    for (const slot of this.sealedOldestFirst) bytes += slot.memtable.bytesUsed;
    return bytes;
  }

  /** Whether some memtable may hold entries of this incarnation. */
  mention(of: Incarnation): boolean {
    return [this.activeSlot, ...this.sealedOldestFirst].some((slot) => slot.applied.has(of));
  }

  /** Whether another memtable may be begun. */
  get canSeal(): boolean {
    return this.sealedOldestFirst.length + 1 < this.slotsMax;
  }

  /**
   * Puts the active memtable in line for its flush and begins a new one, which has room for a batch of
   * this size whatever the usual size is. REQUIRES: canSeal, unless trouble keeps memtables from being flushed.
   */
  seal(operations = 0, bytes = 0): void {
    this.sealedOldestFirst = [...this.sealedOldestFirst, this.activeSlot];
    this.activeSlot = new MemtableSlot(this.takeArena(operations, bytes), this.activeSlot.lastSequence);
  }

  /** The oldest sealed memtable has become a table: readers find its entries there from now on. */
  retire(slot: MemtableSlot): void {
    assert(this.sealedOldestFirst[0] === slot, "memtables are flushed in the order in which they were sealed");
    this.sealedOldestFirst = this.sealedOldestFirst.slice(1);
    if (slot.pins === 0) this.recycle(slot.memtable.arena);
  }

  /** All memtables, newest first, held for a reader. */
  pin(): readonly MemtableSlot[] {
    const slots = [this.activeSlot, ...this.sealedOldestFirst.toReversed()];
    for (const slot of slots) slot.pins++;
    return slots;
  }

  unpin(slots: readonly MemtableSlot[]): void {
    for (const slot of slots) {
      assert(slot.pins > 0, "a memtable was released more often than it was pinned");
      slot.pins--;
    }
  }

  private takeArena(operations: number, bytes: number): MemtableArena {
    const needed = arenaBytesFor(operations, bytes);
    if (needed > this.arenaBytes) return new MemtableArena(needed);
    return this.free.pop() ?? new MemtableArena(this.arenaBytes);
  }

  private recycle(arena: MemtableArena): void {
    const usual = arena.buffer.byteLength === this.arenaBytes;
    if (!usual || this.free.length >= this.slotsMax) return;
    arena.reset();
    this.free.push(arena);
  }
}
