// Rules 18 to 25 as far as they are a replica's: what lies in the engine, restarts, early elections, moving slots. Snapshots have a
// file of their own.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { fill, leaveBehind, stateOf, tiny } from "./left-behind.ts";
import { accepted, asked, del, foreign, put, putUntil, Rig } from "./rig.ts";

describe("what apply reads", () => {
  it("rule 18: is the same after a restart without a flush, with one, and on a replica made by a snapshot", async () => {
    const rig = await Rig.open(tiny);
    const lead = await rig.elect(1);
    const at = lead.state.last.stamp;
    await rig.write(1, "strong", asked(put("a", "1"), "request", at));
    await rig.write(1, "strong", putUntil("b", "1", stamp(at + 1000)));
    const slots = [slotOf(utf8("moving")), 7];
    await rig.answer(accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots })).outcome);
    await rig.answer(accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots: [8] })).outcome);
    await rig.answer(accepted(lead.proposeSlots({ mode: "close", above: term(0), slots: [7] })).outcome);
    const since = lead.state.last.index;
    const writes = [foreign([1, 1], "moving", "loaded")];
    await rig.answer(accepted(lead.proposeLoad({ since, writes })).outcome);
    await rig.answer(accepted(lead.proposeSlots({ mode: "open", above: term(0), slots: [8] })).outcome);
    await rig.elect(2);
    await leaveBehind(rig);
    rig.rejoin(3);
    await rig.level();
    assert.ok(
      rig.sent.some(({ type }) => type === "chunk"),
      "a snapshot",
    );
    const before = stateOf(rig.replica(1));
    for (const id of [2, 3]) assert.equal(stateOf(rig.replica(id)), before);
    const last = rig.replica(1).state.last.index;
    await rig.answer(rig.node(2).engine?.flush() ?? Promise.resolve());
    for (const id of [1, 2, 3]) rig.node(id).crash();
    for (const id of [1, 2, 3]) {
      await rig.node(id).start();
      const known = rig.replica(id).state.last.index;
      assert.ok(known <= last);
    }
    await rig.until(() => rig.leader !== undefined, "a leader");
    await rig.level();
    const after = stateOf(rig.replica(1));
    for (const id of [2, 3]) assert.equal(stateOf(rig.replica(id)), after);
    assert.deepEqual([...rig.replica(1).state.answered.keys()], ["request"]);
    const moving = rig.replica(3).state.slots;
    assert.deepEqual(moving.known, [7, slotOf(utf8("moving"))]);
    assert.ok(moving.garbageHorizon(stamp(at + 2 ** 40)) < at + 2 ** 40, "records come in");
    assert.deepEqual(
      [moving.sealedCount, moving.isClosed(7), moving.isClosed(slotOf(utf8("moving")))],
      [2, true, false],
    );
    await rig.close();
  });

  it("rule 18: is never skipped for want of room: apply waits, and goes on", async () => {
    const rig = await Rig.open({ engine: { memtableBytes: 131_072, memtablesMax: 2 } });
    await rig.elect(1);
    const node = rig.node(2);
    const { engine } = node;
    assert.ok(engine !== undefined);
    const room = engine.canWrite.bind(engine);
    let isFull = true;
    engine.canWrite = (batch) => !isFull && room(batch);
    await fill(rig, 1, 5);
    await rig.ticks(10);
    const { appliedIndex } = rig.replica(2);
    assert.ok(appliedIndex < rig.replica(1).appliedIndex);
    isFull = false;
    await rig.answer(engine.flush());
    await rig.level();
    assert.equal(stateOf(rig.replica(2)), stateOf(rig.replica(1)));
    await rig.close();
  });

  it("rule 18: that a full table of answers refuses new requests, and applies what is in the log", async () => {
    const rig = await Rig.open({ replica: { answersMax: 1 } });
    const lead = await rig.elect(1);
    const at = lead.state.last.stamp;
    await rig.write(1, "strong", asked(put("a", "1"), "one", at));
    assert.equal(lead.propose("strong", () => asked(put("b", "1"), "two", at)).kind, "refused");
    assert.equal(lead.state.answered.size, 1);
    await rig.close();
  });
});

