// Blocks of all tables in memory: one preallocated slab of equal frames, found by file number and
// offset through a hash table in typed arrays. There is no object per block, and nothing for the garbage
// collector to walk.
//
//   slots:  [ - | 7 | - | 2 | 5 | - ...]     open addressing, linear probing; a slot names a frame
//   frames: [ 0 ][ 1 ][ 2 ][ 3 ] ...         bytes in the slab; file, offset, pins, uses beside it
//
// A frame is free, filling, or published. Whoever fills or reads one across turns pins it; a pinned
// frame keeps its bytes. Others are taken by a clock: each use adds to a small count, each pass of the hand
// takes from it, and a frame that was used once at most is taken at once, so that what is used again and
// again outlasts a scan. When every frame is pinned there is none to be had, and the caller reads into
// memory of its own.

import { assert } from "../../base/assert.ts";

export interface BlockCacheStats {
  hits: number;
  misses: number;
  evictions: number;
}

const usesMax = 4;
/** Slabs are at most so large: offsets in them stay small integers. One is enough for most. */
const slabBytesMax = 1024 * 1024 * 1024;
const noFile = -1;

export class BlockCache {
  readonly stats: BlockCacheStats = { hits: 0, misses: 0, evictions: 0 };
  readonly frameBytes: number;
  readonly frames: number;
  private readonly slabs: readonly Uint8Array[];
  private readonly framesPerSlab: number;
  /** Of each frame the file, noFile when it is free or filling, and the offset: side by side, so that one look brings both. */
  private readonly places: Float64Array;
  private readonly pins: Int32Array;
  private readonly uses: Uint8Array;
  /** A frame + 1, or 0. */
  private readonly slots: Int32Array;
  private readonly slotMask: number;
  private hand = 0;
  private pinnedFrames = 0;
  private published = 0;

  constructor(bytes: number, frameBytes: number) {
    this.frameBytes = frameBytes;
    this.frames = Math.max(1, Math.floor(bytes / frameBytes));
    this.framesPerSlab = Math.floor(slabBytesMax / frameBytes);
    this.slabs = allocateSlabs(this.frames, this.framesPerSlab, frameBytes);
    this.places = new Float64Array(2 * this.frames).fill(noFile);
    this.pins = new Int32Array(this.frames);
    this.uses = new Uint8Array(this.frames);
    let slots = 16;
    while (slots < 2 * this.frames) slots *= 2;
    this.slots = new Int32Array(slots);
    this.slotMask = slots - 1;
  }

  /** The frame that holds the block, or -1. It stays until the next `claim`, unless it is pinned. */
  find(file: number, offset: number): number {
    const frame = this.lookUp(file, offset);
    if (frame < 0) {
      this.stats.misses++;
      return -1;
    }
    this.stats.hits++;
    const uses = this.uses[frame] as number;
    if (uses < usesMax) this.uses[frame] = uses + 1;
    return frame;
  }

  /** Without counting it as a use. */
  has(file: number, offset: number): boolean {
    return this.lookUp(file, offset) >= 0;
  }

  /** Whether nearly every frame holds a block, so that another one will come in place of one. */
  get isFull(): boolean {
    return this.published >= this.frames - (this.frames >> 4);
  }

  /** Frames that cannot be taken now. */
  get pinned(): number {
    return this.pinnedFrames;
  }

  /** The memory that frame lies in, from `startOf` on. */
  slabOf(frame: number): Uint8Array {
    const { slabs } = this;
    return slabs.length === 1
      ? (slabs[0] as Uint8Array)
      : (slabs[Math.floor(frame / this.framesPerSlab)] as Uint8Array);
  }

  startOf(frame: number): number {
    return (this.slabs.length === 1 ? frame : frame % this.framesPerSlab) * this.frameBytes;
  }

  pin(frame: number): void {
    const pins = this.pins[frame] as number;
    if (pins === 0) this.pinnedFrames++;
    this.pins[frame] = pins + 1;
  }

  unpin(frame: number): void {
    const pins = this.pins[frame] as number;
    if (pins <= 0) assert(false, "a frame was unpinned more often than pinned", { frame, pins });
    if (pins === 1) this.pinnedFrames--;
    this.pins[frame] = pins - 1;
  }

