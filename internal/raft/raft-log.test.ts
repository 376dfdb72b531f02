// RaftLog against a plain array of everything: entries come, go, become durable and committed, the old end is forgotten.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { entryBytes, RaftLog } from "./raft-log.ts";
import type { Entry } from "./types.ts";

const step = fc.record({
  kind: fc.constantFrom(
    "append",
    "append",
    "append",
    "hand",
    "hand",
    "persist",
    "truncate",
    "commit",
    "compact",
    "restore",
  ),
  by: fc.integer({ min: 0, max: 6 }),
  newTerm: fc.boolean(),
});

class Model {
  readonly log: RaftLog;
  entries: Entry[] = [];
  base = { index: 0, term: 0 };
  commit = 0;
  handed = 0;
  persisted = 0;
  truncated = 0;
  private stamps = 0;
  private newest = 1;

  constructor() {
    const base = { index: logIndex(0), term: term(0) };
    this.log = new RaftLog({ base, runs: [], commit: logIndex(0), commitStamp: stamp(0), tail: [] });
  }

  get last(): number {
    return this.base.index + this.entries.length;
  }

  step(kind: string, by: number, newTerm: boolean): void {
    const { log } = this;
    if (kind === "append") {
      if (newTerm) this.newest++;
      const fixed = { flags: 0, kind: 2, payload: new Uint8Array(by) };
      const made: Entry = {
        term: term(this.newest),
        index: logIndex(this.last + 1),
        stamp: stamp(++this.stamps),
        ...fixed,
      };
      this.entries.push(made);
      log.append(made);
    } else if (kind === "hand") {
      this.hand();
    } else if (kind === "persist") {
      const index = Math.max(this.persisted, this.handed - by);
      log.notePersisted(logIndex(index), term(this.termOf(index) ?? 0));
      this.persisted = index;
    } else if (kind === "truncate" && this.last > this.commit) {
      const index = Math.max(this.commit + 1, this.last - by);
      log.truncateFrom(logIndex(index));
      this.entries.splice(index - this.base.index - 1);
      if (index <= this.handed) this.truncated = this.truncated === 0 ? index : Math.min(this.truncated, index);
      this.handed = Math.min(this.handed, index - 1);
      this.persisted = Math.min(this.persisted, this.handed);
    } else if (kind === "commit") {
      this.commit = Math.max(this.commit, Math.min(this.last, this.commit + by));
      log.commitTo(logIndex(this.commit));
    } else if (kind === "compact") {
      this.compact(Math.min(this.commit, this.persisted, this.base.index + by));
    } else if (kind === "restore" && by === 6) {
      this.restore(this.commit + 3);
    }
  }

  check(): void {
    const { log, entries, base } = this;
    log.checkInvariants();
    assert.deepEqual([log.base, log.commit, log.handed, log.persisted, log.last].map(Number), [
      base.index,
      this.commit,
      this.handed,
      this.persisted,
      this.last,
    ]);
    for (let index = base.index - 1; index <= this.last + 1; index++) {
      if (index >= 0) assert.equal(log.termOf(logIndex(index)), this.termOf(index), `term of ${index}`);
    }
    const closed = Math.min(this.commit, this.persisted);
    const open = entries.filter((entry) => entry.index > closed);
    assert.deepEqual(
      [log.openEntries, log.openBytes],
      [open.length, open.reduce((sum, entry) => sum + entryBytes(entry), 0)],
    );
    assert.deepEqual(log.fromTail({ from: logIndex(closed + 1), to: log.last }, 1e9) ?? [], open);
    for (let atMost = 0; atMost <= this.newest; atMost++) {
      const found = log.lastOfTermAtMost(logIndex(this.last), term(atMost));
      const match = entries.findLast((entry) => entry.term <= atMost)?.index;
      assert.equal(found, match ?? (base.term <= atMost ? base.index : base.index - 1), `last of term ${atMost}`);
    }
  }

  private hand(): void {
    assert.equal(this.log.takeTruncation() ?? 0, this.truncated);
    this.truncated = 0;
    assert.deepEqual(this.log.handOut(), this.entries.slice(this.handed - this.base.index));
    this.handed = this.last;
  }

  private compact(index: number): void {
    if (index <= this.base.index) return;
    const termThere = this.termOf(index) ?? 0;
    this.entries.splice(0, index - this.base.index);
    this.base = { index, term: termThere };
    this.log.compactTo(logIndex(index));
  }

  private restore(index: number): void {
    this.newest++;
    this.log.restore(logIndex(index), term(this.newest), stamp(++this.stamps));
    this.entries = [];
    this.base = { index, term: this.newest };
    this.commit = index;
    this.handed = index;
    this.persisted = index;
    this.truncated = 0;
  }

  private termOf(index: number): number | undefined {
    return index === this.base.index ? this.base.term : this.entries[index - this.base.index - 1]?.term;
  }
}

describe("raft: the log", () => {
  it("is what a plain array is", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Model();
        for (const { kind, by, newTerm } of steps) {
          model.step(kind, by, newTerm);
          model.check();
        }
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});