describe("a restart", () => {
  it("rule 20: answers nothing before what its log ends with is durable, and keeps its word", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await fill(rig, 1, 3);
    await rig.level();
    const { term: before } = rig.replica(2).status;
    for (const id of [1, 2, 3]) rig.node(id).crash();
    await rig.node(2).start();
    assert.ok(rig.replica(2).status.term >= before);
    assert.ok(rig.replica(2).status.persisted >= rig.replica(2).status.commit);
    for (const id of [1, 3]) await rig.node(id).start();
    await rig.until(() => rig.leader !== undefined, "a leader");
    await rig.level();
    for (const id of [1, 2, 3]) assert.ok((await rig.node(id).read("key 0002"))?.startsWith("value 2"));
    await rig.close();
  });

  it("rule 20: has what it found beyond the last sync on the disk before it says anything about it", async () => {
    const rig = await Rig.open({ log: { fsync: { kind: "interval", milliseconds: 60_000 } } });
    await rig.elect(1);
    await fill(rig, 1, 3);
    await rig.level();
    const { last } = rig.replica(2).status;
    const node = rig.node(2);
    // The process dies: its log ends with what nobody has synced. Then, as soon as it is back, the power goes.
    node.crash("all");
    await node.start();
    assert.equal(rig.replica(2).status.last, last);
    node.crash();
    await node.start();
    assert.equal(rig.replica(2).status.last, last);
    await rig.close();
  });

  it("rule 21: with damage in the middle of the log opens nothing", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await fill(rig, 1, 3);
    const node = rig.node(2);
    const segment = "/node/log";
    const names = (await node.disk.list(segment)).filter((name) => /^[0-9]/.test(name));
    const [name] = names;
    node.crash();
    const path = `${segment}/${name}`;
    const bytes = node.disk.peek(path)?.slice();
    assert.ok(bytes !== undefined);
    // In the first batch, which others follow.
    bytes[600] = (bytes[600] as number) ^ 1;
    node.disk.put(path, bytes);
    await assert.rejects(node.start(), { code: "corruption" });
    await rig.close();
  });

  it("rule 21: with damage that an apply meets as it reads at once ends the replica, and skips nothing", async () => {
    const rig = new Rig();
    const node = rig.node(2);
    const faults = new FaultDisk(node.disk);
    node.see = () => faults;
    for (const each of rig.nodes.values()) await each.start();
    await rig.elect(1);
    await fill(rig, 1, 200);
    await rig.level();
    const { engine } = node;
    assert.ok(engine !== undefined);
    await rig.answer(engine.flush());
    // The table is open now; of its other blocks the next read is one that waits for nothing.
    assert.ok(await node.read("key 0199"));
    const flip = faults.arm({ calls: ["read"], path: /table$/, when: 1, fault: { kind: "flip" } });
    engine.get = () => Promise.reject(new Error("it waited"));
    const { appliedIndex } = rig.replica(2);
    await rig.write(1, "strong", put("key 0000", "2", { wantsPrevious: true }));
    await rig.ticks(5);
    assert.equal(flip.struck, 1);
    assert.deepEqual(
      node.failures.map((failure) => failure instanceof TrefoilError && failure.code),
      ["corruption"],
    );
    assert.equal(rig.replica(2).appliedIndex, appliedIndex);
    assert.deepEqual(await rig.replica(2).readStrong(utf8("key 0000")), { kind: "refused", why: "stopping" });
    await rig.close();
  });

  it("rule 22: discards only what a truncation discards: an overwritten entry stays so, the others are there", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await fill(rig, 1, 2);
    await rig.level();
    rig.isolate(1);
    const lost = await rig.write(1, "fast", put("a", "one"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const leader = rig.leader as number;
    await rig.elect(leader);
    await fill(rig, leader, 2, 2);
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).status.leader === leader, "its return");
    await rig.level();
    rig.node(1).crash();
    await rig.node(1).start();
    await rig.level();
    assert.equal(rig.replica(1).state.holds(lost.version.term, lost.version.index), false);
    for (const at of [0, 1, 2, 3]) assert.ok(await rig.node(1).read(`key 000${at}`));
    await rig.close();
  });
});

describe("an election", () => {
  it("rule 24: comes early when the last connection to the leader's node closes", async () => {
    const rig = await Rig.open({ replica: { raft: { electionTicks: 300, heartbeatTicks: 10 } } });
    await rig.elect(1);
    await rig.level();
    rig.node(1).crash();
    const began = rig.time.now;
    // The other one has not seen it yet, holds on to the leader, and is asked again.
    rig.replica(2).connectionLost(replicaId(1));
    await rig.ticks(10);
    assert.equal(rig.leader, undefined);
    rig.replica(3).connectionLost(replicaId(1));
    await rig.until(() => rig.leader !== undefined, "another leader");
    assert.ok(rig.time.now - began < 500, `${rig.time.now - began} ms`);
    await rig.close();
  });
});

