// One file of the memory disk: what a reader sees now, and how to take back what was not synced.
//
//   image    the bytes as read now; everything at and behind `size` is zero
//   changes  oldest first; each holds the bytes that it overwrote. The bytes that are surely on the
//            platter are the image with all changes taken back that are not durable
//
// Keeping undo instead of a second image makes appends and syncs cost nothing: an append overwrites
// nothing, and a sync forgets the list.

import { assert } from "../../internal/base/assert.ts";
import { ByteImage } from "./byte-image.ts";
import { sectorBytes, type Survival } from "./power-cut.ts";

export interface FileChange {
  readonly sequence: number;
  /** The bytes that changed. A truncation changes those that it cuts off, to zeros. */
  readonly from: number;
  readonly to: number;
  readonly truncates: boolean;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  /** What [from, min(to, sizeBefore)) held. */
  readonly undo: Uint8Array;
  /**
   * flying: its call has not come back. done: in the page cache. durable: surely on the platter.
   * dropped: a sync of it failed, and the page cache takes it for written; no later sync writes it.
   */
  state: "flying" | "done" | "durable" | "dropped";
}

/** Which change's content each sector got; absent: that of before all changes. */
type ChosenVersions = Map<number, number>;

export class MemoryFile {
  readonly kind = "file";
  size = 0;
  private image = new ByteImage();
  private changes: FileChange[] = [];

