// The invariants are checked: each is seen to speak, where no bug that compiles and runs would come to it, or seldom.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { RecordSlot } from "../../internal/log/record.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import { GroupState } from "../../internal/replica/group-state.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { Absences } from "./absences.ts";
import { AppliedWatch } from "./applied-watch.ts";
import { expectEqual } from "./judge.ts";
import { checkVoters, LogWatch } from "./log-watch.ts";
import { wholeRun } from "./run-plan.ts";
import { SalvageClaims } from "./salvage-claims.ts";
import { SimCluster } from "./sim-cluster.ts";
import { linkOf } from "./sim-network.ts";
import type { SimNode } from "./sim-node.ts";
import { trySeed } from "./sim-run.ts";
import { Violation } from "./violation.ts";

const ids = (...numbers: number[]) => numbers.map(replicaId);

/** The check that speaks, or "fine". */
function verdict(act: () => unknown): string {
  try {
    act();
    return "fine";
  } catch (failure) {
    assert.ok(failure instanceof Violation, String(failure));
    return failure.by;
  }
}

describe("three voters", () => {
  it("are what every configuration has, and three that leave while two of them are joined", () => {
    const of = (voters: number[], outgoing: number[] = []): string =>
      verdict(() => checkVoters(1, { voters: ids(...voters), outgoing: ids(...outgoing), learners: ids(9) }));
    assert.equal(of([1, 2, 3]), "fine");
    assert.equal(of([1, 2, 4], [1, 2, 3]), "fine");
    assert.equal(of([1, 2]), "three voters");
    assert.equal(of([1, 2, 3, 4]), "three voters");
    assert.equal(of([1, 2, 4], [1, 2]), "three voters");
  });
});

/** A log in memory, of entries told by their terms and contents. */
function logOf(entries: readonly (readonly [of: number, content: string])[]): GroupLog {
  const at = (index: number) => entries[index - 1];
  const log = {
    group: groupId(1),
    base: { index: logIndex(0), term: term(0) },
    firstIndex: 1,
    lastIndex: entries.length,
    lastTerm: at(entries.length)?.[0] ?? 0,
    termRuns: entries.flatMap(([of], which) =>
      of === entries[which - 1]?.[0] ? [] : [{ start: which + 1, term: of }],
    ),
    termOf: (index: number) => at(index)?.[0],
    find: (index: number, slot: RecordSlot) => {
      const bytes = Buffer.from(at(index)?.[1] ?? "");
      Object.assign(slot, { bytes, start: 0, end: bytes.length });
      return true;
    },
  };
  return log as unknown as GroupLog;
}

/** What a watch of logs says of nodes with these. */
function logsOf(...logs: readonly GroupLog[]): string {
  const nodes = new Map(logs.map((log, which) => [which, nodeOf(which, log)]));
  const watch = new LogWatch({ nodes } as unknown as SimCluster);
  return verdict(() => {
    for (const node of nodes.values()) watch.check(node);
  });
}

function nodeOf(id: number, log: GroupLog): SimNode {
  const status = { configuration: configuration(ids(1, 2, 3)), last: 0, lastStamp: 0, term: 9, commit: 0 };
  return { id, disk: { isDamaged: false }, log: { group: () => log }, replica: { status } } as unknown as SimNode;
}

describe("logs that match", () => {
  it("have the same bytes in an entry of one term and index, and the same entries before it", () => {
    const one = [[1, "a"], [1, "b"], [2, "c"]] as const; // prettier-ignore
    assert.equal(logsOf(logOf(one), logOf(one)), "fine");
    assert.equal(logsOf(logOf(one), logOf([[1, "a"], [3, "x"]])), "fine"); // prettier-ignore
    assert.equal(logsOf(logOf(one), logOf([[1, "a"], [1, "B"], [2, "c"]])), "logs match"); // prettier-ignore
    assert.equal(logsOf(logOf(one), logOf([[1, "a"], [2, "x"], [2, "c"]])), "logs match"); // prettier-ignore
  });
});

