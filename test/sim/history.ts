// What clients did and were told, with the moments in between: what the checkers judge.

import type { Version } from "../../internal/engine/cell.ts";

export type Done =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly mode: Mode }
  | { readonly kind: "delete"; readonly key: string; readonly mode: Mode }
  /** Writes when the key's value is `expected` (undefined: absent), by its version. */
  | { readonly kind: "swap"; readonly key: string; readonly expected: Version | undefined; readonly value: string }
  | { readonly kind: "add"; readonly key: string; readonly request: string | undefined }
  | { readonly kind: "read"; readonly key: string; readonly mode: Mode };

export type Mode = "fast" | "strong";

export type Told =
  | { readonly kind: "written"; readonly version: Version; readonly sum?: number }
  /** A condition did not hold. */
  | { readonly kind: "refused" }
  /** What a read saw; undefined: absent. */
  | { readonly kind: "saw"; readonly value: string | undefined; readonly version: Version | undefined };

export interface HistoryEntry {
  readonly client: number;
  readonly done: Done;
  readonly calledAt: number;
  returnedAt: number;
  /** Undefined: nobody knows what became of it. */
  told: Told | undefined;
  /** Known to have had no effect: it does not count. */
  isVoid: boolean;
}

export class History {
  readonly entries: HistoryEntry[] = [];

  begin(client: number, done: Done, now: number): HistoryEntry {
    const entry = { client, done, calledAt: now, returnedAt: Number.POSITIVE_INFINITY, told: undefined, isVoid: false };
    this.entries.push(entry);
    return entry;
  }

  of(key: string): HistoryEntry[] {
    return this.entries.filter((entry) => entry.done.key === key && !entry.isVoid);
  }

  get keys(): string[] {
    return [...new Set(this.entries.map((entry) => entry.done.key))].sort();
  }
}
