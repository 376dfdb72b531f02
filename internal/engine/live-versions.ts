// Which tables may be deleted. A reader pins the version that it walks over; a table that the present
// version no longer has stays on disk until the last pinned version that has it is released.

import { assert } from "../base/assert.ts";
import type { FileNumber } from "../base/ids.ts";
import type { Version } from "./version/version.ts";

export class LiveVersions {
  private present: Version;
  private readonly pins = new Map<Version, number>();
  private readonly obsolete = new Set<FileNumber>();
  private readonly remove: (number: FileNumber) => void;

  /** `remove` is told each table once, when nobody can reach it any more. */
  constructor(present: Version, remove: (number: FileNumber) => void) {
    this.present = present;
    this.remove = remove;
  }

  get current(): Version {
    return this.present;
  }

  get obsoleteTables(): number {
    return this.obsolete.size;
  }

  pin(): Version {
    const version = this.present;
    this.pins.set(version, (this.pins.get(version) ?? 0) + 1);
    return version;
  }

  unpin(version: Version): void {
    const count = this.pins.get(version);
    assert(count !== undefined, "a version was released more often than it was pinned");
    if (count > 1) {
      this.pins.set(version, count - 1);
      return;
    }
    this.pins.delete(version);
    this.sweep();
  }

  /** The next version, and the tables that it no longer has. */
  install(version: Version, removed: readonly FileNumber[]): void {
    this.present = version;
    for (const number of removed) this.obsolete.add(number);
    this.sweep();
  }

  private sweep(): void {
    if (this.obsolete.size === 0) return;
    const reachable = new Set<FileNumber>();
    for (const version of [this.present, ...this.pins.keys()]) {
      for (const level of version.levels) for (const table of level) reachable.add(table.number);
    }
    for (const number of this.obsolete) {
      if (reachable.has(number)) continue;
      this.obsolete.delete(number);
      this.remove(number);
    }
  }
}
