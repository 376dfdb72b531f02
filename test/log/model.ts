// What a log should hold, as plain arrays: one copy of the whole truth for each staged record, so that
// after a crash the recovered log can be held against every state that it may have come back to.

import { logIndex } from "../../internal/base/ids.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { Log } from "../../internal/log/log.ts";
import { contents } from "./harness.ts";

export interface ModelGroup {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  /** Entries up to here were replaced by a snapshot; those before it are not listed. */
  readonly floor: number;
  readonly floorTerm: number;
  /** Behind the floor, as "term.index text". */
  readonly entries: readonly string[];
  /** Terms of the entries behind the floor. */
  readonly terms: readonly number[];
  /** Salvaged entries as "term.index". */
  readonly salvage: readonly string[];
}

export type ModelState = ReadonlyMap<number, ModelGroup>;

export const emptyGroup: ModelGroup = {
  term: 0,
  vote: 0,
  commit: 0,
  floor: 0,
  floorTerm: 0,
  entries: [],
  terms: [],
  salvage: [],
};

export function lastOf(group: ModelGroup): number {
  return group.floor + group.entries.length;
}

export function termAt(group: ModelGroup, index: number): number {
  return index === group.floor ? group.floorTerm : (group.terms[index - group.floor - 1] ?? 0);
}

export interface Moment {
  /** The batch that the last staged record went into. */
  readonly batch: BatchNumber;
  readonly state: ModelState;
}

/** What a log holds, read through its own interface, in the model's words, and where it begins. */
export async function observe(log: Log): Promise<Map<number, ModelGroup>> {
  const seen = new Map<number, ModelGroup>();
  for (const id of log.groups()) seen.set(id, await observeGroup(log.group(id)));
  return seen;
}

async function observeGroup(group: GroupLog): Promise<ModelGroup> {
  let entries = await contents(group);
  // The log may let go of its beginning between two awaits: what is looked at belongs together.
  while (group.base.index + entries.length !== group.lastIndex) entries = await contents(group);
  const { term, vote, commit } = group.hardState;
  const terms = entries.map((_, at) => group.termOf(logIndex(group.firstIndex + at)) ?? 0);
  return {
    term,
    vote,
    commit,
    floor: group.base.index,
    floorTerm: group.base.term,
    entries,
    terms,
    salvage: group.salvage.map((kept) => `${kept.term}.${kept.index}`),
  };
}

/** Says how what was seen differs from a state; undefined when it does not. */
export function difference(seen: ReadonlyMap<number, ModelGroup>, state: ModelState): string | undefined {
  for (const id of new Set([...seen.keys(), ...state.keys()])) {
    const found = differenceOfGroup(seen.get(id) ?? emptyGroup, state.get(id) ?? emptyGroup);
    if (found !== undefined) return `group ${id}: ${found}`;
  }
  return undefined;
}

/** A log may have forgotten more than the model (what is compacted) and may lag with the commit index. */
function differenceOfGroup(seen: ModelGroup, model: ModelGroup): string | undefined {
  if (seen.term !== model.term || seen.vote !== model.vote) {
    return `hard state ${seen.term}/${seen.vote}, expected ${model.term}/${model.vote}`;
  }
  if (seen.commit > model.commit) return `commit ${seen.commit} above ${model.commit}`;
  if (lastOf(seen) !== lastOf(model)) return `last index ${lastOf(seen)}, expected ${lastOf(model)}`;
  if (seen.floor < model.floor) return `base ${seen.floor} below the snapshot at ${model.floor}`;
  if (seen.floorTerm !== termAt(model, seen.floor)) return `term ${seen.floorTerm} of base ${seen.floor}`;
  for (const [at, line] of seen.entries.entries()) {
    const expected = model.entries[seen.floor + at - model.floor];
    if (line !== expected) return `entry "${line}", expected "${expected ?? "nothing"}"`;
    if (seen.terms[at] !== termAt(model, seen.floor + at + 1)) return `term of "${line}" is ${seen.terms[at] ?? 0}`;
  }
  if (seen.salvage.join() !== model.salvage.join()) {
    return `salvage [${seen.salvage.join()}], expected [${model.salvage.join()}]`;
  }
  return undefined;
}

/** The moments a crash may lead back to: the last one of each batch from `least` on, and what was before. */
export function possibleMoments(moments: readonly Moment[], least: number): Moment[] {
  return moments.filter((moment, at) => {
    const next = moments[at + 1];
    const endsBatch = next === undefined || next.batch !== moment.batch;
    return endsBatch && (next === undefined || next.batch > least);
  });
}