  /** A frame to fill, pinned once for the caller; -1 when all are pinned. What it held is forgotten. */
  claim(): number {
    const { frames, pins, uses } = this;
    if (this.pinnedFrames === frames) return -1;
    for (;;) {
      const frame = this.hand;
      this.hand = frame + 1 === frames ? 0 : frame + 1;
      if ((pins[frame] as number) > 0) continue;
      if (this.fileOf(frame) !== noFile) {
        if ((uses[frame] as number) > 1) {
          uses[frame] = (uses[frame] as number) - 1;
          continue;
        }
        this.forget(frame);
        this.stats.evictions++;
      }
      this.pin(frame);
      return frame;
    }
  }

  /**
   * Makes a filled frame findable, for somebody who uses it now (1) or will find it (0). When another one holds the block by now, that one stays, and this is
   * an ordinary frame without a block. REQUIRES: claimed; it stays pinned.
   */
  publish(frame: number, file: number, offset: number, uses: 0 | 1): void {
    assert(this.fileOf(frame) === noFile, "a frame was published twice", { frame });
    if (this.lookUp(file, offset) >= 0) return;
    this.places[2 * frame] = file;
    this.places[2 * frame + 1] = offset;
    this.uses[frame] = uses;
    this.published++;
    let slot = this.slotFor(file, offset);
    while ((this.slots[slot] as number) !== 0) slot = (slot + 1) & this.slotMask;
    this.slots[slot] = frame + 1;
  }

  /** Forgets all blocks of a file. A pinned one keeps its bytes for as long as it is pinned. */
  purge(file: number): void {
    for (let frame = 0; frame < this.frames; frame++) if (this.fileOf(frame) === file) this.forget(frame);
  }

  /** For tests and the simulator: throws when what is kept twice does not agree. */
  checkInvariants(): void {
    let published = 0;
    let pinned = 0;
    for (let frame = 0; frame < this.frames; frame++) {
      const file = this.fileOf(frame);
      if ((this.pins[frame] as number) > 0) pinned++;
      if (file === noFile) continue;
      published++;
      const found = this.lookUp(file, this.offsetOf(frame));
      assert(found === frame, "a published frame is not found", { frame, found });
    }
    const named = this.slots.reduce((count, slot) => count + (slot === 0 ? 0 : 1), 0);
    assert(named === published, "slots and published frames", { named, published });
    assert(published === this.published, "published frames", { published, counted: this.published });
    assert(pinned === this.pinnedFrames, "pinned frames", { pinned, counted: this.pinnedFrames });
  }

  private fileOf(frame: number): number {
    return this.places[2 * frame] as number;
  }

  private offsetOf(frame: number): number {
    return this.places[2 * frame + 1] as number;
  }

  private lookUp(file: number, offset: number): number {
    const { slots, slotMask, places } = this;
    let slot = this.slotFor(file, offset);
    for (;;) {
      const frame = (slots[slot] as number) - 1;
      if (frame < 0 || (places[2 * frame] === file && places[2 * frame + 1] === offset)) return frame;
      slot = (slot + 1) & slotMask;
    }
  }

  /** Numbers beyond 2^32 wrap; that only makes some slots more crowded. */
  private slotFor(file: number, offset: number): number {
    let hash = Math.imul(file | 0, 0x9e3779b1) ^ Math.imul(offset | 0, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & this.slotMask;
  }

  /** Takes a published frame out of the hash table; followers move up, so that no chain breaks. */
  private forget(frame: number): void {
    const { slots, slotMask } = this;
    let gap = this.slotFor(this.fileOf(frame), this.offsetOf(frame));
    while ((slots[gap] as number) - 1 !== frame) gap = (gap + 1) & slotMask;
    this.places[2 * frame] = noFile;
    this.published--;
    for (let slot = (gap + 1) & slotMask; ; slot = (slot + 1) & slotMask) {
      const other = (slots[slot] as number) - 1;
      if (other < 0) break;
      const home = this.slotFor(this.fileOf(other), this.offsetOf(other));
      if (((slot - home) & slotMask) >= ((slot - gap) & slotMask)) {
        slots[gap] = other + 1;
        gap = slot;
      }
    }
    slots[gap] = 0;
  }
}

function allocateSlabs(frames: number, framesPerSlab: number, frameBytes: number): Uint8Array[] {
  const slabs: Uint8Array[] = [];
  for (let left = frames; left > 0; left -= framesPerSlab) {
    slabs.push(new Uint8Array(Math.min(left, framesPerSlab) * frameBytes));
  }
  return slabs;
}
