// Rules 7 to 17 as far as they are a replica's: fast writes and their salvage, versions, receipts, retries, tokens, freshness.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { LogEntries } from "../../internal/replica/log-entries.ts";
import { judgeMerge } from "../../internal/replica/merge.ts";
import { isShown } from "../../internal/replica/session-reads.ts";
import { accepted, asked, del, foreign, put, Rig, theGroup, valueOf } from "./rig.ts";

/** Node 1 leads, is cut off, and another one leads; what node 1 takes meanwhile only it has. */
async function cutOff(rig: Rig, meanwhile: () => Promise<unknown>): Promise<number> {
  await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  await meanwhile();
  await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
  const leader = rig.leader as number;
  await rig.elect(leader);
  return leader;
}

async function backAgain(rig: Rig): Promise<void> {
  rig.rejoin(1);
  await rig.until(() => rig.replica(1).hasSalvage, "salvage");
  await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
  await rig.level();
}

const why = (rig: Rig, id: number, consistency: "fast" | "strong", command: Command): string => {
  const proposed = rig.replica(id).propose(consistency, () => command);
  return proposed.kind === "refused" ? proposed.why : proposed.kind;
};

const refusedBusy = { kind: "refused", why: "busy" };

describe("fast writes", () => {
  it("rule 7: may be blind puts and deletes, and nothing that reads state", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const one = utf8("1");
    assert.equal(why(rig, 1, "fast", put("a", "1")), "accepted");
    assert.equal(why(rig, 1, "fast", del("a")), "accepted");
    for (const command of [
      put("a", "1", { condition: conditionKind.absent }),
      put("a", "1", { expiry: expiryMode.keep }),
      put("a", "1", { wantsPrevious: true }),
      put("a", "1", { action: action.increment, body: one }),
      put("a", "1", { action: action.append, body: one }),
      put("a", "1", { action: action.touch, body: new Uint8Array(0) }),
      { request: undefined, operations: [...put("a", "1").operations, ...put("b", "1").operations] },
    ]) {
      assert.equal(why(rig, 1, "fast", command), "not_blind");
    }
    await rig.close();
  });

  it("rule 8: that a log loses are kept in the append that discards them, strong ones are not, and come back as merges", async () => {
    const rig = await Rig.open();
    const leader = await cutOff(rig, async () => {
      const strong = accepted(rig.replica(1).propose("strong", () => put("s", "strong")));
      await rig.write(1, "fast", put("a", "one"));
      await rig.write(1, "fast", put("b", "two"));
      await rig.write(1, "fast", del("c"));
      void strong.outcome;
    });
    await rig.write(leader, "strong", put("b", "newer"));
    await rig.write(leader, "strong", put("d", "other"));
    rig.passes = (message) => message.type !== "salvage";
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    // All of it survives the machine, once what displaced it does.
    rig.node(1).crash();
    await rig.node(1).start();
    assert.equal(rig.replica(1).hasSalvage, true);
    rig.passes = () => true;
    await rig.until(() => !rig.replica(1).hasSalvage, "fates");
    await rig.level();
    for (const id of [1, 2, 3]) {
      assert.equal(await rig.node(id).read("a"), "one");
      assert.equal(await rig.node(id).read("b"), "newer");
      assert.equal(await rig.node(id).read("s"), undefined);
    }
    await rig.close();
  });

  for (const [count, atOnce, where] of [
    [65, 65, "all in the log's memory, which keeping one takes from another"],
    [120, 20, "more than the log's memory has"],
  ] as const) {
    it(`rule 8: that a log loses come back as they were: ${count} of them, ${where}`, async () => {
      const rig = await Rig.open({ log: { batchBytesMax: 2048, cacheBytesMax: 16_384 } });
      const text = (at: number): string => `${at} ${"x".repeat(140 + at)}`;
      await cutOff(rig, async () => {
        for (let at = 0; at < count; at++) {
          accepted(rig.replica(1).propose("fast", () => put(`key ${at}`, text(at))));
          if (at % atOnce === atOnce - 1) await rig.rest();
        }
        await rig.rest();
      });
      const group = rig.node(1).log?.group(theGroup);
      const first = logIndex((group?.lastIndex ?? 0) - count + 1);
      const isInMemory = group?.readNow(first, group.lastIndex, 100_000)?.length === count;
      assert.equal(isInMemory, count === 65);
      await backAgain(rig);
      for (let at = 0; at < count; at++) assert.equal(await rig.node(2).read(`key ${at}`), text(at));
      await rig.close();
    });
  }

  it("rule 8: a merge that is made again decides nothing again: the first fate stands", async () => {
    const rig = await Rig.open();
    let version = { term: term(0), index: logIndex(0) };
    const leader = await cutOff(rig, async () => {
      ({ version } = await rig.write(1, "fast", put("a", "one")));
    });
    await backAgain(rig);
    const lead = rig.replica(leader);
    assert.equal(await lead.receiptOf(version), "salvaged");
    await rig.write(leader, "strong", put("a", "newer"));
    const writes = [foreign([version.term, version.index], "a", "one")];
    const again = { type: "salvage", from: replicaId(1), to: lead.id, writes, isLeaving: false } as const;
    const { last } = lead.status;
    lead.receive(again);
    await rig.rest();
    assert.equal(lead.status.last, last, "it is not even proposed");
    // A leader that does not know it: the merge is in the log once more.
    const { engine } = rig.node(leader);
    assert.ok(engine !== undefined);
    const get = engine.get.bind(engine);
    engine.get = () => Promise.resolve(undefined);
    lead.receive(again);
    await rig.rest();
    engine.get = get;
    assert.equal(lead.status.last, last + 1);
    await rig.level();
    assert.equal(await lead.receiptOf(version), "salvaged");
    assert.equal(await rig.node(leader).read("a"), "newer");
    await rig.close();
  });

  it("rule 9: two writes of one version stop the replica", () => {
    const one = foreign([3, 7], "a", "one");
    const present = {
      term: term(3),
      index: logIndex(7),
      stamp: stamp(5),
      tombstone: false,
      expiry: one.expiry,
      payload: one.payload,
    };
    assert.equal(judgeMerge(one, present), "repeated");
    assert.throws(() => judgeMerge(foreign([3, 7], "a", "two"), present), { name: "AssertionFailure" });
    assert.throws(() => judgeMerge(foreign([3, 7], "a", undefined), present), { name: "AssertionFailure" });
    assert.equal(judgeMerge(foreign([3, 8], "a", "two"), present), "wins");
    assert.equal(judgeMerge(foreign([2, 9], "a", "two"), present), "loses");
  });

  it("rule 10: without a quorum are taken up to the bounds, strong requests refused at once", async () => {
    const rig = await Rig.open({ replica: { backlogEntriesMax: 5, salvageWindowMilliseconds: 20_000 } });
    const lead = await rig.elect(1);
    rig.isolate(1);
    await rig.until(() => !lead.status.hasQuorum, "the loss");
    assert.equal(why(rig, 1, "strong", put("s", "1")), "no_quorum");
    const read = await rig.answer(lead.readStrong(utf8("a")));
    assert.deepEqual(read, { kind: "refused", why: "no_quorum" });
    for (let count = 1; count <= 5; count++) assert.equal((await rig.write(1, "fast", put("a", "1"))).kind, "done");
    assert.equal(why(rig, 1, "fast", put("a", "1")), "no_quorum");
    await rig.close();
  });

  it("rule 10: without a quorum are taken up to the bound in bytes, and for half the salvage window", async () => {
    const rig = await Rig.open({ replica: { backlogBytesMax: 3000, salvageWindowMilliseconds: 4000 } });
    const lead = await rig.elect(1);
    rig.isolate(1);
    await rig.until(() => !lead.status.hasQuorum, "the loss");
    const large = put("a", "x".repeat(1000));
    for (let count = 1; count <= 3; count++) assert.equal((await rig.write(1, "fast", large)).kind, "done");
    assert.equal(why(rig, 1, "fast", large), "no_quorum");
    rig.rejoin(1);
    await rig.ticks(100);
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    // A wall clock that is set back makes it no longer.
    rig.node(1).skew = -9000;
    await rig.ticks(190);
    assert.equal(lead.status.hasQuorum, false);
    assert.equal(why(rig, 1, "fast", put("b", "1")), "accepted");
    await rig.ticks(15);
    assert.equal(why(rig, 1, "fast", put("b", "1")), "no_quorum");
    await rig.close();
  });

  it("rule 10: are refused while what was salvaged and has no fate is beyond its bound", async () => {
    // Nobody looks after what is salvaged.
    const rig = await Rig.open({ replica: { salvageBytesMax: 500, houseKeepingMilliseconds: 1_000_000 } });
    await cutOff(rig, () => rig.write(1, "fast", put("a", "x".repeat(1000))));
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    await rig.elect(1);
    assert.equal(why(rig, 1, "fast", put("b", "1")), "busy");
    assert.equal(why(rig, 1, "strong", put("b", "1")), "accepted");
    await rig.elect(2);
    assert.equal(why(rig, 2, "fast", put("b", "1")), "accepted");
    await rig.close();
  });

  it("rule 11: are refused with a quorum while the oldest uncommitted entry is older than 250 ms", async () => {
    const rig = await Rig.open({ replica: { raft: { electionTicks: 100 } } });
    const lead = await rig.elect(1);
    // Heartbeats are answered, appends are not.
    rig.passes = (message) => message.type !== "append_accepted";
    assert.equal(why(rig, 1, "fast", put("a", "1")), "accepted");
    await rig.rest();
    await rig.ticks(24);
    assert.equal(why(rig, 1, "fast", put("a", "2")), "accepted");
    await rig.ticks(2);
    assert.equal(lead.status.hasQuorum, true);
    assert.equal(why(rig, 1, "fast", put("a", "3")), "busy");
    rig.passes = () => true;
    await rig.until(() => why(rig, 1, "fast", put("a", "4")) === "accepted", "writes again", 300);
    await rig.close();
  });

  it("rule 11: are refused for the age of the oldest one whatever the leader's clock shows, or jumps to", async () => {
    const rig = await Rig.open({ replica: { raft: { electionTicks: 100 } } });
    await rig.elect(2);
    // The log is stamped 5 s ahead of node 1's clock: no time passes in it.
    for (const id of [2, 3]) rig.node(id).skew = 5000;
    await rig.write(2, "strong", put("a", "0"));
    await rig.elect(1);
    rig.passes = (message) => message.type !== "append_accepted";
    assert.equal(why(rig, 1, "fast", put("a", "1")), "accepted");
    await rig.rest();
    await rig.ticks(24);
    assert.equal(why(rig, 1, "fast", put("a", "2")), "accepted");
    await rig.ticks(2);
    assert.equal(why(rig, 1, "fast", put("a", "3")), "busy");
    rig.passes = () => true;
    await rig.level();
    rig.passes = (message) => message.type !== "append_accepted";
    assert.equal(why(rig, 1, "fast", put("a", "4")), "accepted");
    await rig.ticks(2);
    rig.node(1).skew = 8000;
    assert.equal(why(rig, 1, "fast", put("a", "5")), "accepted");
    await rig.close();
  });

  it("rule 11: are refused for the age of one that had to wait for room in the log, too", async () => {
    const rig = await Rig.open({ replica: { raft: { electionTicks: 100 } } });
    const lead = await rig.elect(1);
    await rig.level();
    const { log } = rig.node(1);
    assert.ok(log !== undefined);
    let makeRoom = (): void => undefined;
    const room = new Promise<void>((resolve) => (makeRoom = resolve));
    log.whenRoom = () => room;
    Object.defineProperty(log, "hasRoom", { configurable: true, value: false });
    rig.passes = (message) => message.type !== "append_accepted";
    const { last } = lead.status;
    assert.equal(why(rig, 1, "strong", put("a", "1")), "accepted");
    await rig.ticks(20);
    assert.ok(lead.status.last > last && lead.status.persisted === last, "it waits");
    Object.defineProperty(log, "hasRoom", { configurable: true, value: true });
    makeRoom();
    await rig.rest();
    await rig.ticks(4);
    assert.deepEqual([lead.status.hasQuorum, lead.status.persisted], [true, lead.status.last]);
    assert.equal(why(rig, 1, "fast", put("a", "2")), "accepted");
    await rig.ticks(3);
    assert.equal(why(rig, 1, "fast", put("a", "3")), "busy");
    await rig.close();
  });

  it("and strong ones and reads are refused beyond a bound while the engine has no room, and taken again when it has", async () => {
    const bounds = { unappliedEntriesMax: 40, overlayBytesMax: 2000, strongReadsMax: 10 };
    const rig = await Rig.open({ replica: bounds });
    const lead = await rig.elect(1);
    await rig.level();
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    const { canWrite } = engine;
    engine.canWrite = () => false;
    const takeAll = async (mode: "fast" | "strong", value: string): Promise<number> => {
      for (let taken = 0; taken < 200; taken++) {
        if (why(rig, 1, mode, put(`${mode} ${taken}`, value)) === "busy") return taken;
        await rig.ticks(1);
        lead.checkInvariants();
      }
      return 200;
    };
    const large = await takeAll("fast", "x".repeat(200));
    assert.ok(large >= 9 && large <= 12, `${large} by bytes`);
    const strong = await takeAll("strong", "x");
    assert.equal(strong, 0);
    const reads = Array.from({ length: 12 }, () => lead.readStrong(utf8("a")));
    assert.deepEqual(await Promise.all(reads.slice(10)), [refusedBusy, refusedBusy]);
    engine.canWrite = canWrite;
    await rig.answer(engine.flush());
    await rig.level();
    assert.equal(
      (await rig.answer(Promise.all(reads.slice(0, 10)))).filter(({ kind }) => kind === "absent").length,
      10,
    );
    engine.canWrite = () => false;
    const small = await takeAll("strong", "x");
    assert.ok(small >= 30 && small <= 41, `${small} by entries`);
    engine.canWrite = canWrite;
    await rig.answer(engine.flush());
    await rig.level();
    assert.equal(why(rig, 1, "fast", put("a", "1")), "accepted");
    await rig.close();
  });

  it("rule 12: are taken only by a leader that has applied the entry that opens its term", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    assert.equal(why(rig, 2, "fast", put("a", "1")), "not_leader");
    // Votes get through, entries do not.
    rig.passes = (message) => message.type !== "append_accepted";
    rig.replica(1).transfer(replicaId(2));
    await rig.until(() => rig.replica(2).status.role === "leader", "another leader");
    assert.equal(why(rig, 2, "fast", put("a", "1")), "not_ready");
    rig.passes = () => true;
    await rig.until(() => why(rig, 2, "fast", put("a", "1")) === "accepted", "the entry", 300);
    await rig.close();
  });

  it("rule 12: are not taken by a leader that is about to be removed, which hands over first", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.add(4).start();
    lead.change({ voters: [1, 2, 3].map(replicaId), learners: [replicaId(4)] });
    const wanted = { voters: [2, 3, 4].map(replicaId), learners: [] };
    await rig.until(() => {
      const result = lead.change(wanted);
      return result.kind === "refused" && result.why === "leader_leaves";
    }, "the learner");
    await rig.elect(2);
    await rig.until(() => rig.replica(2).change(wanted).kind === "accepted", "the exchange");
    // Who leaves may still come to lead while the joint configuration is not committed.
    const held = ["append_accepted", "pre_vote"];
    rig.passes = ({ type, from }) => from === 1 || from === 2 || !held.includes(type);
    await rig.ticks(2);
    rig.isolate(2);
    await rig.until(() => rig.replica(1).status.role === "leader", "the leader that leaves");
    assert.equal(rig.replica(1).status.configuration.outgoing.length, 3);
    assert.equal(why(rig, 1, "fast", put("a", "1")), "leaving");
    rig.rejoin(2);
    rig.passes = () => true;
    await rig.until(() => rig.replica(3).status.configuration.outgoing.length === 0, "the end");
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "one that stays");
    await rig.close();
  });
});

