// What opens a segment: the whole state of every group, so that all segments before it can go but for the
// entries in them; and those of these entries that are still needed and lie in segments about to go,
// copied ("carried"). Reading the log from any segment on is then as good as reading it from the first.

import { assert } from "../base/assert.ts";
import { AnchorTable } from "./anchors.ts";
import type { BatchStager } from "./batch-stager.ts";
import type { GroupState } from "./group-state.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import type { RecordView } from "./record.ts";
import { encodeRunMark } from "./run-mark.ts";
import type { RunMark } from "./run-mark.ts";

/** Entries that lie before a position and are still needed, read ahead so that staging need not wait. */
export interface CarryPlan {
  /** End of the segments that can go once this is done. */
  readonly before: number;
  readonly runs: readonly CarryRun[];
}

export interface CarryRun {
  readonly state: GroupState;
  /** Neighbours, ascending. */
  readonly entries: readonly RecordView[];
}

/** What a checkpoint is of. */
export interface CheckpointParts {
  readonly states: readonly GroupState[];
  readonly run: RunMark | undefined;
  readonly plan: CarryPlan | undefined;
}

/** Stages a checkpoint; returns how many entries it carries. */
export function stageCheckpoint(stager: BatchStager, { states, run, plan }: CheckpointParts): number {
  stager.claim(record.checkpointBytes);
  record.writeNumber(stager.bytes, stager.at, 0, states.length);
  record.sealRecord(stager.bytes, stager.at, record.checkpointBytes, { type: recordType.checkpoint, group: 0 });
  if (run !== undefined) stageRun(stager, run);
  for (const state of states) stageGroup(stager, state);
  let carried = 0;
  for (const carry of plan?.runs ?? []) {
    if (plan !== undefined && states.includes(carry.state)) carried += stageCarried(stager, carry, plan.before);
  }
  return carried;
}

export function stageRun(stager: BatchStager, run: RunMark): void {
  const { body, flags } = encodeRunMark(run);
  const length = record.recordHeaderBytes + body.length;
  stager.claim(length);
  stager.bytes.set(body, stager.at + record.recordHeaderBytes);
  record.sealRecord(stager.bytes, stager.at, length, { type: recordType.run, group: 0, flags });
}

function stageGroup(stager: BatchStager, state: GroupState): void {
  const { term, vote, commit, baseIndex, baseTerm, lastIndex, lastTerm } = state;
  const runs: record.TermRun[] = [];
  for (let slot = 0; slot < state.runs.count; slot++) {
    runs.push({ index: state.runs.indexAt(slot), term: state.runs.termAt(slot) });
  }
  const length = record.groupStateLength(runs.length);
  const { group } = state;
  stager.claim(length);
  const saved = { group, term, vote, commit, baseIndex, baseTerm, lastIndex, lastTerm, runs };
  record.encodeGroupState(stager.bytes, stager.at, saved);
  record.sealRecord(stager.bytes, stager.at, length, { type: recordType.groupState, group });
  state.commitStaged = commit;
  state.baseStaged = baseIndex;
  for (const kept of state.salvage.values()) stageNested(stager, kept.bytes, recordType.salvage, group);
}

/** Stages the entries of a run that are still there, and still where they were. */
function stageCarried(stager: BatchStager, carry: CarryRun, before: number): number {
  const { state } = carry;
  const anchors = new AnchorTable();
  let first = 0;
  let last = 0;
  for (const view of carry.entries) {
    const index = record.indexOf(view.bytes, view.start);
    if (index <= Math.max(state.baseIndex, state.flushed)) continue;
    if (index > state.lastIndex || state.anchors.positionAt(state.anchors.slotOf(index)) >= before) break;
    const entry = view.bytes.subarray(view.start, view.end);
    const position = stageNested(stager, entry, recordType.carried, state.group);
    anchors.note(index, position, stager.segment.start);
    if (first === 0) first = index;
    last = index;
  }
  if (first === 0) return 0;
  assert(state.relocate(first, last, anchors), "carried entries that do not join on", {
    group: state.group,
    first,
    last,
  });
  return last - first + 1;
}

/** Stages a record that holds a whole entry; returns the entry's position. */
export function stageNested(
  stager: BatchStager,
  entry: Uint8Array,
  type: typeof recordType.salvage | typeof recordType.carried,
  group: number,
): number {
  const length = record.nestedAt + entry.length;
  stager.claim(length);
  stager.bytes.set(entry, stager.at + record.nestedAt);
  record.sealRecord(stager.bytes, stager.at, length, { type, group });
  return stager.position + record.nestedAt;
}
