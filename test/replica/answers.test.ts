// What a writer is told of its write, and what its receipt says, when replicas lag, change leaders, crash, or live for long.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { conditionKind } from "../../internal/replica/command.ts";
import { accepted, put, Rig } from "./rig.ts";

const dayMilliseconds = 24 * 3600 * 1000;

describe("a strong write that a leader's log lost", () => {
  it("is told to be overridden only when another entry is applied in its place: until then it may still win", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "before"));
    await rig.level();
    rig.isolate(1);
    const mine = accepted(rig.replica(1).propose("strong", () => put("a", "mine")));
    const told = { as: "nothing" };
    // Whatever is told, the machine goes down in that moment, and forgets what it had not synced.
    void mine.outcome.then(({ kind }) => {
      told.as = kind;
      rig.node(1).crash();
    });
    await rig.rest();
    // The new leader reaches none but the old one.
    rig.passes = ({ type, from, to }) => type !== "append" || from + to !== 5;
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    const other = rig.leader as number;
    rig.rejoin(1);
    await rig.until(() => told.as !== "nothing", "an answer");
    assert.equal(told.as, "overridden");
    rig.isolate(other);
    rig.passes = () => true;
    await rig.node(1).start();
    const rest = [1, 2, 3].filter((id) => id !== other);
    const isReady = (id: number): boolean => {
      const { status, state } = rig.replica(id);
      return status.role === "leader" && state.last.term === status.term;
    };
    await rig.until(() => rest.some(isReady), "a leader without the other");
    for (const id of rest) {
      const read = await rig.answer(rig.replica(id).readStrong(utf8("a")));
      assert.ok(read.kind === "record" && read.record.index < mine.version.index, "what was told is so");
    }
    await rig.close();
  });
});

describe("strong writes of which a leader's log had many more than it has since", () => {
  it("are told to be overridden once an entry of a later term is applied: none of theirs comes behind it", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const told: string[] = [];
    for (let count = 1; count <= 50; count++) {
      const { outcome } = accepted(rig.replica(1).propose("strong", () => put("a", "mine")));
      void outcome.then(({ kind }) => told.push(kind));
    }
    const { last } = rig.replica(1).status;
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    rig.rejoin(1);
    await rig.level();
    assert.ok(rig.replica(1).appliedIndex < last - 40, "the log is shorter");
    assert.deepEqual(
      told,
      Array.from({ length: 50 }, () => "overridden"),
    );
    await rig.close();
  });
});

describe("a strong write that is answered by a leader that has lost its office since", () => {
  it("is told that a majority has it", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    // The others take it, and the leader hears nothing of it before it is deposed.
    rig.passes = ({ type, to }) => type !== "append_accepted" || to !== 1;
    const write = accepted(rig.replica(1).propose("strong", () => put("a", "1")));
    await rig.rest();
    rig.isolate(1);
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    rig.passes = () => true;
    rig.rejoin(1);
    const outcome = await rig.answer(write.outcome);
    assert.ok(outcome.kind === "done");
    assert.equal(rig.replica(1).status.role, "follower");
    assert.equal(outcome.acks, 2);
    await rig.close();
  });
});

describe("receipts", () => {
  it("rule 13: a replica that has not heard of a write says pending, not that it had no effect", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(3);
    const strong = await rig.write(1, "strong", put("a", "1"));
    const fast = await rig.write(1, "fast", put("b", "1"));
    await rig.until(() => rig.replica(1).appliedIndex >= fast.version.index, "it is applied");
    for (const { version } of [strong, fast]) {
      assert.equal(await rig.replica(3).receiptOf(version), "pending");
      assert.equal(await rig.replica(1).receiptOf(version), "committed");
    }
    rig.rejoin(3);
    await rig.level();
    for (const { version } of [strong, fast]) assert.equal(await rig.replica(3).receiptOf(version), "committed");
    await rig.close();
  });

  it("rule 13: says what was so when it was asked, though the write is applied while its fate is looked up", async () => {
    const rig = await Rig.open();
    const leader = await rig.elect(1);
    await rig.level();
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const get = engine.get.bind(engine);
    engine.get = async (...asked) => {
      const found = await get(...asked);
      await gate;
      return found;
    };
    const write = accepted(leader.propose("strong", () => put("a", "1")));
    const receipt = leader.receiptOf(write.version);
    const position = leader.positionOf(write.version);
    assert.equal((await rig.answer(write.outcome)).kind, "done");
    open();
    assert.equal(await receipt, "pending");
    assert.equal((await position).kind, "here");
    engine.get = get;
    assert.equal(await leader.receiptOf(write.version), "committed");
    await rig.close();
  });

  it("rule 13: is forgotten after a week, and never said to be another one, also in the same term and after a restart", async () => {
    const rig = await Rig.open();
    const leader = await rig.elect(1);
    const done = await rig.write(1, "strong", put("a", "1"));
    const failed = await rig.write(1, "strong", put("a", "2", { condition: conditionKind.absent }));
    const toldOn = new Map<string, number>();
    for (let day = 0; day <= 12; day++) {
      const later = await rig.write(1, "strong", put("b", String(day)));
      await rig.level();
      assert.equal(await leader.receiptOf(later.version), "committed");
      const kept = await leader.receiptOf(failed.version);
      assert.ok(kept === "rejected" || kept === "forgotten", `${kept} on day ${day}`);
      const taken = await leader.receiptOf(done.version);
      assert.ok(taken === "committed" || taken === "forgotten", `${taken} on day ${day}`);
      for (const fate of [kept, taken]) toldOn.set(fate, day);
      rig.time.now += dayMilliseconds;
    }
    assert.equal(leader.status.term, done.version.term, "the term is the same");
    assert.ok([7, 8].includes(toldOn.get("rejected") ?? 0), "it is told for a week");
    assert.ok([7, 8].includes(toldOn.get("committed") ?? 0));
    assert.equal(toldOn.get("forgotten"), 12);
    await rig.answer(rig.node(2).engine?.flush() ?? Promise.resolve());
    rig.node(2).crash();
    await rig.node(2).start();
    await rig.level();
    assert.equal(await rig.replica(2).receiptOf(failed.version), "forgotten");
    await rig.close();
  });
});
