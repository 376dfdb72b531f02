// A voter that is being replaced while it is away: until the group has applied that it left, it is waited for as a voter; from then
// on as one that left. There is no moment in between.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { put, Rig } from "./rig.ts";

const ids = (...numbers: number[]) => numbers.map(replicaId);

/** The configuration without the voter is in the leader's log, and not applied. */
const isOnItsWay = ({ status, state }: Replica): boolean =>
  status.configuration.outgoing.length === 0 &&
  status.configuration.voters.includes(replicaId(4)) &&
  state.configuration.configuration.outgoing.length > 0;

/** Node 1 answers a fast write and is cut off; 4 takes its seat: what the group decides last is held back at the leader. */
async function replaceTheFirst(rig: Rig) {
  await rig.elect(1);
  await rig.write(1, "strong", put("base", "x"));
  await rig.level();
  rig.isolate(1);
  const answered = await rig.write(1, "fast", put("a", "acknowledged"));
  assert.ok(answered.kind === "done");
  await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
  const leader = rig.leader as number; // what was waited for
  const lead = rig.replica(leader);
  await rig.until(() => lead.state.last.term === lead.status.term, "an entry of its own");
  await rig.write(leader, "strong", put("b", "x"));
  await rig.add(4).start();
  lead.change({ voters: ids(1, 2, 3), learners: ids(4) });
  const held = ({ type, to }: ReplicaMessage): boolean => type === "append_accepted" && to === leader;
  rig.passes = (message) => !(held(message) && isOnItsWay(lead));
  const exchanges = (): boolean => lead.change({ voters: ids(2, 3, 4), learners: [] }).kind === "accepted";
  await rig.until(exchanges, "the exchange");
  await rig.until(() => isOnItsWay(lead), "the last step");
  return { answered, lead, leader };
}

describe("a voter that is replaced while it is away", () => {
  it("rule 2: holds the watermark back before it is known that it left, too", async () => {
    const rig = await Rig.open();
    const { answered, lead, leader } = await replaceTheFirst(rig);
    await rig.ticks(70);
    assert.ok(isOnItsWay(lead));
    rig.passes = () => true;
    await rig.level();
    await rig.ticks(100);
    assert.ok(lead.state.watermark < answered.stamp, "the watermark waits for what it answered");
    const retired = await rig.node(1).retire();
    rig.rejoin(1);
    retired.leaderIs(replicaId(leader));
    await rig.ticks(300);
    assert.equal(await lead.receiptOf(answered.version), "salvaged");
    assert.equal(await rig.node(leader).read("a"), "acknowledged");
    await rig.close();
  });

  it("rule 25: is waited for before a seal is complete", async () => {
    const rig = await Rig.open();
    const { lead } = await replaceTheFirst(rig);
    await rig.ticks(10);
    const { index } = lead.state.last;
    assert.ok(isOnItsWay(lead) && !lead.isWithAll(index));
    rig.passes = () => true;
    await rig.level();
    assert.ok(!lead.isWithAll(index));
    await rig.close();
  });

  it("rule 2: is waited for whatever the leader's clock jumps to", async () => {
    const rig = await Rig.open();
    const { answered, lead, leader } = await replaceTheFirst(rig);
    rig.passes = () => true;
    await rig.level();
    const { index } = lead.state.last;
    rig.node(leader).skew = 2 * 3_600_000;
    lead.tick();
    assert.ok(!lead.isWithAll(index));
    await rig.ticks(200);
    for (const id of [2, 3, 4]) assert.ok(rig.replica(id).state.watermark < answered.stamp);
    await rig.close();
  });
});

describe("a voter that has left", () => {
  it("rule 12: does not come back as a voter under its id; a new id does", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    for (const id of [4, 5]) await rig.add(id).start();
    lead.change({ voters: ids(1, 2, 3), learners: ids(4, 5) });
    await rig.until(() => lead.change({ voters: ids(1, 2, 4), learners: ids(5) }).kind === "accepted", "the exchange");
    await rig.until(() => lead.state.departures.hasLeft(replicaId(3)), "it has left");
    await rig.until(() => rig.replica(3).status.isRemoved, "it is told", 300);
    const hasLeft = { kind: "refused", why: "has_left" };
    assert.deepEqual(lead.change({ voters: ids(1, 2, 3), learners: ids(5) }), hasLeft);
    // A learner decides nothing, and can bring what it keeps.
    const learns = (): boolean => lead.change({ voters: ids(1, 2, 4), learners: ids(3, 5) }).kind === "accepted";
    await rig.until(learns, "a learner");
    await rig.ticks(100);
    assert.deepEqual(lead.change({ voters: ids(1, 2, 3), learners: ids(5) }), hasLeft);
    await rig.until(() => lead.change({ voters: ids(1, 2, 5), learners: [] }).kind === "accepted", "a new id");
    await rig.close();
  });

  it("rule 12: does not come back under its id when the group waits for it no more, and its disk is empty", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    await rig.add(4).start();
    lead.change({ voters: ids(1, 2, 3), learners: ids(4) });
    await rig.until(() => lead.change({ voters: ids(1, 2, 4), learners: [] }).kind === "accepted", "the exchange");
    await rig.until(() => lead.state.departures.hasLeft(replicaId(3)), "it has left");
    const retired = await rig.node(3).retire();
    retired.leaderIs(replicaId(1));
    await rig.until(() => retired.isEmpty, "released", 500);
    assert.ok(!lead.state.departures.hasLeft(replicaId(3)));
    await retired.erase();
    rig.node(3).retired = undefined;
    await rig.node(3).start();
    lead.change({ voters: ids(1, 2, 4), learners: ids(3) });
    await rig.ticks(200);
    const back = { voters: ids(1, 2, 3), learners: [] };
    assert.deepEqual(lead.change(back), { kind: "refused", why: "has_left" });
    // Whoever leads, and wherever it has that from.
    rig.node(2).crash();
    await rig.node(2).start();
    assert.deepEqual((await rig.elect(2)).change(back), { kind: "refused", why: "has_left" });
    await rig.close();
  });
});
