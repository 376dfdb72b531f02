// Rules 1 to 6: stamps, the watermark, merges, garbage and expiry, on real logs and engines.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { replicaId } from "../../internal/base/ids.ts";
import { neverExpires, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import { action, expiryMode } from "../../internal/replica/command.ts";
import { accepted, del, put, putUntil, Rig } from "./rig.ts";

const none = new Uint8Array(0);

const wallAt = (rig: Rig, milliseconds: number): Stamp =>
  stampOfMilliseconds(1_700_000_000_000 + rig.time.now + milliseconds);

/** Node 1 leads, is cut off, and another one leads; what node 1 takes meanwhile only it has. */
async function cutOff(rig: Rig, meanwhile: () => Promise<unknown>): Promise<number> {
  await rig.elect(1);
  rig.isolate(1);
  await meanwhile();
  await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
  const leader = rig.leader as number;
  await rig.elect(leader);
  return leader;
}

describe("stamps", () => {
  it("rule 1: grow along the log though the next leader's clock is behind", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const before = await rig.write(1, "strong", put("a", "1"));
    rig.node(2).skew = -3000;
    await rig.elect(2);
    const after = await rig.write(2, "strong", put("a", "2"));
    assert.ok(before.kind === "done" && after.kind === "done" && after.stamp > before.stamp);
    await rig.close();
  });

  it("rule 1: of a clock that jumped are refused, and its leader steps down, until an operator vouches for them", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    rig.node(1).skew = 60_000;
    const write = accepted(lead.propose("strong", () => put("a", "1")));
    await rig.until(() => lead.status.role !== "leader", "a step down");
    await rig.until(() => rig.leader !== undefined, "another leader");
    assert.equal((await rig.answer(write.outcome)).kind, "overridden");
    assert.equal(await rig.node(rig.leader as number).read("a"), undefined);
    for (const id of [1, 2, 3]) rig.replica(id).trustStamps(true);
    await rig.elect(1);
    assert.equal((await rig.write(1, "strong", put("a", "2"))).kind, "done");
    await rig.close();
  });
});

describe("the watermark", () => {
  it("rule 2: rises to a moment ago in health, and stays while a voter is away, for the salvage window", async () => {
    const rig = await Rig.open({ replica: { salvageWindowMilliseconds: 4000, idleTickMilliseconds: 1000 } });
    const lead = await rig.elect(1);
    const first = await rig.write(1, "strong", put("a", "1"));
    assert.ok(first.kind === "done");
    await rig.until(() => lead.state.watermark >= first.stamp, "a watermark behind the write");
    rig.isolate(3);
    const second = await rig.write(1, "strong", put("a", "2"));
    assert.ok(second.kind === "done");
    await rig.ticks(250);
    assert.ok(lead.state.watermark < second.stamp, "it waits for the one that is away");
    await rig.until(() => lead.state.watermark >= second.stamp, "the end of the window", 600);
    await rig.close();
  });

  it("rule 2: stays while a replica keeps salvage, from the very acknowledgement of what discarded it", async () => {
    const rig = await Rig.open();
    const leader = await cutOff(rig, () => rig.write(1, "fast", put("a", "only here")));
    // Its salvage does not get through, all else does.
    rig.passes = (message) => message.type !== "salvage";
    rig.rejoin(1);
    const lead = rig.replica(leader);
    const { watermark } = lead.state;
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    const acks = rig.sent.filter(({ type, from }) => type === "append_accepted" && from === 1);
    const index = rig.replica(1).status.last;
    const truncating = acks.findIndex((ack) => ack.type === "append_accepted" && ack.index >= index);
    assert.ok(acks.slice(truncating).every((ack) => ack.type !== "append_accepted" || ack.hasSalvage));
    await rig.write(leader, "strong", put("b", "2"));
    await rig.ticks(300);
    assert.equal(lead.state.watermark, watermark);
    rig.passes = () => true;
    await rig.until(() => lead.state.watermark > watermark, "a higher watermark");
    await rig.close();
  });

  it("rule 2: only grows, whoever leads", async () => {
    const rig = await Rig.open();
    let watermark = 0;
    for (const id of [1, 2, 3, 1]) {
      const lead = await rig.elect(id);
      assert.ok(lead.state.watermark >= watermark);
      const done = await rig.write(id, "strong", put("a", String(id)));
      assert.ok(done.kind === "done");
      await rig.until(() => lead.state.watermark >= done.stamp, "a watermark behind the write");
      ({ watermark } = lead.state);
    }
    await rig.close();
  });
});

