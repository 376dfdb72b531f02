import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseExposition } from "../../support/exposition.ts";
import { heldAtMost, isBeyondLogs, keepsPace, secondSnapshots, snapshotsOf, totalOf } from "./snapshots-seen.ts";
import type { ClusterSeen, Page } from "./snapshots-seen.ts";

type Row = readonly [name: string, labels: string, value: number];

function page(...rows: readonly Row[]): Page {
  const names = [...new Set(rows.map(([name]) => name))];
  const lines = names.flatMap((name) => {
    const samples = rows.filter((row) => row[0] === name).map(([, labels, value]) => `${name}{${labels}} ${value}`);
    return [`# HELP ${name} It.`, `# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}`, ...samples];
  });
  return parseExposition(`${lines.join("\n")}\n`);
}

/** A group of n1, n2 and n3, with replicas 1, 2 and 3. */
function group(number: number, leader: string | null, lag: number | null = 0): ClusterSeen["groups"][number] {
  const replicas = ["n1", "n2", "n3"].map((node, at) => ({
    replica: at + 1,
    node,
    role: node === leader ? "leader" : "follower",
    lag: node === "n3" ? lag : 0,
  }));
  return { group: number, leader, replicas };
}

describe("logs that begin too late for a node", () => {
  const first = (which: number, index: number): Row => ["trefoil_raft_first_index", `group="${which}"`, index];
  const commit = (which: number, index: number): Row => ["trefoil_raft_commit_index", `group="${which}"`, index];
  const pages = (index: number): ReadonlyMap<string, Page> => new Map([["n1", page(first(1, 50), first(2, index))]]);
  const held = heldAtMost([page(commit(1, 9), commit(2, 10)), page(commit(1, 7), commit(2, 8), commit(3, 2))]);

  it("lack the entry behind all that it can have, which is what any node had committed when it went", () => {
    assert.deepEqual(Object.fromEntries(held), { 1: 9, 2: 10, 3: 2 });
    const seen = { groups: [group(0, "n2"), group(1, "n1"), group(2, "n1")] };
    assert.equal(isBeyondLogs(seen, pages(12), held), true);
    assert.equal(isBeyondLogs(seen, pages(11), held), false, "entry 11 is the one that it needs next");
  });

  it("are not shown by what a new leader takes it to lack: that is all there is", () => {
    const lag: Row = ["trefoil_replication_lag_entries", `group="1",replica="3"`, 100];
    const elected = new Map([["n1", page(first(1, 2), commit(1, 100), lag)]]);
    assert.equal(isBeyondLogs({ groups: [group(1, "n1")] }, elected, held), false);
  });

  it("are not known where nobody leads, the leader has not told, or nobody knows what the node had", () => {
    assert.equal(isBeyondLogs({ groups: [group(1, null)] }, pages(12), held), false);
    assert.equal(isBeyondLogs({ groups: [group(1, "n2")] }, pages(12), held), false);
    assert.equal(isBeyondLogs({ groups: [group(3, "n1")] }, pages(12), held), false);
    assert.equal(isBeyondLogs({ groups: [group(1, "n1")] }, pages(12), new Map()), false);
  });
});

describe("a node that keeps pace", () => {
  it("votes in each of its groups, and lacks little of what is committed", () => {
    const others = [group(0, "n1"), group(1, "n3")];
    assert.equal(keepsPace({ groups: [...others, group(2, "n2", 5)] }, "n3", 5), true);
    assert.equal(keepsPace({ groups: [...others, group(2, "n2", 6)] }, "n3", 5), false);
  });

  it("has replicas that are seen, and led, and no learners", () => {
    assert.equal(keepsPace({ groups: [group(1, "n1", null)] }, "n3", 5), false);
    assert.equal(keepsPace({ groups: [group(1, null)] }, "n3", 5), false);
    const { replicas } = group(1, "n1");
    const learning = replicas.map((each) => ({ ...each, role: each.node === "n3" ? "learner" : each.role }));
    assert.equal(keepsPace({ groups: [{ group: 1, leader: "n1", replicas: learning }] }, "n3", 5), false);
  });
});

describe("snapshots that a node took", () => {
  const sent = (which: number, made: number, bytes: number): readonly Row[] => [
    ["trefoil_snapshot_made_total", `group="${which}"`, made],
    ["trefoil_snapshot_sent_bytes_total", `group="${which}"`, bytes],
  ];
  const installed = (which: number, count: number): Row => [
    "trefoil_snapshot_installed_total",
    `group="${which}"`,
    count,
  ];

  it("are counted of each group since it was started, over all that fill it", () => {
    const seen = { groups: [group(0, "n1"), group(1, "n1"), group(2, "n2")] };
    const before = [page(...sent(1, 3, 100)), page(...sent(2, 0, 0))];
    const after = [page(...sent(1, 4, 150)), page(...sent(1, 1, 7), ...sent(2, 1, 9))];
    const filled = page(installed(1, 1), installed(2, 1));
    assert.deepEqual(snapshotsOf(seen, { before, after, filled }), [
      { group: 0, made: 0, installed: 0, sentBytes: 0 },
      { group: 1, made: 2, installed: 1, sentBytes: 57 },
      { group: 2, made: 1, installed: 1, sentBytes: 9 },
    ]);
  });

  it("are second ones when a group has made, or taken in, more than one", () => {
    const of = (made: number, taken: number) => ({ group: 1, made, installed: taken, sentBytes: 0 });
    assert.equal(secondSnapshots([of(1, 1), of(1, 1)]), 0);
    assert.equal(secondSnapshots([of(0, 0)]), 0, "one that was filled by the log");
    assert.equal(secondSnapshots([of(2, 1), of(3, 2)]), 3);
    assert.equal(secondSnapshots([of(1, 2)]), 1);
  });

  it("are added up over all groups", () => {
    const told = page(installed(1, 1), installed(2, 4));
    assert.equal(totalOf(told, "trefoil_snapshot_installed_total"), 5);
    assert.equal(totalOf(told, "trefoil_snapshot_installed_total", { group: "2" }), 4);
    assert.equal(totalOf(told, "trefoil_nothing"), 0);
  });
});