function stateAt(index: number): GroupState {
  const state = new GroupState(configuration(ids(1, 2, 3)));
  state.last = { term: term(2), index: logIndex(index), stamp: stamp(70) };
  state.answered.set("r1", stamp(60));
  state.boundaries.push({ term: term(1), index: logIndex(3), stamp: stamp(50) });
  return state;
}

describe("equal replicas", () => {
  it("remember the same of the group once they have applied the same", () => {
    const changes: ((state: GroupState) => unknown)[] = [
      (state) => (state.watermark = stamp(1)),
      (state) => state.answered.set("r2", stamp(61)),
      (state) => state.answered.set("r1", stamp(61)),
      (state) => state.boundaries.pop(),
      (state) => (state.boundaries[0] = { term: term(1), index: logIndex(2), stamp: stamp(50) }),
      (state) => (state.configuration = { index: logIndex(1), configuration: configuration(ids(1, 2, 4)) }),
      (state) => state.slots.move({ mode: "seal", above: term(0), slots: [7] }, state.last),
      (state) => state.slots.move({ mode: "close", above: term(0), slots: [8] }, state.last),
      (state) => state.departures.changed(configuration(ids(1, 2, 3)), configuration(ids(1, 2, 4)), stamp(5)),
    ];
    for (const change of [undefined, ...changes]) {
      const watch = new AppliedWatch();
      const other = stateAt(8);
      change?.(other);
      watch.applied(1, { state: stateAt(8) });
      const said = verdict(() => watch.applied(2, { state: other }));
      assert.equal(said, change === undefined ? "fine" : "equal memory of the group", String(change));
    }
  });

  it("hold the same in the end, line by line", () => {
    const of = (...lines: string[]): string =>
      verdict(() =>
        expectEqual([
          { id: 1, lines: ["applied", "a 1.2"] },
          { id: 2, lines },
        ]),
      );
    assert.equal(of("applied", "a 1.2"), "fine");
    assert.equal(of("applied", "a 1.3"), "equal replicas");
    assert.equal(of("applied"), "equal replicas");
    assert.equal(of("applied", "a 1.2", "b 1.1"), "equal replicas");
  });
});

describe("absences", () => {
  const answer = (of: number): ReplicaMessage =>
    ({ type: "heartbeat_answer", from: 2, to: 1, term: of, round: 1, hasSalvage: false }) as unknown as ReplicaMessage;
  const two = replicaId(2);

  it("are as long as a leader heard nothing in its term", () => {
    const absences = new Absences();
    absences.leads(3, 1000);
    absences.heard(answer(3), 3, 1500);
    absences.leads(3, 3000);
    assert.equal(absences.wasAway(two, 0, 1000), true);
    assert.equal(absences.wasAway(two, 0, 2000), false);
    absences.heard(answer(3), 3, 3400);
    absences.leads(3, 3500);
    assert.equal(absences.wasAway(two, 3, 2000), true, "a silence that is over counts");
    assert.equal(absences.wasAway(two, 4, 100), false, "what an earlier leader heard does not");
    assert.equal(absences.wasAway(two, 3, 2000, 3500), true);
    assert.equal(absences.wasAway(two, 3, 2000, 4000), false, "it was over before");
  });

  it("are not shortened by what answers another leader, nor told of one that nobody leads by", () => {
    const absences = new Absences();
    absences.leads(3, 0);
    absences.heard(answer(2), 3, 1000);
    absences.heard(answer(3), 4, 1000);
    absences.leads(3, 2000);
    assert.equal(absences.wasAway(two, 0, 2000), true);
    assert.equal(absences.wasAway(replicaId(7), 4, 500), false);
  });
});

