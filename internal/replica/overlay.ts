// Fast writes that a leader has answered and that are not applied yet. Its fast reads look here before they look into the
// engine, so that whoever wrote sees what it wrote. A leader that loses its office drops all of it: whether they are ever
// applied is then for the next one to decide.

import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { keyName } from "./decide.ts";

/** Its key by name: made to bytes only where it is shown. */
export interface OverlaidRecord {
  readonly name: string;
  readonly record: EngineRecord;
}

/** What lies over a page, as of one moment. */
export interface OverlaidPage {
  /** Least first, and no more of them than tell what the page shows and whether there is more. */
  readonly alive: readonly OverlaidRecord[];
  /** Deleted, or expired: what hides records of the engine. In no order. */
  readonly gone: ReadonlyMap<string, EngineRecord>;
}

interface PageRange {
  readonly prefix: Uint8Array;
  /** Only keys behind this one. */
  readonly after: Uint8Array | undefined;
  /** Records that it shows. */
  readonly limit: number;
  readonly now: Stamp;
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
    return isGone(record, now) ? "absent" : record;
  }

  /** Looks at every name once, since a page may lie anywhere between them; makes bytes of none. */
  within({ prefix, after, limit, now }: PageRange): OverlaidPage {
    if (this.newest.size === 0) return nothing;
    const [start, behind] = [keyName(prefix), after === undefined ? undefined : keyName(after)];
    const least = new LeastNames(limit + 1);
    const gone = new Map<string, EngineRecord>();
    for (const [name, record] of this.newest) {
      if (!name.startsWith(start) || (behind !== undefined && name <= behind)) continue;
      if (isGone(record, now)) gone.set(name, record);
      else least.offer(name);
    }
    const alive = least.names().map((name) => ({ name, record: this.newest.get(name) as EngineRecord }));
    return { alive, gone };
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

/** The least of many names, without an order of all of them. */
class LeastNames {
  private readonly most: number;
  /** Up to twice as many as are wanted; then the greater half goes. */
  private held: string[] = [];
  /** Nothing behind it is among the least. */
  private bound: string | undefined;

  constructor(most: number) {
    this.most = most;
  }

  offer(name: string): void {
    if (this.bound !== undefined && name > this.bound) return;
    this.held.push(name);
    if (this.held.length < 2 * this.most) return;
    this.held = this.names();
    this.bound = this.held.at(-1);
  }

  /** In their order. */
  names(): string[] {
    return this.held.sort(compareNames).slice(0, this.most);
  }
}

const nothing: OverlaidPage = { alive: [], gone: new Map() };
const isGone = ({ tombstone, expiry }: EngineRecord, now: Stamp): boolean => tombstone || isExpired(expiry, now);

/** Names are ordered as their keys' bytes are: each letter is one. */
const compareNames = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Negative, zero or positive as a key sorts before, with or after the key of a name. */
export function compareToName(key: Uint8Array, name: string): number {
  const shared = Math.min(key.length, name.length);
  for (let at = 0; at < shared; at++) {
    const difference = (key[at] as number) - name.charCodeAt(at);
    if (difference !== 0) return difference;
  }
  return key.length - name.length;
}

export function keyOf(name: string): Uint8Array {
  const key = new Uint8Array(name.length);
  for (let at = 0; at < name.length; at++) key[at] = name.charCodeAt(at);
  return key;
}
