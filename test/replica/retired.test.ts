// Replicas that take no part any more: what only they had comes back into the group before they are erased.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replicaId } from "../../internal/base/ids.ts";
import { put, Rig, theGroup } from "./rig.ts";

const ids = (...numbers: number[]) => numbers.map((id) => replicaId(id));

/** Replaces node 1, which is cut off, by node 4. */
async function replaceOne(rig: Rig): Promise<void> {
  const { leader } = rig;
  assert.ok(leader !== undefined);
  await rig.add(4).start();
  const lead = rig.replica(leader);
  assert.equal(lead.change({ voters: ids(1, 2, 3), learners: ids(4) }).kind, "accepted");
  await rig.until(() => lead.change({ voters: ids(2, 3, 4), learners: [] }).kind === "accepted", "the exchange");
  await rig.until(() => lead.status.configuration.outgoing.length === 0, "its end");
  await rig.level();
}

describe("a replica that was removed", () => {
  it("rule 12: salvages its fast entries through the group's leader and erases its data when each has its fate", async () => {
    const rig = await Rig.open();
    const old = await rig.elect(1);
    await rig.write(1, "strong", put("a", "before"));
    await rig.level();
    rig.isolate(1);
    const one = await rig.write(1, "fast", put("a", "only here"));
    const two = await rig.write(1, "fast", put("b", "overwritten"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const leader = rig.leader as number;
    await rig.write(leader, "strong", put("b", "newer"));
    await replaceOne(rig);
    assert.equal(old.status.role, "leader", "it does not know yet");
    rig.rejoin(1);
    const retired = await rig.node(1).retire();
    await assert.rejects(retired.erase(), { code: "conflict" });
    retired.leaderIs(replicaId(leader));
    await rig.until(() => retired.isEmpty, "fates");
    assert.equal(await rig.node(4).read("a"), "only here");
    assert.equal(await rig.node(4).read("b"), "newer");
    assert.equal(await rig.replica(4).receiptOf(one.version), "salvaged");
    assert.equal(await rig.replica(4).receiptOf(two.version), "superseded");
    assert.deepEqual(rig.replica(leader).numbers.fates, { salvaged: 1, superseded: 1, lost: 0 });
    assert.deepEqual(rig.replica(4).numbers.fates, { salvaged: 0, superseded: 0, lost: 0 }, "it does not lead");
    await retired.erase();
    const { log, engine } = rig.node(1);
    assert.deepEqual([log?.groups(), engine?.placeOf(theGroup)], [[], undefined]);
    await rig.close();
  });

  it("rule 12: holds the watermark back until it is empty", async () => {
    const rig = await Rig.open({ replica: { salvageWindowMilliseconds: 20_000 } });
    await rig.elect(1);
    rig.isolate(1);
    await rig.write(1, "fast", put("a", "only here"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await replaceOne(rig);
    const lead = rig.replica(rig.leader as number);
    const { watermark } = lead.state;
    await rig.write(rig.leader as number, "strong", put("c", "more"));
    await rig.ticks(200);
    assert.equal(lead.state.watermark, watermark);
    rig.rejoin(1);
    const retired = await rig.node(1).retire();
    retired.leaderIs(lead.id);
    await rig.until(() => retired.isEmpty, "fates");
    assert.equal(await rig.node(4).read("a"), "only here");
    await rig.until(() => lead.state.watermark > watermark, "a higher watermark");
    await rig.close();
  });

  it("rule 12: that never comes back holds the watermark back for the salvage window, and no longer", async () => {
    const rig = await Rig.open({ replica: { salvageWindowMilliseconds: 5000 } });
    await rig.elect(1);
    rig.isolate(1);
    await rig.write(1, "fast", put("a", "only here"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await replaceOne(rig);
    const lead = rig.replica(rig.leader as number);
    const { watermark } = lead.state;
    await rig.write(rig.leader as number, "strong", put("a", "newer"));
    await rig.until(() => lead.state.watermark > watermark, "a higher watermark");
    rig.rejoin(1);
    const retired = await rig.node(1).retire();
    retired.leaderIs(lead.id);
    await rig.until(() => retired.isEmpty, "fates");
    assert.equal(await rig.node(4).read("a"), "newer");
    await rig.close();
  });

  it("rule 12: begins again after a crash at any time", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    rig.isolate(1);
    const write = await rig.write(1, "fast", put("a", "only here"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await replaceOne(rig);
    const node = rig.node(1);
    for (let life = 1; life <= 3; life++) {
      await node.retire();
      node.crash();
      await node.open();
    }
    rig.rejoin(1);
    const retired = await node.retire();
    retired.leaderIs(replicaId(rig.leader as number));
    await rig.until(() => retired.isEmpty, "fates");
    assert.equal(await rig.replica(4).receiptOf(write.version), "salvaged");
    await retired.erase();
    await retired.erase();
    await rig.close();
  });
});

describe("a node that may have lost the end of its log", () => {
  it("rule 19: has no replica take part, salvages what it has, and comes back under a new id", async () => {
    const fsync = { kind: "interval", milliseconds: 50 } as const;
    const rig = await Rig.open({ log: { fsync } });
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "agreed"));
    await rig.level();
    rig.isolate(1);
    const kept = await rig.write(1, "fast", put("b", "only here"));
    // Synced by now.
    await rig.ticks(20);
    const node = rig.node(1);
    node.crash();
    node.bootId = "second";
    await node.open();
    assert.equal(node.log?.mayHaveLost, true);
    await assert.rejects(node.start(), { code: "corruption" });
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    rig.rejoin(1);
    await replaceOne(rig);
    node.crash("all");
    await node.open();
    const retired = await node.retire();
    retired.leaderIs(replicaId(rig.leader as number));
    await rig.until(() => retired.isEmpty, "fates");
    assert.equal(await rig.replica(4).receiptOf(kept.version), "salvaged");
    await retired.erase();
    const { log } = node;
    assert.ok(log !== undefined);
    await rig.answer(log.whenDurable(log.acceptLoss()));
    assert.equal(log.mayHaveLost, false);
    await rig.close();
  });
});

describe("a voter that has said that it keeps nothing, and is opened again all the same", () => {
  it("rule 12: takes no part from where its log says so, before it takes any fast writes", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    const retired = await rig.node(3).retire();
    retired.leaderIs(replicaId(1));
    await rig.until(() => retired.isEmpty, "its release");
    rig.node(3).crash("all");
    await rig.node(3).start();
    await rig.until(() => rig.node(3).failures.length > 0, "its end");
    assert.match(String(rig.node(3).failures[0]), /takes no part any more/);
    assert.equal(rig.replica(3).propose("fast", () => put("a", "1")).kind, "refused");
    await rig.answer(rig.node(3).engine?.flush() ?? Promise.resolve());
    rig.node(3).crash("all");
    await assert.rejects(rig.node(3).start(), { code: "conflict" });
    assert.ok(lead.status.role === "leader");
    await rig.close();
  });
});
