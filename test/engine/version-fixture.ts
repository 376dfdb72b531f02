// Tables that are nothing but their metadata, and random changes of an engine's state that keep its invariants,
// for tests of what decides by metadata alone.

import { concatBytes, utf8 } from "../../internal/base/bytes.ts";
import { writeU32BigEndian } from "../../internal/base/codec.ts";
import { fileNumber, groupId, incarnation, logIndex, sequence, term } from "../../internal/base/ids.ts";
import type { Incarnation } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { neverExpires, stamp } from "../../internal/base/stamp.ts";
import { overlapping } from "../../internal/engine/compaction/key-ranges.ts";
import type { KeyRange, TableMeta } from "../../internal/engine/table-meta.ts";
import { levelCount } from "../../internal/engine/version/version.ts";
import type { PlacedTable } from "../../internal/engine/version/version.ts";
import { applyEdit, editOf, emptyState } from "../../internal/engine/version/version-edit.ts";
import type { EngineState, VersionEdit } from "../../internal/engine/version/version-edit.ts";

export function keyOf(of: number, userKey: string): Uint8Array {
  const lead = new Uint8Array(4);
  writeU32BigEndian(lead, 0, of);
  return concatBytes([lead, utf8(userKey)]);
}

/** A table of ten plain entries, with whatever differs. */
export function metaOf(fields: Partial<TableMeta> & KeyRange & { readonly number: TableMeta["number"] }): TableMeta {
  return {
    bytes: 1000,
    entries: 10,
    keys: fields.entries ?? 10,
    tombstones: 0,
    sequenceLeast: sequence(1),
    sequenceGreatest: sequence(1),
    stampGreatest: stamp(0),
    expiryLeast: neverExpires,
    expiryGreatest: neverExpires,
    expiring: 0,
    versionLeast: { term: 1, index: 1 },
    versionGreatest: { term: 1, index: 1 },
    ...fields,
  };
}

/** An edit that may follow on the state: tables come and go, groups move, horizons rise. */
function randomEdit(state: EngineState, random: Prng): VersionEdit {
  const removed = state.version.levels.flatMap((tables, level) =>
    tables.filter(() => random.chance(1, 6)).map(({ number }) => ({ level, number })),
  );
  // Never 0: no write has that, so a table cannot count with it.
  const lastSequence = sequence(state.lastSequence + random.between(1, 100));
  const number = fileNumber(state.nextFileNumber + random.below(3));
  const living = [...state.groups.values()].map((place) => place.incarnation);
  return editOf({
    removed,
    added: randomTable(applyEdit(state, editOf({ removed })), { random, number, lastSequence }),
    nextFileNumber: fileNumber(number + 1),
    lastSequence,
    applied: living
      .filter(() => random.chance(1, 3))
      .map((of) => ({ incarnation: of, index: logIndex(random.below(1000)) })),
    garbage: living.filter(() => random.chance(1, 4)).map((of) => randomHorizon(of, random)),
    switches: random.chance(1, 5) ? [randomSwitch(state, random)] : [],
    forgotten: [...state.dead].filter(() => random.chance(1, 4)),
  });
}

/** The states that `count` random edits lead through, the first one empty. */
export function randomStates(count: number, random: Prng): { edits: VersionEdit[]; states: EngineState[] } {
  const edits: VersionEdit[] = [];
  const states = [emptyState];
  for (let at = 0; at < count; at++) {
    const state = states[at] as EngineState;
    const edit = randomEdit(state, random);
    edits.push(edit);
    states.push(applyEdit(state, edit));
  }
  return { edits, states };
}

interface TableDraw {
  readonly random: Prng;
  readonly number: TableMeta["number"];
  readonly lastSequence: EngineState["lastSequence"];
}

function randomTable(state: EngineState, { random, number, lastSequence }: TableDraw): PlacedTable[] {
  if (random.chance(1, 4)) return [];
  const from = random.below(90);
  const range = { smallest: keyOf(1, twoDigits(from)), largest: keyOf(1, twoDigits(from + random.below(9))) };
  const level = random.below(levelCount);
  if (level > 0 && overlapping(state.version.levels[level] ?? [], range).length > 0) return [];
  const override = random.chance(1, 8) ? { sequenceOverride: lastSequence } : {};
  const expiring = random.below(5);
  const bytes = large(random, 40);
  const entries = 1 + random.below(10_000);
  return [
    {
      level,
      meta: metaOf({
        ...range,
        ...override,
        number,
        bytes,
        entries,
        keys: Math.ceil(entries / 2),
        tombstones: random.below(100),
        sequenceGreatest: lastSequence,
        stampGreatest: stamp(large(random, 50)),
        expiring,
        expiryLeast: expiring === 0 ? neverExpires : stamp(1 + random.below(1000)),
        expiryGreatest: expiring === 0 ? neverExpires : stamp(2000 + large(random, 50)),
        versionLeast: { term: random.below(9), index: large(random, 45) },
        versionGreatest: { term: 9, index: large(random, 45) },
      }),
    },
  ];
}

function randomHorizon(of: Incarnation, random: Prng): VersionEdit["garbage"][number] {
  return { incarnation: of, watermark: stamp(large(random, 45)), expiryHorizon: stamp(large(random, 45)) };
}

function randomSwitch(state: EngineState, random: Prng): VersionEdit["switches"][number] {
  const group = groupId(random.below(4));
  if (random.chance(1, 4)) return { group, incarnation: undefined, snapshot: undefined };
  const next = incarnation(state.nextIncarnation + random.below(2));
  const snapshot = random.chance(1, 2)
    ? { term: term(1 + random.below(9)), index: logIndex(random.below(99)) }
    : undefined;
  return { group, incarnation: next, snapshot };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** A number of so many bits, for fields that must not be cut to 32. */
function large(random: Prng, bits: number): number {
  return random.below(2 ** (bits - 24)) * 2 ** 24 + random.below(2 ** 24);
}