describe("salvage", () => {
  it("is told as it is, but for as long as what is discarded is being kept", () => {
    const said: string[] = [];
    const report = (failure: unknown): void => void said.push(failure instanceof Violation ? failure.by : "other");
    const salvage = [
      { term: 1, index: 2 },
      { term: 1, index: 7 },
    ];
    const node = (life: number, keeps: boolean, { installed = 0, base = 3 } = {}): SimNode =>
      ({
        id: 2,
        life,
        replica: { hasSalvage: keeps, status: { term: 2 }, numbers: { installed } },
        log: { group: () => ({ salvage, base: { index: base } }) },
        report,
      }) as unknown as SimNode;
    const message = (hasSalvage: boolean): ReplicaMessage =>
      ({ type: "heartbeat_answer", from: 2, to: 1, term: 1, round: 1, hasSalvage }) as unknown as ReplicaMessage;
    const claims = new SalvageClaims();
    claims.sent(node(1, false), message(true), 0);
    claims.sent(node(1, false), message(true), 14_000);
    claims.sent(node(1, true), message(true), 16_000);
    claims.sent(node(1, false), message(true), 17_000);
    claims.sent(node(1, false), message(false), 18_000);
    claims.sent(node(1, false), message(true), 19_000);
    claims.sent(node(2, false), message(true), 35_000);
    assert.deepEqual(said, []);
    claims.sent(node(2, false), message(true), 50_000);
    assert.deepEqual(said, ["salvage is told as it is"]);
    const accepted = (index: number, of: number, hasSalvage: boolean): ReplicaMessage =>
      ({ type: "append_accepted", from: 2, to: 1, term: of, index, hasSalvage }) as unknown as ReplicaMessage;
    said.length = 0;
    claims.sent(node(3, true), accepted(7, 2, true), 60_000);
    claims.sent(node(3, true), accepted(6, 2, false), 60_000);
    claims.sent(node(3, true), accepted(7, 1, false), 60_000);
    claims.sent(node(3, false), accepted(7, 2, false), 60_000);
    assert.deepEqual(said, []);
    claims.sent(node(3, true), accepted(7, 2, false), 60_000);
    assert.deepEqual(said, ["salvage is told as it is"]);
    // A log that is compacted since has not lost what was kept of it; one whose place a snapshot took may have.
    claims.sent(node(3, true, { base: 9 }), accepted(9, 2, false), 61_000);
    assert.equal(said.length, 2);
    claims.sent(node(3, true, { base: 9, installed: 1 }), accepted(9, 2, false), 62_000);
    assert.equal(said.length, 2);
  });
});

describe("progress", () => {
  /** A run without faults, in which something stays wrong when all else heals. */
  async function runWith(stays: (nodes: readonly SimNode[], cluster: SimCluster) => void) {
    const { heal } = SimCluster.prototype;
    SimCluster.prototype.heal = function (this: SimCluster): void {
      heal.call(this);
      stays([...this.nodes.values()], this);
    };
    try {
      const outcome = await trySeed(3, { ...wholeRun, faultMilliseconds: 2000, faults: new Set() });
      assert.ok(outcome.kind === "violated");
      return outcome.report;
    } finally {
      SimCluster.prototype.heal = heal;
    }
  }

  it("is missed when work does not end though all has healed", async () => {
    const { by, what } = await runWith((nodes) => {
      for (const { replica } of nodes) {
        if (replica !== undefined) replica.readStrong = () => Promise.resolve({ kind: "refused", why: "no_leader" });
      }
    });
    assert.equal(by, "progress");
    assert.match(what, /never ends/);
  });

  it("is missed when a replica does not come level", async () => {
    const { by, what } = await runWith((nodes, { leader, network }) => {
      const last = nodes.findLast((node) => node !== leader);
      for (const { id } of nodes) network.cuts.add(linkOf(id, last?.id ?? id));
    });
    assert.equal(by, "progress");
    assert.match(what, /did not come level/);
  });

  it("is missed when the watermark does not rise to what was written, or that does not count as with all", async () => {
    const stuck = await runWith((nodes) => {
      for (const { replica } of nodes) if (replica !== undefined) replica.isWithAll = () => false;
    });
    assert.equal(stuck.by, "the watermark rises");
    const still = await runWith((nodes) => {
      for (const { replica } of nodes) {
        if (replica === undefined) continue;
        // A leader that lets nothing through that carries a watermark only.
        replica.tick = () => undefined;
      }
    });
    assert.equal(still.by, "the watermark rises");
  });
});