describe("a merge", () => {
  it("rule 3: from before the watermark is refused into the lost-and-found", async () => {
    const rig = await Rig.open({ replica: { salvageWindowMilliseconds: 2000 } });
    let version = { term: 0, index: 0 } as Awaited<ReturnType<Rig["write"]>>["version"];
    const leader = await cutOff(rig, async () => {
      ({ version } = await rig.write(1, "fast", put("a", "too late")));
    });
    const lead = rig.replica(leader);
    await rig.write(leader, "strong", put("a", "1"));
    const gone = await rig.write(leader, "strong", del("a"));
    assert.ok(gone.kind === "done");
    await rig.until(() => lead.state.watermark >= gone.stamp, "the window's end");
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).status.leader === leader, "its return");
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    assert.equal(await lead.receiptOf(version), "lost");
    assert.equal(await rig.node(leader).read("a"), undefined);
    await rig.close();
  });

  it("rule 3: that wins has its own version, and the merge's stamp for garbage collection", async () => {
    const rig = await Rig.open();
    let version = { term: 0, index: 0 } as Awaited<ReturnType<Rig["write"]>>["version"];
    const leader = await cutOff(rig, async () => {
      ({ version } = await rig.write(1, "fast", put("a", "salvaged")));
    });
    const later = await rig.write(leader, "strong", put("b", "1"));
    assert.ok(later.kind === "done");
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    const record = await rig.replica(leader).readFast(utf8("a"));
    assert.ok(record !== undefined && record.stamp > later.stamp);
    assert.deepEqual([record.term, record.index], [version.term, version.index]);
    await rig.close();
  });
});

describe("garbage", () => {
  it("rule 4: goes behind the watermark of the last flush, never by what memory knows", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    const gone = await rig.write(1, "strong", del("a"));
    assert.ok(gone.kind === "done");
    await rig.until(() => lead.state.watermark >= gone.stamp, "the watermark");
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    assert.equal(engine.horizonOf(lead.incarnation)?.watermark, undefined);
    await rig.answer(engine.flush());
    const horizon = engine.horizonOf(lead.incarnation);
    assert.equal(horizon?.watermark, lead.state.watermark);
    assert.equal(horizon.expiryHorizon, lead.state.watermark);
    await rig.close();
  });

  it("rule 4: has an idle group put a stamp into its log, once a minute and no more often", async () => {
    const rig = await Rig.open({ replica: { idleTickMilliseconds: 2000, houseKeepingMilliseconds: 100 } });
    const lead = await rig.elect(1);
    const done = await rig.write(1, "strong", del("a"));
    assert.ok(done.kind === "done");
    await rig.until(() => lead.state.watermark >= done.stamp, "the watermark");
    const { last } = lead.status;
    await rig.ticks(1000);
    const ticks = lead.status.last - last;
    assert.ok(ticks >= 3 && ticks <= 5, `${ticks} entries in 10 s`);
    await rig.close();
  });
});