describe("receipts", () => {
  it("rule 13: say what became of a write, whoever leads", async () => {
    const rig = await Rig.open();
    let lost = { term: term(0), index: logIndex(0) };
    let never = { term: term(0), index: logIndex(0) };
    const leader = await cutOff(rig, async () => {
      ({ version: lost } = await rig.write(1, "fast", put("a", "one")));
      const strong = accepted(rig.replica(1).propose("strong", () => put("s", "1")));
      never = strong.version;
      void strong.outcome;
      await rig.rest();
    });
    const lead = rig.replica(leader);
    const done = await rig.write(leader, "strong", put("b", "1"));
    const failed = await rig.write(leader, "strong", put("b", "2", { condition: conditionKind.absent }));
    assert.equal(failed.kind, "refused");
    assert.equal(await rig.replica(1).receiptOf(lost), "pending");
    assert.equal(await lead.receiptOf(lost), "overridden");
    await backAgain(rig);
    for (const id of [1, 2, 3]) {
      const replica = rig.replica(id);
      assert.equal(await replica.receiptOf(done.version), "committed");
      assert.equal(await replica.receiptOf(failed.version), "rejected");
      assert.equal(await replica.receiptOf(lost), "salvaged");
      assert.equal(await replica.receiptOf(never), "overridden");
    }
    await rig.close();
  });

  it("rule 14: a position is in the log, is its merge's, is yet to come, or is lost", async () => {
    const rig = await Rig.open();
    let salvaged = { term: term(0), index: logIndex(0) };
    let superseded = { term: term(0), index: logIndex(0) };
    const leader = await cutOff(rig, async () => {
      ({ version: salvaged } = await rig.write(1, "fast", put("a", "one")));
      ({ version: superseded } = await rig.write(1, "fast", put("b", "one")));
      assert.deepEqual(await rig.replica(1).positionOf(salvaged), { kind: "here", version: salvaged });
    });
    const done = await rig.write(leader, "strong", put("b", "1"));
    const lead = rig.replica(leader);
    assert.deepEqual(await lead.positionOf(salvaged), { kind: "lost" });
    assert.deepEqual(await lead.positionOf(done.version), { kind: "here", version: done.version });
    const later = { term: done.version.term, index: logIndex(done.version.index + 100) };
    assert.deepEqual(await lead.positionOf(later), { kind: "ahead" });
    await backAgain(rig);
    const place = await rig.replica(1).positionOf(salvaged);
    assert.ok(place.kind === "here" && place.version.index > done.version.index, "it is the merge's now");
    assert.deepEqual(await rig.replica(1).positionOf(superseded), { kind: "lost" });
    await rig.close();
  });

  it("rule 14: a read in a session is of what the session has seen, also where that is replaced while the read waits for it", async () => {
    // Longer than a leader takes until it appends again, and shorter than an election.
    const rig = await Rig.open({ replica: { ownReadMilliseconds: 150 } });
    let seen = { term: term(0), index: logIndex(0) };
    const read = (id: number) => rig.replica(id).readInSession(utf8("a"), seen);
    const leader = await cutOff(rig, async () => {
      await rig.write(1, "fast", put("b", "1"));
      ({ version: seen } = await rig.write(1, "fast", put("a", "one")));
      const own = await rig.answer(read(1));
      assert.ok(own.kind === "read" && own.found !== undefined, "its leader shows it, though it is not applied");
      assert.equal(valueOf(own.found), "one");
      assert.deepEqual(await rig.answer(read(2)), { kind: "behind" });
    });
    await rig.write(leader, "strong", put("b", "2"));
    await rig.write(leader, "strong", put("b", "3"));
    // The old leader hears of the new one, and still has in its log what that one will replace.
    rig.passes = ({ type, to }) => type !== "salvage" && (type !== "append" || to !== 1);
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).status.role === "follower", "the new leader is heard");
    assert.equal((await rig.replica(1).positionOf(seen)).kind, "here");
    const waiting = read(1);
    rig.passes = ({ type }) => type !== "salvage";
    assert.deepEqual(await rig.answer(waiting), { kind: "lost" });
    rig.passes = () => true;
    await rig.until(() => !rig.replica(1).hasSalvage, "the merge");
    await rig.level();
    const merged = await rig.answer(read(3));
    assert.ok(merged.kind === "read" && merged.found !== undefined, "its merge is here");
    assert.equal(valueOf(merged.found), "one");
    await rig.close();
  });

  it("rule 14: what another entry took the place of is not shown, however much is applied", async () => {
    const rig = await Rig.open();
    let lost = { term: term(0), index: logIndex(0) };
    const leader = await cutOff(rig, async () => {
      ({ version: lost } = await rig.write(1, "fast", put("a", "one")));
    });
    await rig.write(leader, "strong", put("b", "2"));
    await rig.write(leader, "strong", put("b", "3"));
    const lead = rig.replica(leader);
    assert.ok(lead.appliedIndex >= lost.index);
    // A read that was told where it lies, and looks again when that is so no more.
    const entries = new LogEntries(rig.node(leader).log?.group(theGroup) as GroupLog);
    const parts = { status: lead.status, entries, appliedIndex: lead.appliedIndex };
    assert.equal(isShown({ ...parts, isHere: () => false }, lost), false);
    assert.equal(isShown({ ...parts, isHere: () => true }, lost), true);
    await rig.close();
  });

  it("rule 14: a deposed leader shows no session what a later leader has committed of its log", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "old"));
    await rig.level();
    // Its entries get to the others, and nothing comes back.
    rig.passes = ({ to }) => to !== 1;
    const write = accepted(lead.propose("strong", () => put("a", "new")));
    await rig.rest();
    rig.isolate(1);
    rig.passes = () => true;
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await rig.elect(rig.leader as number);
    const read = await rig.answer(rig.replica(2).readInSession(utf8("a"), write.version));
    assert.ok(read.kind === "read" && read.found !== undefined);
    assert.equal(valueOf(read.found), "new");
    assert.equal(lead.status.role, "leader", "it has not heard of that");
    assert.deepEqual(await rig.answer(lead.readInSession(utf8("a"), write.version)), { kind: "behind" });
    await rig.close();
  });
});

