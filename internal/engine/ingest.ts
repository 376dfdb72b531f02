// Takes in prepared tables: of a snapshot from another replica under a fresh incarnation, or of a bulk load
// into a living one. One edit adds the tables and, for a snapshot, points the group at them and declares
// its old data dead: a crash before it leaves the old state, a crash behind it the new one.
//
// All entries of ingested tables count with one sequence: what was written before is older, what is written
// later is newer. The tables go to the deepest level above which nothing meets them.

import { TrefoilError } from "../base/errors.ts";
import { fileNumber } from "../base/ids.ts";
import type { GroupId, Incarnation, LogIndex, Sequence } from "../base/ids.ts";
import type { Version as WriteVersion } from "./cell.ts";
import { firstIncarnation, lastIncarnation, overlap } from "./compaction/key-ranges.ts";
import type { EngineCore } from "./core.ts";
import { tablePath } from "./file-names.ts";
import type { TableMeta } from "./table-meta.ts";
import { levelCount } from "./version/version.ts";
import type { PlacedTable, Version } from "./version/version.ts";
import { editOf } from "./version/version-edit.ts";
import type { EngineState, IncarnationSwitch } from "./version/version-edit.ts";

/** A finished and synced table outside of the engine's folder, on the same file system. */
export interface PreparedTable {
  readonly path: string;
  readonly meta: TableMeta;
}

export interface IngestRequest {
  readonly incarnation: Incarnation;
  /** They do not overlap, and hold keys of the incarnation only. */
  readonly tables: readonly PreparedTable[];
  readonly appliedIndex: LogIndex;
  /** Installs a snapshot: the group's data is what these tables hold, and nothing else. */
  readonly replaces?: { readonly group: GroupId; readonly snapshot: WriteVersion | undefined };
}

/**
 * REQUIRES: checkRequest passed; no merge and no other ingest is running; what was written to the incarnation
 * before `at` is flushed, and no memtable has entries from both sides of it.
 */
export async function ingest(core: EngineCore, request: IngestRequest, at: Sequence): Promise<void> {
  const added: PlacedTable[] = [];
  const first = core.reserveNumbers(request.tables.length);
  try {
    for (const [offset, { path, meta }] of request.tables.entries()) {
      const number = fileNumber(first + offset);
      await core.seams.disk.link(path, tablePath(core.folder, number));
      const taken = { ...meta, number, sequenceOverride: at };
      await core.trust([taken]);
      added.push({ level: levelFor(core.versions.current, taken), meta: taken });
    }
  } catch (failure) {
    // Nothing names them yet.
    await core.removeUnclaimed(failure, first, request.tables.length);
    throw failure;
  }
  const { replaces, incarnation, appliedIndex } = request;
  const switches: IncarnationSwitch[] = replaces === undefined ? [] : [{ ...replaces, incarnation }];
  await core.install(editOf({ added, switches, applied: [{ incarnation, index: appliedIndex }], lastSequence: at }));
}

/** The deepest level such that neither it nor any level above it meets the table. */
function levelFor(version: Version, table: TableMeta): number {
  let level = 0;
  while (level < levelCount && !(version.levels[level] ?? []).some((there) => overlap(there, table))) level++;
  return Math.max(0, level - 1);
}

/** Throws when the tables are not what the request says. */
export function checkRequest({ tables, incarnation, replaces }: IngestRequest, state: EngineState): void {
  const isTaken = [...state.groups.values()].some((place) => place.incarnation === incarnation);
  if (replaces !== undefined && (isTaken || state.dead.has(incarnation))) {
    throw new TrefoilError("bad_request", `a snapshot needs a fresh incarnation; ${incarnation} is none`);
  }
  if (replaces === undefined && !isTaken) {
    throw new TrefoilError("bad_request", `no group lies under incarnation ${incarnation}`);
  }
  for (const [at, { meta, path }] of tables.entries()) {
    if (firstIncarnation(meta) !== incarnation || lastIncarnation(meta) !== incarnation) {
      throw new TrefoilError("bad_request", `${path} holds keys of other incarnations than ${incarnation}`);
    }
    const clash = tables.slice(0, at).find((other) => overlap(other.meta, meta));
    if (clash !== undefined) throw new TrefoilError("bad_request", `${path} and ${clash.path} overlap`);
  }
}
