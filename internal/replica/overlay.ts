// Fast writes that a leader has answered and that are not applied yet. Its fast reads look here before they look into the
// engine, so that whoever wrote sees what it wrote. A leader that loses its office drops all of it: whether they are ever
// applied is then for the next one to decide.

import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { keyName } from "./decide.ts";

export interface OverlaidRecord {
  readonly key: Uint8Array;
  readonly record: EngineRecord;
}

export class Overlay {
  private readonly newest = new Map<string, EngineRecord>();
  /** In the order of the log, for letting go. */
  private order: { readonly name: string; readonly index: number }[] = [];
  private head = 0;
  private bytesHeld = 0;

  get size(): number {
    return this.newest.size;
  }

  /** Of the records that it holds. */
  get bytes(): number {
    return this.bytesHeld;
  }

  /** Of the newest write that is held. */
  get lastIndex(): number | undefined {
    return this.head < this.order.length ? this.order.at(-1)?.index : undefined;
  }

  add(name: string, record: EngineRecord): void {
    this.bytesHeld += record.payload.length - (this.newest.get(name)?.payload.length ?? 0);
    this.newest.set(name, record);
    this.order.push({ name, index: record.index });
  }

  /** What lies over the engine's record of a key; "absent" when it was deleted, or has expired at `now`. */
  find(key: Uint8Array, now: Stamp): EngineRecord | "absent" | undefined {
    if (this.newest.size === 0) return undefined;
    const record = this.newest.get(keyName(key));
    if (record === undefined) return undefined;
    return record.tombstone || isExpired(record.expiry, now) ? "absent" : record;
  }

  /** Of the keys that begin so and lie behind `after`, in their order. */
  within(prefix: Uint8Array, after: Uint8Array | undefined): readonly OverlaidRecord[] {
    if (this.newest.size === 0) return [];
    const [start, behind] = [keyName(prefix), after === undefined ? undefined : keyName(after)];
    const names: string[] = [];
    for (const name of this.newest.keys()) {
      if (name.startsWith(start) && (behind === undefined || name > behind)) names.push(name);
    }
    return names.sort(compareNames).map((name) => {
      return { key: keyOf(name), record: this.newest.get(name) as EngineRecord };
    });
  }

  /** The engine shows everything up to `index`. */
  appliedTo(index: number): void {
    while (this.head < this.order.length) {
      const { name, index: at } = this.order[this.head] as { name: string; index: number };
      if (at > index) break;
      this.head++;
      const record = this.newest.get(name);
      if (record?.index !== at) continue;
      this.newest.delete(name);
      this.bytesHeld -= record.payload.length;
    }
    if (this.head === this.order.length || this.head > 1024) {
      this.order = this.order.slice(this.head);
      this.head = 0;
    }
  }

  clear(): void {
    this.newest.clear();
    this.bytesHeld = 0;
    this.order = [];
    this.head = 0;
  }
}

/** Names are ordered as their keys' bytes are: each letter is one. */
const compareNames = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
const keyOf = (name: string): Uint8Array => Uint8Array.from(name, (letter) => letter.charCodeAt(0));
