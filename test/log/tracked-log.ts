// A log together with its model: whatever is staged goes into both, and after a crash the recovered log is
// held against every state that it may have come back to.

import assert from "node:assert/strict";
import { utf8 } from "../../internal/base/bytes.ts";
import { groupId, logIndex, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { Log } from "../../internal/log/log.ts";
import { entryRecord, fastFlag } from "../../internal/log/record.ts";
import { difference, emptyGroup, lastOf, observe, possibleMoments, termAt } from "./model.ts";
import type { ModelGroup, ModelState, Moment } from "./model.ts";

export interface InstalledSnapshot {
  readonly index: number;
  readonly term: number;
}

/** What a machine keeps beside its log. */
export interface Engine {
  /** Up to where each group is durable in it. */
  readonly flushed: Map<number, number>;
  /** The newest snapshot that each group was switched to. */
  readonly installed: Map<number, InstalledSnapshot>;
}

export function newEngine(): Engine {
  return { flushed: new Map(), installed: new Map() };
}

export class TrackedLog {
  readonly log: Log;
  readonly engine: Engine;
  moments: Moment[];
  /** Of a log that was opened again: the batch of the life before up to which it leads. */
  origin = 0;

  constructor(log: Log, engine: Engine, state: ModelState = new Map()) {
    this.log = log;
    this.engine = engine;
    this.moments = [{ batch: 0 as BatchNumber, state }];
  }

  group(id: number): GroupLog {
    return this.log.group(groupId(id));
  }

  model(id: number): ModelGroup {
    return this.latest.state.get(id) ?? emptyGroup;
  }

  get latest(): Moment {
    return this.moments.at(-1) as Moment;
  }

  flushedOf(id: number): number {
    return this.engine.flushed.get(id) ?? 0;
  }

  /** The next entry, in the last entry's term or another one. */
  append(id: number, text: string, options: { readonly term?: number; readonly asRecord?: boolean } = {}): BatchNumber {
    const model = this.model(id);
    const entryTerm = options.term ?? Math.max(1, termAt(model, lastOf(model)));
    const index = lastOf(model) + 1;
    const fields = { term: term(entryTerm), index: logIndex(index), stamp: stamp(index), flags: 0, kind: 1 };
    let batch: BatchNumber;
    if (options.asRecord === true) {
      const record = entryRecord(groupId(id), fields, utf8(text));
      batch = this.group(id).appendRecord(record, 0, record.length);
    } else {
      batch = this.group(id).append(fields, utf8(text));
    }
    return this.note(batch, id, (before) => ({
      ...before,
      entries: [...before.entries, `${entryTerm}.${index} ${text}`],
      terms: [...before.terms, entryTerm],
    }));
  }

  truncateFrom(id: number, from: number): BatchNumber {
    return this.note(this.group(id).truncateFrom(logIndex(from)), id, (before) => {
      const count = from - before.floor - 1;
      return { ...before, entries: before.entries.slice(0, count), terms: before.terms.slice(0, count) };
    });
  }

  setHardState(id: number, newTerm: number, vote: number): BatchNumber {
    const { commit } = this.model(id);
    const batch = this.group(id).setHardState({ term: term(newTerm), vote, commit: logIndex(commit) });
    return this.note(batch, id, (before) => ({ ...before, term: newTerm, vote }));
  }

  noteCommit(id: number, commit: number): void {
    this.group(id).noteCommit(logIndex(commit));
    this.amend(id, (before) => ({ ...before, commit: Math.max(before.commit, commit) }));
  }

  flush(id: number, index: number): void {
    this.engine.flushed.set(id, Math.max(this.flushedOf(id), index));
    this.amend(id, (before) => ({ ...before, commit: Math.max(before.commit, index) }));
    this.group(id).flushed(logIndex(index));
  }

  compact(id: number, index: number): void {
    this.group(id).compact(logIndex(index));
  }

  /** The engine is switched first, then the log is told. */
  installSnapshot(id: number, snapshot: InstalledSnapshot): BatchNumber {
    this.engine.installed.set(id, snapshot);
    this.engine.flushed.set(id, snapshot.index);
    return this.stageSnapshot(id, snapshot);
  }

  keepSalvage(id: number, index: number): BatchNumber {
    const fields = {
      group: groupId(id),
      term: term(1),
      index: logIndex(index),
      stamp: stamp(1),
      flags: fastFlag,
      kind: 0,
    };
    const batch = this.group(id).keepSalvage(entryRecord(fields.group, fields, utf8("kept")));
    return this.note(batch, id, (before) => ({ ...before, salvage: [...before.salvage, `1.${index}`] }));
  }

  dropOldestSalvage(id: number): BatchNumber {
    const [keptTerm, keptIndex] = (this.model(id).salvage[0] ?? "").split(".").map(Number);
    const batch = this.group(id).dropSalvage(term(keptTerm ?? 0), logIndex(keptIndex ?? 0));
    return this.note(batch, id, (before) => ({ ...before, salvage: before.salvage.slice(1) }));
  }

  removeGroup(id: number): BatchNumber {
    const batch = this.log.removeGroup(groupId(id));
    this.engine.flushed.delete(id);
    this.engine.installed.delete(id);
    const state = new Map(this.latest.state);
    state.delete(id);
    this.moments.push({ batch, state });
    return batch;
  }

  /** Holds the living log against the model. */
  async check(): Promise<void> {
    const { state } = this.latest;
    const seen = await observe(this.log);
    assert.equal(difference(seen, state), undefined);
    this.log.checkInvariants();
    for (const [id, group] of seen) {
      const most = Math.max(this.flushedOf(id), state.get(id)?.floor ?? 0);
      assert.ok(group.floor <= most, `group ${id}: entries up to ${group.floor} are gone, ${most} were flushed`);
    }
  }

  /**
   * Finds the moment that a recovered log leads back to: at or behind batch `least`. Returns the log with a
   * model that begins there, told what the engine has.
   */
  async resume(log: Log, least: number): Promise<TrackedLog> {
    const possible = possibleMoments(this.moments, least);
    const seen = await observe(log);
    const found = possible.findLast((moment) => difference(seen, moment.state) === undefined);
    if (found === undefined) {
      const reasons = possible.map((moment) => `batch ${moment.batch}: ${difference(seen, moment.state) ?? ""}`);
      assert.fail(`recovered to no possible state, ${least} was acknowledged: ${reasons.join("; ")}`);
    }
    const state = new Map([...found.state].map(([id, group]) => [id, { ...group, commit: seen.get(id)?.commit ?? 0 }]));
    const tracked = new TrackedLog(log, this.engine, state);
    tracked.origin = found.batch;
    tracked.tellFlushed(seen);
    return tracked;
  }

  private tellFlushed(seen: ReadonlyMap<number, ModelGroup>): void {
    for (const [id, group] of seen) if (!this.engine.flushed.has(id)) this.engine.flushed.set(id, group.floor);
    for (const [id, flushed] of this.engine.flushed) {
      const base = seen.get(id)?.floor ?? 0;
      assert.ok(base <= flushed, `group ${id}: entries up to ${base} are gone, and only ${flushed} were flushed`);
      // The engine is switched to a snapshot before the log hears of it: that is made up for here.
      const snapshot = this.engine.installed.get(id);
      if (snapshot !== undefined && snapshot.index > base) {
        if (this.group(id).termOf(logIndex(snapshot.index)) !== snapshot.term) this.stageSnapshot(id, snapshot);
      }
      this.flush(id, flushed);
    }
  }

  private stageSnapshot(id: number, { index, term: snapshotTerm }: InstalledSnapshot): BatchNumber {
    const batch = this.group(id).installSnapshot(logIndex(index), term(snapshotTerm));
    return this.note(batch, id, (before) => {
      const keeps = index <= lastOf(before) && termAt(before, index) === snapshotTerm;
      const count = index - before.floor;
      return {
        ...before,
        commit: Math.max(before.commit, index),
        floor: index,
        floorTerm: snapshotTerm,
        entries: keeps ? before.entries.slice(count) : [],
        terms: keeps ? before.terms.slice(count) : [],
      };
    });
  }

  private note(batch: BatchNumber, id: number, change: (before: ModelGroup) => ModelGroup): BatchNumber {
    const state = new Map(this.latest.state);
    state.set(id, change(this.model(id)));
    this.moments.push({ batch, state });
    return batch;
  }

  /** A change that is not staged on its own. */
  private amend(id: number, change: (before: ModelGroup) => ModelGroup): void {
    const { batch, state } = this.latest;
    this.moments.pop();
    this.moments.push({ batch, state: new Map([...state, [id, change(state.get(id) ?? emptyGroup)]]) });
  }
}