describe("freshness", () => {
  it("rule 15: counts from before the question was asked, by the greater of both clocks", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    const follower = rig.replica(2);
    assert.equal(follower.stalenessMilliseconds, undefined);
    // The answer takes its time.
    const { passes } = rig;
    rig.passes = (message) => message.type !== "append";
    await rig.write(1, "fast", put("a", "1"));
    const askedAt = rig.time.now;
    follower.refreshStaleness();
    await rig.ticks(10);
    assert.equal(follower.stalenessMilliseconds, undefined, "what the leader had then is not here");
    rig.passes = passes;
    await rig.until(() => follower.stalenessMilliseconds !== undefined, "the bound");
    assert.equal(follower.stalenessMilliseconds, rig.time.now - askedAt);
    // A machine that was suspended: its monotonic clock stood still.
    rig.node(2).skew = 5000;
    assert.equal(follower.stalenessMilliseconds, rig.time.now - askedAt + 5000);
    rig.node(2).skew = -5000;
    assert.equal(follower.stalenessMilliseconds, rig.time.now - askedAt);
    await rig.close();
  });

  it("rule 15: is not proven by the index alone: another log that has come so far has not all that its leader had answered", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    await rig.ticks(10);
    rig.passes = ({ type }) => type !== "append";
    const since = rig.time.now;
    await rig.ticks(1);
    const lost = await rig.write(1, "fast", put("a", "1"));
    for (const id of [2, 3]) rig.replica(id).refreshStaleness();
    const confirmed = (): number => rig.sent.filter(({ type }) => type === "read_confirmed").length;
    await rig.until(() => confirmed() === 2, "the confirmations");
    await rig.rest();
    rig.isolate(1);
    rig.passes = () => true;
    await rig.until(() => rig.leader === 2 || rig.leader === 3, "another leader");
    const other = rig.leader as number; // what was waited for
    const follower = rig.replica(5 - other);
    for (let at = 0; at < 3; at++) await rig.write(other, "strong", put("b", String(at)));
    await rig.level();
    assert.ok(follower.appliedIndex > lost.version.index && (await rig.node(5 - other).read("a")) === undefined);
    const staleness = follower.stalenessMilliseconds;
    assert.ok(staleness === undefined || staleness >= rig.time.now - since, `${staleness} ms`);
    await rig.close();
  });

  it("rule 15: does not shrink by a leader that no quorum confirms", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const since = rig.time.now;
    await rig.ticks(20);
    lead.refreshStaleness();
    await rig.ticks(100);
    assert.ok((lead.stalenessMilliseconds ?? Infinity) >= rig.time.now - since);
    await rig.close();
  });

  it("rule 15: a leader goes by the rounds that a quorum has answered, asked or not", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    await rig.ticks(1000);
    const few = lead.stalenessMilliseconds ?? Infinity;
    const { passes } = rig;
    rig.passes = (message) => message.type !== "append";
    await rig.write(1, "fast", put("a", "1"));
    const notHere = rig.time.now;
    await rig.ticks(50);
    // Rounds are answered, and not all that the log had then is applied.
    assert.ok((lead.stalenessMilliseconds ?? 0) >= rig.time.now - notHere);
    rig.passes = passes;
    await rig.ticks(100);
    assert.ok((lead.stalenessMilliseconds ?? Infinity) <= 2 * few, "as fresh as before");
    const isolated = rig.time.now;
    rig.isolate(1);
    await rig.ticks(100);
    assert.ok((lead.stalenessMilliseconds ?? 0) >= rig.time.now - isolated);
    assert.ok(few < isolated / 20, `${few} ms after ${isolated} of idleness`);
    await rig.close();
  });

  it("rule 16: a fast read waits for what clients of its node were answered, for a moment", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.passes = (message) => message.to !== 2 || message.type !== "append";
    const done = await rig.write(1, "strong", put("a", "1"));
    const follower = rig.replica(2);
    assert.equal(await rig.node(2).read("a"), undefined);
    follower.noteAnswered(done.version);
    const began = rig.time.now;
    assert.equal(await rig.answer(follower.readOwn(utf8("a"))), "behind");
    assert.ok(rig.time.now - began >= 50 && rig.time.now - began <= 70);
    const read = follower.readOwn(utf8("a"));
    rig.passes = () => true;
    follower.connectionLost(replicaId(3));
    rig.replica(1).connectionLost(replicaId(2));
    const record = await rig.answer(read);
    if (record !== "behind") assert.equal(record === undefined ? undefined : utf8Text(record.payload.subarray(1)), "1");
    await rig.level();
    const now = await follower.readOwn(utf8("a"));
    assert.ok(now !== undefined && now !== "behind");
    await rig.close();
  });

  it("rule 16: a fast read does not wait for what a log lost, however long that log was", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    for (let at = 0; at < 50; at++) accepted(rig.replica(1).propose("strong", () => put("s", "1")));
    const mine = await rig.write(1, "fast", put("mine", "1"));
    rig.replica(1).noteAnswered(mine.version);
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    await rig.level();
    assert.ok(rig.replica(1).appliedIndex < mine.version.index);
    const own = await rig.answer(rig.replica(1).readOwn(utf8("mine")));
    assert.ok(own !== undefined && own !== "behind");
    // An answer of this term counts, though its index is less.
    rig.passes = ({ to, type }) => to !== 1 || type !== "append";
    const later = await rig.write(rig.leader as number, "strong", put("mine", "2"));
    rig.replica(1).noteAnswered(later.version);
    rig.replica(1).noteAnswered(mine.version);
    assert.equal(await rig.answer(rig.replica(1).readOwn(utf8("mine"))), "behind");
    await rig.close();
  });
});

