// A change of the engine's state as plain data: what the manifest writes, one frame each. Applying it to
// the state before gives the state after; the state itself is never edited.
// How it is written: edit-codec.ts.

import { fileNumber, incarnation, logIndex, sequence } from "../../base/ids.ts";
import type { FileNumber, GroupId, Incarnation, LogIndex, Sequence } from "../../base/ids.ts";
import { stamp } from "../../base/stamp.ts";
import type { Version as WriteVersion } from "../cell.ts";
import type { GarbageHorizon } from "../garbage.ts";
import { changeVersion, emptyVersion } from "./version.ts";
import type { PlacedTable, RemovedTable, Version } from "./version.ts";

export interface AppliedIndex {
  readonly incarnation: Incarnation;
  readonly index: LogIndex;
}

/** A group's data lies under another incarnation from now on; the one before is dead. */
export interface IncarnationSwitch {
  readonly group: GroupId;
  /** undefined: the group has left this node. */
  readonly incarnation: Incarnation | undefined;
  /** Of the snapshot that was installed, when it was one. */
  readonly snapshot: WriteVersion | undefined;
}

export interface VersionEdit {
  readonly added: readonly PlacedTable[];
  readonly removed: readonly RemovedTable[];
  readonly applied: readonly AppliedIndex[];
  readonly garbage: readonly GarbageHorizon[];
  readonly switches: readonly IncarnationSwitch[];
  /** Incarnations whose keys may still lie in tables although no group has them. */
  readonly died: readonly Incarnation[];
  /** Incarnations of which no table can hold a key any more. */
  readonly forgotten: readonly Incarnation[];
  readonly nextIncarnation: Incarnation;
  readonly lastSequence: Sequence;
  readonly nextFileNumber: FileNumber;
}

export interface GroupPlace {
  readonly incarnation: Incarnation;
  readonly snapshot: WriteVersion | undefined;
}

export interface EngineState {
  readonly version: Version;
  readonly groups: ReadonlyMap<GroupId, GroupPlace>;
  /** Of living incarnations, as of their last durable flush. */
  readonly applied: ReadonlyMap<Incarnation, LogIndex>;
  readonly horizons: ReadonlyMap<Incarnation, GarbageHorizon>;
  readonly dead: ReadonlySet<Incarnation>;
  readonly nextIncarnation: Incarnation;
  readonly lastSequence: Sequence;
  readonly nextFileNumber: FileNumber;
}

export const emptyState: EngineState = {
  version: emptyVersion,
  groups: new Map(),
  applied: new Map(),
  horizons: new Map(),
  dead: new Set(),
  nextIncarnation: incarnation(1),
  lastSequence: sequence(0),
  nextFileNumber: fileNumber(1),
};

const emptyEdit: VersionEdit = {
  added: [],
  removed: [],
  applied: [],
  garbage: [],
  switches: [],
  died: [],
  forgotten: [],
  nextIncarnation: incarnation(0),
  lastSequence: sequence(0),
  nextFileNumber: fileNumber(0),
};

export function editOf(fields: Partial<VersionEdit>): VersionEdit {
  return { ...emptyEdit, ...fields };
}

export function applyEdit(state: EngineState, edit: VersionEdit): EngineState {
  const groups = new Map(state.groups);
  const applied = new Map(state.applied);
  const horizons = new Map(state.horizons);
  const dead = new Set(state.dead);
  let nextIncarnation = incarnation(Math.max(state.nextIncarnation, edit.nextIncarnation));
  for (const { group, incarnation: next, snapshot } of edit.switches) {
    const before = groups.get(group);
    if (before !== undefined && before.incarnation !== next) {
      dead.add(before.incarnation);
      applied.delete(before.incarnation);
      horizons.delete(before.incarnation);
    }
    if (next === undefined) {
      groups.delete(group);
    } else {
      groups.set(group, { incarnation: next, snapshot });
      nextIncarnation = incarnation(Math.max(nextIncarnation, next + 1));
    }
  }
  // What comes too late, of an incarnation that no group has any more, is of no use to anybody.
  const living = new Set([...groups.values()].map((place) => place.incarnation));
  for (const { incarnation: of, index } of edit.applied) {
    if (living.has(of)) applied.set(of, logIndex(Math.max(applied.get(of) ?? 0, index)));
  }
  for (const horizon of edit.garbage) {
    if (living.has(horizon.incarnation)) horizons.set(horizon.incarnation, furthest(horizons, horizon));
  }
  for (const gone of edit.died) dead.add(gone);
  for (const gone of edit.forgotten) dead.delete(gone);
  return {
    version: changeVersion(state.version, edit.removed, edit.added),
    groups,
    applied,
    horizons,
    dead,
    nextIncarnation,
    lastSequence: sequence(Math.max(state.lastSequence, edit.lastSequence)),
    nextFileNumber: fileNumber(Math.max(state.nextFileNumber, edit.nextFileNumber)),
  };
}

/** The edit that makes this state of an empty one: what begins a manifest. */
export function editFromState(state: EngineState): VersionEdit {
  return {
    added: state.version.levels.flatMap((tables, level) => tables.map((meta) => ({ level, meta }))),
    removed: [],
    applied: [...state.applied].map(([of, index]) => ({ incarnation: of, index })),
    garbage: [...state.horizons.values()],
    switches: [...state.groups].map(([group, place]) => ({ group, ...place })),
    died: [...state.dead],
    forgotten: [],
    nextIncarnation: state.nextIncarnation,
    lastSequence: state.lastSequence,
    nextFileNumber: state.nextFileNumber,
  };
}

function furthest(known: ReadonlyMap<Incarnation, GarbageHorizon>, horizon: GarbageHorizon): GarbageHorizon {
  const before = known.get(horizon.incarnation);
  if (before === undefined) return horizon;
  return {
    incarnation: horizon.incarnation,
    watermark: stamp(Math.max(before.watermark, horizon.watermark)),
    expiryHorizon: stamp(Math.max(before.expiryHorizon, horizon.expiryHorizon)),
  };
}
