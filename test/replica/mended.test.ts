// What a replica says and does where two things meet: an install and a question, a seal that is repeated, a load with one key
// twice, a process that stands still within a turn, messages and a full disk.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { term } from "../../internal/base/ids.ts";
import { stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { outboxMessagesMax } from "../../internal/raft/state.ts";
import { conditionKind } from "../../internal/replica/command.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { accepted, foreign, put, Rig } from "./rig.ts";

const tiny = {
  log: { segmentBytes: 4096, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 40_000, flushWantedBytes: 8192 },
  replica: { entriesKept: 5, awayMilliseconds: 100, chunkBytes: 4000, snapshotTableBytes: 15_000 },
};

describe("slots that move", () => {
  const slots = [slotOf(utf8("moving"), 0, 6)];

  it("rule 25: a seal that is repeated after it was complete takes no salvaged writes again", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const lost = await rig.write(1, "fast", put("moving", "only here"));
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
    const leader = rig.leader as number; // what was waited for
    const lead = await rig.elect(leader);
    for (const mode of ["seal", "close", "seal"] as const) {
      await rig.answer(accepted(lead.proposeSlots({ mode, above: term(0), slots })).outcome);
    }
    rig.rejoin(1);
    await rig.until(() => lead.isWithAll(lead.state.last.index), "its fate");
    assert.equal(await lead.receiptOf(lost.version), "lost");
    assert.equal(await rig.node(leader).read("moving"), undefined);
    await rig.close();
  });

  it("rule 25: of one key that a load brings twice the larger version wins, in whatever order they stand", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const both = [...slots, slotOf(utf8("gone"))];
    const seal = accepted(lead.proposeSlots({ mode: "seal", above: term(0), slots: both }));
    await rig.answer(seal.outcome);
    const larger = foreign([9, 5], "moving", "larger");
    const smaller = foreign([9, 4], "moving", "smaller");
    const gone = foreign([9, 6], "gone", undefined);
    const older = foreign([9, 3], "gone", "older");
    const writes = [larger, smaller, larger, gone, older];
    await rig.answer(accepted(lead.proposeLoad({ since: seal.version.index, writes })).outcome);
    await rig.level();
    for (const id of [1, 2, 3]) {
      assert.equal(await rig.node(id).read("moving"), "larger");
      assert.equal(await rig.node(id).read("gone"), undefined);
    }
    await rig.close();
  });
});

describe("a question", () => {
  it("rule 13: about a write waits for a snapshot that is being taken in, and is answered out of it", async () => {
    const rig = await Rig.open(tiny);
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    const rejected = await rig.write(1, "strong", put("a", "2", { condition: conditionKind.absent }));
    await rig.level();
    assert.equal(await rig.replica(3).receiptOf(rejected.version), "rejected");
    await rig.answer(rig.node(3).engine?.flush() ?? Promise.resolve());
    rig.isolate(3);
    await rig.ticks(20);
    for (let at = 0; at < 40; at++) await rig.write(1, "strong", put(`key ${at}`, "x".repeat(80)));
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    await rig.write(1, "strong", put("last", "1"));
    const { engine } = rig.node(3);
    assert.ok(engine !== undefined);
    const ingest = engine.ingest.bind(engine);
    const asked: Promise<unknown>[] = [];
    engine.ingest = async (...how) => {
      await ingest(...how);
      await engine.compactRange(rig.replica(3).incarnation);
      asked.push(rig.replica(3).receiptOf(rejected.version), rig.replica(3).positionOf(rejected.version));
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    };
    rig.rejoin(3);
    await rig.level();
    assert.deepEqual(await Promise.all(asked), ["rejected", { kind: "here", version: rejected.version }]);
    await rig.close();
  });
});

describe("a process that stood still", () => {
  it("rule 1: stamps what comes in later in the same turn by the clock of then", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const first = accepted(lead.propose("fast", () => put("a", "1")));
    rig.node(1).skew = 5000;
    const second = accepted(lead.propose("fast", () => put("a", "2")));
    const [before, after] = [await rig.answer(first.outcome), await rig.answer(second.outcome)];
    assert.ok(before.kind === "done" && after.kind === "done");
    assert.ok(after.stamp - before.stamp > stampOfMilliseconds(4990));
    await rig.close();
  });
});

describe("a write that its leader discards before it gets to the log", () => {
  for (const consistency of ["fast", "strong"] as const) {
    it(`is told so, and the entry that takes its place ends nobody (${consistency})`, async () => {
      const rig = await Rig.open();
      const lead = await rig.elect(1);
      await rig.level();
      const { log } = rig.node(1);
      assert.ok(log !== undefined);
      let makeRoom = (): void => undefined;
      Object.defineProperty(log, "hasRoom", { get: () => false, configurable: true });
      log.whenRoom = () => new Promise<void>((resolve) => (makeRoom = resolve));
      const { outcome } = accepted(lead.propose(consistency, () => put("a", "1")));
      // It says nothing any more, so another one leads, and its first entry comes in place of the write.
      await rig.until(() => rig.leader !== 1, "another leader");
      await rig.until(() => lead.status.role === "follower", "what it says");
      await rig.ticks(20);
      Reflect.deleteProperty(log, "hasRoom");
      Reflect.deleteProperty(log, "whenRoom");
      makeRoom();
      const told = await rig.answer(outcome);
      assert.equal(told.kind, consistency === "fast" ? "unknown" : "overridden");
      await rig.level();
      assert.deepEqual(rig.node(1).failures, []);
      assert.equal(await rig.node(1).read("a"), undefined);
      await rig.close();
    });
  }
});

describe("a replica whose log has no room", () => {
  it("keeps no more than so many messages for the time when it has", async () => {
    const rig = await Rig.open({ log: { batchBytesMax: 4096, segmentBytes: 16_384 } });
    rig.node(3).crash("all");
    const faults = new FaultDisk(rig.node(3).disk);
    rig.node(3).see = () => faults;
    await rig.node(3).start();
    await rig.elect(1);
    await rig.level();
    const space = faults.limitSpace(0);
    for (let count = 0; count < 40; count++) await rig.write(1, "strong", put(`k${count}`, "x".repeat(2000)));
    const isAnswer = ({ from, type }: ReplicaMessage): boolean => from === 3 && type === "heartbeat_answer";
    const before = rig.sent.length;
    await rig.ticks(20);
    const beat = rig.sent.findLast(({ to, type }) => to === 3 && type === "heartbeat");
    assert.ok(beat !== undefined);
    for (let count = 0; count < 2 * outboxMessagesMax; count++) rig.replica(3).receive(beat);
    await rig.rest();
    assert.ok(!rig.sent.slice(before).some(isAnswer), "it is held");
    space.limit(1e9);
    await rig.ticks(100);
    const said = rig.sent.slice(before).filter(isAnswer).length;
    assert.ok(said >= outboxMessagesMax && said < outboxMessagesMax + 100, `${said} answers were kept`);
    await rig.level();
    assert.deepEqual(rig.node(3).failures, []);
    await rig.close();
  });
});
