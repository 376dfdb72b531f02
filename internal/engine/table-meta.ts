// What the manifest knows of a table without opening it. Plain data: it crosses to the worker and back.

import type { FileNumber, Sequence } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";

export interface TableMeta {
  readonly number: FileNumber;
  readonly bytes: number;
  readonly entries: number;
  /** Distinct ones: what goes beyond is older versions, kept for snapshots that lived when the table was written. */
  readonly keys: number;
  readonly tombstones: number;
  /** Least and greatest engine key, both included. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly sequenceLeast: Sequence;
  readonly sequenceGreatest: Sequence;
  /** Newest stamp of any entry. */
  readonly stampGreatest: Stamp;
  /** Least and greatest expiry among entries that expire; neverExpires when none does. */
  readonly expiryLeast: Stamp;
  readonly expiryGreatest: Stamp;
  /** How many entries carry an expiry. When all do, the file can be dropped whole one day. */
  readonly expiring: number;
  /** Versions (term, then index) of its entries, for inspection and for refusing impossible states. */
  readonly versionLeast: TableVersion;
  readonly versionGreatest: TableVersion;
  /**
   * Of an ingested table: the sequence that all its entries count as, given at ingest, whatever the
   * file says. Undefined for tables of this engine's own.
   */
  readonly sequenceOverride?: Sequence;
}

export interface TableVersion {
  readonly term: number;
  readonly index: number;
}

/** The keys from `smallest` to `largest`, both included. */
export type KeyRange = Pick<TableMeta, "smallest" | "largest">;