describe("slots that move", () => {
  const slots = [slotOf(utf8("moving"))];

  it("rule 25: take no writes from the append of their seal on, before it is committed", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    assert.equal(lead.propose("fast", () => put("moving", "1")).kind, "accepted");
    const sealed = accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots }));
    assert.deepEqual(
      lead.propose("fast", () => put("moving", "2")),
      { kind: "refused", why: "sealed" },
    );
    assert.deepEqual(
      lead.propose("strong", () => del("moving")),
      { kind: "refused", why: "sealed" },
    );
    assert.equal(lead.propose("fast", () => put("staying", "1")).kind, "accepted");
    await rig.answer(sealed.outcome);
    await rig.elect(2);
    await rig.level();
    assert.deepEqual(
      rig.replica(2).propose("strong", () => put("moving", "2")),
      { kind: "refused", why: "sealed" },
    );
    assert.equal(await rig.node(2).read("moving"), "1");
    await rig.close();
  });

  it("rule 25: take no write that comes behind their seal in the log, though its leader had not applied the seal", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("moving", "1"));
    await rig.level();
    rig.passes = ({ type }) => type !== "append_accepted";
    const sealed = accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots }));
    await rig.until(() => [2, 3].every((id) => rig.replica(id).status.last >= sealed.version.index), "the seal");
    // Votes get through, and still nobody hears what is in whose log.
    rig.passes = ({ type, from, to }) => type !== "append_accepted" && from !== 1 && to !== 1;
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const next = rig.replica(rig.leader as number);
    assert.equal(next.state.slots.sealedCount, 0);
    const write = accepted(next.propose("strong", () => put("moving", "2")));
    rig.passes = () => true;
    const outcome = await rig.answer(write.outcome);
    assert.ok(outcome.kind === "refused" && outcome.answer.kind === "refused");
    assert.equal(outcome.answer.why, "sealed");
    await rig.level();
    for (const id of [1, 2, 3]) assert.equal(await rig.node(id).read("moving"), "1");
    await rig.close();
  });

  it("rule 25: take salvaged writes until their seal is complete, and then no more", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const lost = await rig.write(1, "fast", put("moving", "only here"));
    const late = foreign([lost.version.term, lost.version.index + 1], "moving", "too late");
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    const leader = rig.leader as number;
    const lead = await rig.elect(leader);
    const sealed = accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots }));
    await rig.answer(sealed.outcome);
    await rig.ticks(50);
    assert.equal(lead.isWithAll(sealed.version.index), false);
    rig.rejoin(1);
    await rig.until(() => lead.isWithAll(sealed.version.index), "a complete seal");
    assert.equal(await lead.receiptOf(lost.version), "salvaged");
    await rig.answer(accepted(lead.proposeSlots({ mode: "close", above: term(0), slots })).outcome);
    lead.receive({ type: "salvage", from: replicaId(1), to: lead.id, writes: [late], isLeaving: false });
    await rig.ticks(50);
    assert.equal(await lead.receiptOf(late.version), "lost");
    assert.equal(await rig.node(leader).read("moving"), "only here");
    await rig.close();
  });

  it("rule 25: come in by loads, of which the larger version wins, with its expiry and the load's stamp", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const expiry = stamp(lead.state.last.stamp + 2 ** 40);
    const both = [...slots, slotOf(utf8("gone"))];
    const seal = accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots: both }));
    await rig.answer(seal.outcome);
    const one = { ...foreign([9, 5], "moving", "newer"), expiry };
    const two = foreign([9, 4], "moving", "older");
    const gone = foreign([9, 6], "gone", undefined);
    const since = seal.version.index;
    const first = await rig.answer(accepted(lead.proposeLoad({ since, writes: [one, gone] })).outcome);
    await rig.answer(accepted(lead.proposeLoad({ since, writes: [two, one] })).outcome);
    assert.ok(first.kind === "done");
    await rig.level();
    for (const id of [1, 2, 3]) {
      const record = await rig.replica(id).readFast(utf8("moving"));
      assert.deepEqual([record?.term, record?.index, record?.stamp, record?.expiry], [9, 5, first.stamp, expiry]);
      assert.equal(await rig.node(id).read("gone"), undefined);
    }
    await rig.close();
  });

  it("rule 9: open only in a term above all that their former group's log had at the seal", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.answer(accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots })).outcome);
    const above = lead.status.term;
    const refused = lead.proposeSlots({ mode: "open", above, slots });
    assert.deepEqual(refused, { kind: "refused", why: "term_too_low" });
    const next = await rig.elect(2);
    await rig.answer(accepted(next.proposeSlots({ mode: "open", above, slots })).outcome);
    assert.equal((await rig.write(2, "strong", put("moving", "1"))).kind, "done");
    await rig.close();
  });
});