describe("expiry", () => {
  it("rule 5: once a strong read has seen a record expired, nobody sees it again, however slow the next leader's clock is", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    rig.node(1).skew = 400;
    const expiresAt = wallAt(rig, 1000);
    await rig.write(1, "strong", putUntil("a", "1", expiresAt));
    await rig.level();
    await rig.ticks(65);
    const seen = await rig.answer(rig.replica(1).readStrong(utf8("a")));
    assert.equal(seen.kind, "absent");
    // By its own clock it were still there.
    assert.ok(wallAt(rig, 0) < expiresAt);
    await rig.elect(2);
    const again = await rig.answer(rig.replica(2).readStrong(utf8("a")));
    assert.equal(again.kind, "absent");
    const made = put("a", "kept?", { expiry: 2 });
    await rig.write(2, "strong", made);
    const record = await rig.replica(2).readFast(utf8("a"));
    assert.equal(record?.expiry, neverExpires, "an expiry is not kept of what is gone");
    await rig.close();
  });

  it("rule 5: an expired record is answered for only when the log says so, and asking for that is repeated", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", putUntil("a", "1", wallAt(rig, 3000)));
    await rig.level();
    await rig.ticks(310);
    rig.passes = (message) => message.type !== "tick_wanted";
    let answer: string | undefined;
    const read = rig.replica(2).readStrong(utf8("a"));
    void read.then(({ kind }) => {
      answer = kind;
    });
    await rig.ticks(30);
    assert.equal(answer, undefined);
    rig.passes = () => true;
    await rig.until(() => answer !== undefined, "the answer", 200);
    assert.equal(answer, "absent");
    await rig.close();
  });

  it("rule 5: a strong read that waits for a tick sees what the next leader, whose clock is behind, found alive meanwhile", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.node(1).skew = 400;
    await rig.write(1, "strong", putUntil("a", "1", wallAt(rig, 1000)));
    await rig.level();
    await rig.ticks(65);
    // The tick is lost with its leader.
    rig.passes = ({ type }) => type !== "tick_wanted";
    let isAnswered = false;
    const read = rig.replica(3).readStrong(utf8("a"));
    void read.finally(() => {
      isAnswered = true;
    });
    await rig.rest();
    rig.replica(1).transfer(replicaId(2));
    const { replica } = rig.node(2);
    await rig.until(() => rig.leader === 2 && replica?.state.last.term === replica?.status.term, "the next leader");
    const touch = put("a", "", {
      action: action.touch,
      expiry: expiryMode.at,
      expiresAt: wallAt(rig, 60_000),
      body: none,
    });
    const touched = await rig.write(2, "strong", touch);
    assert.deepEqual([touched.kind, isAnswered], ["done", false]);
    rig.passes = () => true;
    const [first, second] = [await rig.answer(read), await rig.answer(rig.replica(3).readStrong(utf8("a")))];
    assert.deepEqual([first.kind, second.kind], ["record", "record"]);
    await rig.close();
  });

  it("rule 6: is no entry of the log: nothing is applied when a record's time is over", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", putUntil("a", "1", wallAt(rig, 3000)));
    await rig.ticks(200);
    const { last } = lead.status;
    await rig.ticks(200);
    assert.equal(lead.status.last, last);
    assert.equal(lead.readNow(utf8("a")), "absent");
    assert.equal(lead.readNow(utf8("a"), wallAt(rig, -2000)) === "absent", false, "the record is still what it was");
    await rig.close();
  });

  it("rule 5: is counted from the stamp that the leader gave, though another one leads when it ends", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const expiresAt = wallAt(rig, 2000);
    await rig.write(1, "strong", putUntil("a", "1", expiresAt));
    await rig.elect(3);
    await rig.level();
    for (const id of [1, 2, 3]) {
      const record = await rig.replica(id).readFast(utf8("a"));
      assert.equal(record?.expiry, expiresAt);
    }
    assert.equal(rig.replica(3).transfer(replicaId(9)) === undefined, false);
    await rig.close();
  });

  it("rule 5: a process that stood still goes by the clock of now when it reads fast, not by that of its last turn", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", putUntil("a", "1", wallAt(rig, 2000)));
    assert.notEqual(await rig.replica(1).readFast(utf8("a")), undefined);
    rig.time.advance(2500);
    assert.equal(await rig.replica(1).readFast(utf8("a")), undefined);
    await rig.close();
  });
});
