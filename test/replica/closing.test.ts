// Replicas that stop, with work under way, and what those are told who wait.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionFailure } from "../../internal/base/assert.ts";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { WorkerDied } from "../../internal/platform/background.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type { ReplicaCore } from "../../internal/replica/replica-core.ts";
import { accepted, put, Rig, theGroup } from "./rig.ts";

const tiny = {
  log: { segmentBytes: 4096, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 40_000, flushWantedBytes: 8192 },
  replica: { entriesKept: 5, awayMilliseconds: 100, chunkBytes: 400, snapshotTableBytes: 1500 },
};

describe("a writer that waits", () => {
  it("is not told of another leader's entry at its index as of its own", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const mine = accepted(rig.replica(1).propose("strong", () => put("a", "mine")));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const leader = rig.leader as number;
    // Its index is taken, and more.
    for (let at = 0; at < 3; at++) await rig.write(leader, "strong", put("b", String(at)));
    rig.rejoin(1);
    assert.equal((await rig.answer(mine.outcome)).kind, "overridden");
    await rig.level();
    assert.ok(rig.replica(1).state.last.index >= mine.version.index);
    assert.equal(await rig.node(1).read("a"), undefined);
    await rig.close();
  });

  it("is told that nobody knows when a snapshot covers its write, and what was overridden is so", async () => {
    const rig = await Rig.open(tiny);
    const lead = await rig.elect(1);
    await rig.level();
    // The others have it, commit it, and node 1 hears nothing of that.
    rig.passes = ({ to }) => to !== 1;
    const covered = accepted(lead.propose("strong", () => put("a", "1")));
    await rig.rest();
    rig.isolate(1);
    const overridden = accepted(lead.propose("strong", () => put("b", "1")));
    rig.passes = () => true;
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const leader = rig.leader as number;
    await rig.elect(leader);
    for (let at = 0; at < 40; at++) await rig.write(leader, "strong", put(`key ${at}`, "x".repeat(100)));
    for (const id of [2, 3]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    await rig.write(leader, "strong", put("more", "1"));
    const { incarnation } = rig.replica(1);
    rig.rejoin(1);
    assert.equal((await rig.answer(covered.outcome)).kind, "unknown");
    assert.equal((await rig.answer(overridden.outcome)).kind, "overridden");
    assert.notEqual(rig.replica(1).incarnation, incarnation, "by a snapshot");
    await rig.level();
    assert.equal(rig.replica(1).state.holds(covered.version.term, covered.version.index), true);
    assert.deepEqual([await rig.node(1).read("a"), await rig.node(1).read("b")], ["1", undefined]);
    await rig.close();
  });

  it("is told that nobody knows when its replica stops, though its write takes effect", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.passes = ({ to }) => to !== 1;
    const write = accepted(rig.replica(1).propose("strong", () => put("a", "1")));
    const read = rig.replica(1).readStrong(utf8("a"));
    await rig.ticks(2);
    rig.replica(1).close();
    assert.equal((await write.outcome).kind, "unknown");
    assert.deepEqual(await read, { kind: "refused", why: "stopping" });
    assert.deepEqual(
      rig.replica(1).propose("strong", () => put("a", "2")),
      { kind: "refused", why: "stopping" },
    );
    await rig.replica(1).ended();
    rig.node(1).replica = undefined;
    await rig.until(() => rig.leader !== undefined, "another leader");
    await rig.level();
    assert.equal(await rig.node(2).read("a"), "1");
    await rig.close();
  });
});

describe("a replica that stops", () => {
  it("leaves the log alone from then on, and another one goes on where it stopped", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.level();
    const node = rig.node(2);
    const old = node.up;
    accepted(rig.replica(1).propose("strong", () => put("b", "1")));
    rig.time.advance(10);
    old.close();
    await old.ended();
    const { index } = old.state.last;
    // Log and engine stay open, as on a node of many groups.
    node.replica = undefined;
    await node.start();
    await rig.level();
    assert.ok(rig.replica(2).state.last.index > index);
    assert.equal(old.state.last.index, index);
    assert.equal(await node.read("b"), "1");
    await rig.close();
  });

  it("ends while a snapshot is on its way to it, or from it, and holds nothing of log and engine", async () => {
    const rig = await Rig.open(tiny);
    await rig.elect(1);
    await rig.level();
    rig.isolate(3);
    await rig.ticks(20);
    for (let at = 0; at < 40; at++) await rig.write(1, "strong", put(`key ${at}`, "x".repeat(100)));
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    await rig.write(1, "strong", put("more", "1"));
    let chunks = 0;
    rig.passes = ({ type }) => type !== "chunk" || ++chunks <= 3;
    rig.rejoin(3);
    await rig.until(() => chunks > 3, "a snapshot on its way");
    await rig.ticks(60);
    await rig.write(1, "strong", put("behind it", "1"));
    await rig.ticks(10);
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    const offer = rig.sent.find(({ type }) => type === "snapshot");
    assert.ok(offer?.type === "snapshot");
    const groupOf = (id: number) => rig.node(id).log?.group(theGroup) as GroupLog;
    for (const id of [1, 2]) {
      const group = groupOf(id);
      assert.ok(group.flushedIndex > offer.index);
      group.compact(group.lastIndex);
      assert.equal(group.base.index, offer.index, "what lies behind the snapshot is pinned");
    }
    for (const id of [1, 2, 3]) rig.replica(id).close();
    for (const id of [1, 2, 3]) await rig.replica(id).ended();
    await rig.rest();
    for (const id of [1, 2]) {
      const group = groupOf(id);
      assert.equal(group.base.index, group.flushedIndex, "nothing is pinned");
      assert.equal(rig.node(id).engine?.stats().snapshots, 0);
    }
    await rig.close();
  });
});

describe("a replica that is closed", () => {
  it("refuses whatever it is asked to do", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    lead.close();
    const refused = { kind: "refused", why: "stopping" };
    const { last, isTransferring } = lead.status;
    const voters = [1, 2, 3].map(replicaId);
    assert.deepEqual(lead.change({ voters, learners: [replicaId(4)] }), refused);
    assert.equal(lead.transfer(replicaId(2)), "stopping");
    assert.deepEqual(
      lead.propose("strong", () => put("a", "1")),
      refused,
    );
    assert.deepEqual(lead.proposeLoad({ since: logIndex(1), writes: [] }), refused);
    assert.deepEqual(lead.proposeSlots({ mode: "seal", above: term(0), slots: [1] }), refused);
    assert.deepEqual(await lead.readStrong(utf8("a")), refused);
    await rig.ticks(5);
    assert.deepEqual([lead.status.last, lead.status.isTransferring], [last, isTransferring]);
    await rig.close();
  });
});

describe("a replica that meets a failure while nobody waits for it", () => {
  it("ends by what the world made fail; a bug is passed on, and ends the process", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const core = (id: number) => Reflect.get(rig.replica(id), "core") as ReplicaCore;
    assert.throws(() => core(2).failed(new AssertionFailure("planted", {})), { name: "AssertionFailure" });
    assert.throws(() => core(2).failed(new TypeError("planted")), { name: "TypeError" });
    assert.deepEqual(rig.node(2).failures, []);
    core(2).failed(new TrefoilError("corruption", "planted"));
    core(3).failed(new DiskFailure("failed", "read", "/planted"));
    core(1).failed(new WorkerDied("planted"));
    assert.deepEqual(
      [1, 2, 3].map((id) => rig.node(id).failures.map(({ name }) => name)),
      [["WorkerDied"], ["TrefoilError"], ["DiskFailure"]],
    );
    await rig.close();
  });
});