describe("requests with an id", () => {
  it("rule 17: take effect once, and every try is told the same", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const at = lead.state.last.stamp;
    const add = asked(put("n", "", { action: action.increment, body: utf8("5") }), "one", at);
    const first = await rig.write(1, "strong", add);
    const second = await rig.write(1, "strong", add);
    assert.ok(first.kind === "done" && second.kind === "done");
    assert.deepEqual(second.answer, first.answer);
    await rig.elect(2);
    const third = await rig.write(2, "strong", add);
    assert.ok(third.kind === "done");
    assert.deepEqual(third.answer, first.answer);
    assert.equal(await rig.node(2).read("n"), "5");
    await rig.close();
  });

  it("rule 17: of fast writes count as known before they are committed, and when they are applied", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const write = asked(put("a", "1"), "one", lead.state.last.stamp);
    rig.passes = (message) => message.type !== "append_accepted";
    const first = await rig.write(1, "fast", write);
    const { last } = lead.status;
    const second = await rig.write(1, "fast", write);
    assert.deepEqual([second.version, lead.status.last], [first.version, last]);
    rig.passes = () => true;
    await rig.level();
    const third = await rig.write(1, "fast", write);
    assert.ok(third.kind === "done");
    assert.deepEqual(third.version, first.version);
    await rig.close();
  });

  it("rule 17: are refused when the table is full, and nothing is forgotten early", async () => {
    const rig = await Rig.open({ replica: { answersMax: 2 } });
    const lead = await rig.elect(1);
    const at = lead.state.last.stamp;
    const make = (id: string) => asked(put(id, "1"), id, at);
    accepted(lead.propose("strong", () => make("one")));
    await rig.write(1, "strong", make("two"));
    assert.equal(why(rig, 1, "strong", make("three")), "answers_full");
    assert.equal(why(rig, 1, "strong", make("one")), "accepted");
    assert.equal(why(rig, 1, "strong", put("a", "1")), "accepted");
    await rig.close();
  });

  it("rule 17: so old that their answer may be forgotten have no effect, and are not acknowledged", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const write = asked(put("a", "1"), "old", stamp(lead.state.last.stamp - 11 * 60_000 * 1024));
    const strong = await rig.write(1, "strong", write);
    assert.ok(strong.kind === "refused" && strong.answer.kind === "refused");
    assert.equal(strong.answer.why, "request_too_old");
    assert.equal(why(rig, 1, "fast", write), "request_too_old");
    assert.equal(await rig.node(1).read("a"), undefined);
    await rig.close();
  });

  it("rule 17: take effect once whatever the coordinator's clock, and are refused when it is far ahead", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    const wallAt = (later: number) => stampOfMilliseconds(1_700_000_000_000 + rig.time.now + later);
    for (const ahead of [-60_000, 0, 5000, 59_000]) {
      const key = `n${ahead}`;
      const add = asked(put(key, "", { action: action.increment, body: utf8("5") }), key, wallAt(ahead));
      await rig.write(1, "strong", add);
      // For as long as it is not refused, it is remembered.
      let isRefused = false;
      for (let minutes = 0; minutes < 14; minutes++) {
        const again = await rig.write(1, "strong", add);
        isRefused ||= again.kind === "refused";
        assert.equal(await rig.node(1).read(key), "5", `${ahead} ms ahead, after ${minutes} minutes`);
        rig.time.now += minutes === 9 ? 60_500 : 60_000;
        await rig.write(1, "strong", put("other", "moves the log on"));
      }
      assert.ok(isRefused, "not for ever");
    }
    const late = asked(put("late", "1"), "late", wallAt(70_000));
    for (const mode of ["fast", "strong"] as const) assert.equal(why(rig, 1, mode, late), "request_too_new");
    rig.time.now += 15_000;
    await rig.ticks(1);
    assert.equal(lead.status.role, "leader");
    await rig.write(1, "strong", late);
    assert.equal(await rig.node(1).read("late"), "1");
    await rig.close();
  });

  it("rule 17: are recorded by the merge that comes behind something newer, too", async () => {
    const rig = await Rig.open();
    let at = stamp(0);
    const leader = await cutOff(rig, async () => {
      at = rig.replica(1).state.last.stamp;
      await rig.write(1, "fast", asked(put("a", "one"), "id", at));
    });
    await rig.write(leader, "strong", put("a", "newer"));
    await backAgain(rig);
    const again = await rig.write(leader, "strong", asked(put("a", "one"), "id", at));
    assert.equal(again.kind, "done");
    assert.equal(await rig.node(leader).read("a"), "newer");
    await rig.close();
  });

  it("rule 17: are recorded by the merge that brings a lost one back", async () => {
    const rig = await Rig.open();
    let at = stamp(0);
    const leader = await cutOff(rig, async () => {
      at = rig.replica(1).state.last.stamp;
      await rig.write(1, "fast", asked(put("a", "one"), "id", at));
    });
    await backAgain(rig);
    await rig.write(leader, "strong", put("a", "newer"));
    const again = await rig.write(leader, "strong", asked(put("a", "one"), "id", at));
    assert.equal(again.kind, "done");
    assert.equal(await rig.node(leader).read("a"), "newer");
    await rig.close();
  });
});
