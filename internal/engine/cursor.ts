// How the parts of the engine hand entries to each other: as ranges of bytes that somebody else owns.
// Memtables, tables, levels and their merge all are cursors; builders and memtables take entries from one.

/** An engine key (incarnation, then user key) and its cell, valid until its owner moves on. */
export interface EntryView {
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly cellBytes: Uint8Array;
  readonly cellStart: number;
  readonly cellEnd: number;
  /** A Sequence; plain here, because a brand costs a cast at every hot assignment. */
  readonly sequence: number;
}

/** An EntryView that is filled in by a lookup. */
export type EntrySlot = { -readonly [Field in keyof EntryView]: EntryView[Field] };

/**
 * Walks entries in order of key ascending, then sequence descending (the newest version of a key first).
 *
 * After each movement `valid` says whether there is an entry. A cursor over files may lack a block:
 * then `needsLoad` is true, nothing else may be asked, and after `await load()` it stands where the
 * movement would have brought it. Until that has resolved it may be closed, and nothing else. Cursors over memory never need it.
 */
export interface Cursor extends EntryView {
  readonly valid: boolean;
  readonly needsLoad: boolean;
  seekToFirst(): void;
  seekToLast(): void;
  /** To the first entry whose key is at or above key[0, length). */
  seek(key: Uint8Array, length: number): void;
  /** To the last entry whose key is below key[0, length). */
  seekBefore(key: Uint8Array, length: number): void;
  /** REQUIRES: valid. */
  next(): void;
  /** REQUIRES: valid. */
  previous(): void;
  load(): Promise<void>;
  /** Lets go of what it pins. It may not be used afterwards; closing twice is allowed. */
  close(): void;
}

export function emptySlot(): EntrySlot {
  return { keyBytes: nothing, keyStart: 0, keyEnd: 0, cellBytes: nothing, cellStart: 0, cellEnd: 0, sequence: 0 };
}

const nothing = new Uint8Array(0);