  get hasUnsynced(): boolean {
    return this.changes.length > 0;
  }

  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - position));
    if (length > 0) this.image.read(target.subarray(0, length), position);
    return length;
  }

  /** All of the file, for tests that look at it. */
  bytes(): Uint8Array {
    return this.image.slice(0, this.size);
  }

  write(source: Uint8Array, position: number, sequence: number): FileChange {
    const to = position + source.length;
    const change: FileChange = {
      sequence,
      from: position,
      to,
      truncates: false,
      sizeBefore: this.size,
      sizeAfter: source.length === 0 ? this.size : Math.max(this.size, to),
      undo: this.image.slice(position, Math.max(position, Math.min(to, this.size))),
      state: "flying",
    };
    this.image.write(source, position);
    this.size = change.sizeAfter;
    this.changes.push(change);
    return change;
  }

  truncate(bytes: number, sequence: number): FileChange {
    const from = Math.min(bytes, this.size);
    const change: FileChange = {
      sequence,
      from,
      to: this.size,
      truncates: true,
      sizeBefore: this.size,
      sizeAfter: bytes,
      undo: this.image.slice(from, this.size),
      state: "flying",
    };
    this.image.zero(from, this.size);
    this.size = bytes;
    this.changes.push(change);
    return change;
  }

  /** The call of a change came back. */
  settle(change: FileChange, state: "done" | "durable"): void {
    change.state = state;
    if (state === "durable") this.forgetDurable();
  }

  /** Whether no later change touched the bytes of this one, which is still in flight. */
  isNewestOver(change: FileChange): boolean {
    for (let at = this.changes.length - 1; at >= 0; at--) {
      const other = this.changes[at] as FileChange;
      if (other === change) return true;
      if (other.from < change.to && change.from < other.to) return false;
    }
    return false;
  }

  /** What a sync that is asked for now will cover: not a write that is in flight, which it might just miss. */
  done(): readonly FileChange[] {
    return this.changes.filter((change) => change.state === "done");
  }

  /** A sync came back that covers these changes. */
  sync(covered: readonly FileChange[] = this.done()): void {
    for (const change of covered) if (change.state === "done") change.state = "durable";
    this.forgetDurable();
  }

  /** All of it, as readers see it; a copy. */
  contents(): Uint8Array {
    return this.image.slice(0, this.size);
  }

  /** The platter rots: one bit of what it holds is another now, and nobody wrote it. */
  flipBit(position: number, bit: number): void {
    const byte = this.image.slice(position, position + 1);
    byte[0] = (byte[0] as number) ^ (1 << bit);
    this.image.write(byte, position);
  }

  /** A sync failed as Linux fails it: the pages count as clean, and their bytes never reach the platter. */
  dropUnsynced(): void {
    for (const change of this.changes) if (change.state === "done") change.state = "dropped";
  }

  /** The file as the kernel keeps it when its process is killed: nothing is lost, nothing is synced. */
  afterKill(): MemoryFile {
    const other = new MemoryFile();
    other.size = this.size;
    other.image = this.image.fork();
    other.changes = this.changes.map((change) => ({
      ...change,
      state: change.state === "flying" ? "done" : change.state,
    }));
    return other;
  }

  afterPowerCut(survival: Survival): MemoryFile {
    const other = new MemoryFile();
    if (this.changes.length === 0) {
      other.size = this.size;
      other.image = this.image.fork();
      return other;
    }
    const base = this.image.fork();
    const redo = this.takeBack(base);
    const syncedSize = this.sizes().synced;
    other.image = base.fork();
    const chosen = this.chooseVersions(survival, (sector) => {
      if (sector * sectorBytes < syncedSize || !survival.isGarbage()) return;
      const garbage = new Uint8Array(sectorBytes);
      survival.garbage(garbage);
      other.image.write(garbage, sector * sectorBytes);
    });
    this.bringForward(base, other.image, { redo, chosen });
    const sizes = this.sizes();
    other.size = survival.size(sizes);
    assert(other.size >= sizes.least && other.size <= sizes.most, "a size that cannot be", { size: other.size });
    const end = this.changes.reduce((most, change) => Math.max(most, change.to, change.sizeBefore), this.size);
    other.image.zero(other.size, Math.max(end, other.size) + sectorBytes);
    return other;
  }

  /** Turns `image` from now to before the first change; answers what each change wrote. */
  private takeBack(image: ByteImage): Uint8Array[] {
    const redo: Uint8Array[] = [];
    for (let at = this.changes.length - 1; at >= 0; at--) {
      const change = this.changes[at] as FileChange;
      redo[at] = image.slice(change.from, change.to);
      image.zero(change.from, change.to);
      image.write(change.undo, change.from);
    }
    return redo;
  }

  private chooseVersions(survival: Survival, onLost: (sector: number) => void): ChosenVersions {
    const versions = new Map<number, number[]>();
    this.changes.forEach((change, index) => {
      forEachSector(change, (sector) => {
        const known = versions.get(sector);
        if (change.state === "durable") versions.set(sector, [index]);
        else if (known === undefined) versions.set(sector, change.state === "dropped" ? [-1] : [-1, index]);
        else if (change.state !== "dropped") known.push(index);
      });
    });
    const chosen: ChosenVersions = new Map();
    for (const [sector, indices] of versions) {
      const sequences = indices.map((index) => (index < 0 ? 0 : (this.changes[index] as FileChange).sequence));
      const index = indices[survival.sector(sector, sequences)];
      assert(index !== undefined, "a version that the sector never had", { sector });
      if (index >= 0) chosen.set(sector, index);
      else onLost(sector);
    }
    return chosen;
  }

  /** Replays the changes in `walk`, and copies from it into `result` each sector as of its chosen change. */
  private bringForward(
    walk: ByteImage,
    result: ByteImage,
    plan: { readonly redo: readonly Uint8Array[]; readonly chosen: ChosenVersions },
  ): void {
    const sectorContent = new Uint8Array(sectorBytes);
    this.changes.forEach((change, index) => {
      walk.write(plan.redo[index] as Uint8Array, change.from);
      forEachSector(change, (sector) => {
        if (plan.chosen.get(sector) !== index) return;
        walk.read(sectorContent, sector * sectorBytes);
        result.write(sectorContent, sector * sectorBytes);
      });
    });
  }

  private sizes(): { synced: number; present: number; least: number; most: number } {
    let synced = this.changes[0]?.sizeBefore ?? this.size;
    let least = synced;
    let most = synced;
    for (const change of this.changes) {
      if (change.state !== "durable") {
        least = Math.min(least, change.sizeAfter);
        most = Math.max(most, change.sizeAfter);
      } else if (change.truncates) {
        synced = least = most = change.sizeAfter;
      } else {
        synced = Math.max(synced, change.to);
        least = Math.max(least, change.to);
        most = Math.max(most, change.to);
      }
    }
    return { synced, present: this.size, least, most };
  }

  private forgetDurable(): void {
    let count = 0;
    while (count < this.changes.length && this.changes[count]?.state === "durable") count++;
    if (count === this.changes.length) this.changes.length = 0;
    else if (count > 0) this.changes.splice(0, count);
  }
}

function forEachSector(change: FileChange, visit: (sector: number) => void): void {
  if (change.from === change.to) return;
  const last = Math.floor((change.to - 1) / sectorBytes);
  for (let sector = Math.floor(change.from / sectorBytes); sector <= last; sector++) visit(sector);
}
