// Rules 18 to 25 as far as they are a replica's: what lies in the engine, restarts, snapshots, early elections, moving slots.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { accepted, asked, del, foreign, put, putUntil, Rig, theGroup } from "./rig.ts";

const tiny = {
  log: { segmentBytes: 4096, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 40_000, flushWantedBytes: 8192 },
  replica: {
    entriesKept: 5,
    awayMilliseconds: 100,
    chunkBytes: 400,
    snapshotTableBytes: 1500,
    chunkRetryMilliseconds: 100,
  },
};

/** All that apply reads beside the records, in words. */
function stateOf({ state }: Replica): string {
  const { last, watermark, configuration, boundaries, answered, slots, departures } = state;
  const parts = {
    last,
    watermark,
    configuration,
    boundaries,
    answered: [...answered.keys()],
    slots: slots.known.map((slot) => [slot, ...(slots.encode(slot) ?? [])]),
  };
  return JSON.stringify({ ...parts, departures: [...departures.encode()] });
}

async function fill(rig: Rig, id: number, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await rig.write(id, "strong", put(`key ${String(at).padStart(4, "0")}`, `value ${at} ${"x".repeat(80)}`));
  }
}

/** Node 3 misses so much that the log has not kept it, and everything is flushed. */
async function leaveBehind(rig: Rig): Promise<void> {
  await rig.elect(1);
  await rig.level();
  rig.isolate(3);
  await rig.ticks(20);
  await fill(rig, 1, 40);
  for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
  await rig.ticks(60);
  await fill(rig, 1, 2, 40);
}

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

describe("a snapshot", () => {
  it("rule 23: brings a replica up whose entries are gone, in chunks and tables, and leaves nothing behind", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    rig.rejoin(3);
    await rig.level();
    const chunks = rig.sent.filter(({ type }) => type === "chunk");
    assert.ok(chunks.length >= 5, `${chunks.length} chunks`);
    for (const chunk of chunks) assert.ok(chunk.type !== "chunk" || chunk.bytes.length < 1000, "a bounded chunk");
    assert.ok((await rig.node(3).read("key 0000"))?.startsWith("value 0"));
    await rig.rest();
    assert.deepEqual(await rig.node(3).disk.list("/node/snapshot"), []);
    await rig.close();
  });

  it("rule 23: has every voter keep its log from its index on while it travels", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    // It begins, and comes no further than its first chunks.
    let left = 3;
    rig.passes = ({ type }) => type !== "chunk" || left-- > 0;
    rig.rejoin(3);
    await rig.until(() => left < 0, "a snapshot on its way");
    const offer = rig.sent.findLast(({ type }) => type === "snapshot");
    assert.ok(offer?.type === "snapshot");
    await rig.ticks(60);
    await fill(rig, 1, 30, 100);
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    for (const id of [1, 2]) {
      const base = rig.node(id).log?.group(1 as never).base.index ?? 0;
      assert.ok(base <= offer.index, `node ${id} has its log from ${base} on, the snapshot ends at ${offer.index}`);
    }
    // Its sender is gone: it comes to its end nevertheless, and whoever leads goes on behind it or sends another one.
    rig.passes = () => true;
    await rig.level();
    await rig.close();
  });

  it("rule 23: has it kept from the moment when it is made, before anybody looks after his log", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    const before = rig.sent.length;
    rig.rejoin(3);
    await rig.until(() => rig.sent.slice(before).some(({ type }) => type === "snapshot"), "an offer");
    const told = rig.sent.slice(before).find(({ type, to }) => type === "keep_log" && to === 2);
    const offer = rig.sent.slice(before).find(({ type }) => type === "snapshot");
    assert.ok(told?.type === "keep_log" && offer?.type === "snapshot", "told with the offer");
    assert.equal(told.index, offer.index);
    await rig.level();
    await rig.close();
  });

  it("rule 23: travels at its rate, though records are larger than chunks", async () => {
    const chunkBytes = 1000;
    const snapshotBytesPerSecond = 20_000;
    const slow = { ...tiny.replica, chunkBytes, snapshotBytesPerSecond, chunkRetryMilliseconds: 2000 };
    const rig = await Rig.open({ ...tiny, replica: slow });
    await leaveBehind(rig);
    const large = 10;
    for (let at = 0; at < large; at++) await rig.write(1, "strong", put(`large ${at}`, "x".repeat(10_000)));
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    const chunks: { readonly at: number; readonly bytes: number }[] = [];
    rig.passes = (message) => {
      if (message.type === "chunk") chunks.push({ at: rig.time.now, bytes: message.bytes.length });
      return true;
    };
    rig.rejoin(3);
    await rig.level();
    const [first, last] = [chunks[0], chunks.at(-1)];
    assert.ok(first !== undefined && last !== undefined);
    const bytes = chunks.slice(0, -1).reduce((sum, chunk) => sum + chunk.bytes, 0);
    assert.ok(bytes > large * 10_000, "large ones are in it");
    const milliseconds = last.at - first.at;
    assert.ok(milliseconds >= (1000 * bytes) / snapshotBytesPerSecond - 20, `${bytes} bytes in ${milliseconds} ms`);
    await rig.close();
  });

  it("rule 23: slows the writers when the bound on kept log is reached, but for deletes, and is not given up", async () => {
    const slowed = { ...tiny.replica, slowedBytesPerSecond: 1000 };
    const rig = await Rig.open({ ...tiny, replica: slowed, log: { ...tiny.log, logBytesMax: 16_384 } });
    const lead = await rig.elect(1);
    await leaveBehind(rig);
    let left = 2;
    rig.passes = ({ type }) => type !== "chunk" || left-- > 0;
    rig.rejoin(3);
    await rig.until(() => left < 0, "a snapshot on its way");
    const write = (at: number): string | undefined => {
      const proposed = lead.propose("strong", () => put(`more ${at}`, "y".repeat(200)));
      return proposed.kind === "refused" ? proposed.why : undefined;
    };
    let refused: string | undefined;
    for (let at = 0; at < 300 && refused === undefined; at++) {
      refused = write(at);
      await rig.ticks(2);
    }
    assert.equal(refused, "busy");
    assert.equal(lead.propose("strong", () => del("more 0")).kind, "accepted");
    let taken = 0;
    for (let tick = 0; tick < 500; tick++) {
      if (write(tick) === undefined) taken++;
      await rig.ticks(1);
    }
    assert.ok(taken >= 15 && taken <= 25, `${taken} writes of some 220 bytes in 5 s`);
    rig.passes = () => true;
    await rig.level();
    await rig.until(() => write(0) === undefined && write(1) === undefined, "writes again");
    await rig.close();
  });

  it("rule 23: with which its receiver comes no further is made anew, so that it does not keep the log for ever", async () => {
    const rig = await Rig.open({ ...tiny, replica: { ...tiny.replica, snapshotIdleMilliseconds: 2000 } });
    await leaveBehind(rig);
    rig.rejoin(3);
    // As one that has no room for what it gets: it asks for the same again and again.
    rig.passes = ({ type, to }) => type !== "chunk" || to !== 3;
    const offered = (): Set<number> =>
      new Set(rig.sent.flatMap((message) => (message.type === "snapshot" ? [message.index] : [])));
    let at = 100;
    await rig.until(() => offered().size > 0, "an offer");
    const first = rig.replica(1).status.last;
    for (let round = 0; round < 10; round++) {
      await fill(rig, 1, 5, at);
      at += 5;
      await rig.ticks(100);
    }
    assert.ok(offered().size >= 3, `offers of ${[...offered()].join()}`);
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(400);
    const bases = [1, 2].map((id) => rig.node(id).log?.group(theGroup).base.index ?? 0);
    assert.ok(Math.min(...bases) > first, `logs that begin behind ${bases.join()}, and ${first} was long ago`);
    rig.passes = () => true;
    await rig.level();
    assert.equal(stateOf(rig.replica(3)), stateOf(rig.replica(1)));
    await rig.close();
  });

  it("rule 23: says no more than the engine shows, though apply is ahead and has no room", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    const room = engine.canWrite.bind(engine);
    let isFull = true;
    engine.canWrite = (batch) => !isFull && room(batch);
    const write = accepted(rig.replica(1).propose("strong", () => put("late", "1")));
    await rig.ticks(5);
    rig.rejoin(3);
    await rig.until(() => rig.sent.some(({ type }) => type === "snapshot"), "an offer");
    const offer = rig.sent.find(({ type }) => type === "snapshot");
    assert.ok(offer?.type === "snapshot" && offer.index < write.version.index);
    isFull = false;
    await rig.answer(engine.flush());
    await rig.answer(write.outcome);
    await rig.level();
    assert.equal(await rig.node(3).read("late"), "1");
    await rig.close();
  });

  it("rule 23: is taken up where its stream broke, and not begun again", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    rig.rejoin(3);
    await rig.until(() => rig.sent.filter(({ type }) => type === "chunk").length >= 4, "some chunks");
    rig.isolate(3);
    await rig.ticks(20);
    const asks = rig.sent.length;
    rig.rejoin(3);
    await rig.level();
    const again = rig.sent.slice(asks).filter(({ type }) => type === "chunk_request");
    assert.ok(again.every((request) => request.type !== "chunk_request" || request.after.length > 0));
    await rig.close();
  });

  it("rule 23: that finds the disk full is given up with all that was written of it, and comes again", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    const node = rig.node(3);
    rig.node(3).crash();
    const faults = new FaultDisk(node.disk);
    node.see = () => faults;
    await node.start();
    const rule = {
      calls: ["write"],
      path: /snapshot/,
      when: 3,
      times: 4,
      fault: { kind: "fail", failure: "full" },
    } as const;
    const armed = faults.arm(rule);
    rig.rejoin(3);
    await rig.until(() => armed.struck > 0, "a full disk");
    await rig.level();
    assert.deepEqual(await node.disk.list("/node/snapshot"), []);
    assert.deepEqual(node.failures, []);
    assert.ok((await node.read("key 0000"))?.startsWith("value 0"));
    await rig.close();
  });

  for (const call of ["link", "syncData"] as const) {
    it(`rule 23: that meets a full disk where it is taken in (${call}) changes nothing, and comes again`, async () => {
      const rig = await Rig.open(tiny);
      await leaveBehind(rig);
      const node = rig.node(3);
      rig.node(3).crash();
      const faults = new FaultDisk(node.disk);
      node.see = () => faults;
      await node.start();
      const path = call === "link" ? /snapshot/ : /snapshot.*table/;
      const armed = faults.arm({ calls: [call], path, when: 1, times: 2, fault: { kind: "fail", failure: "full" } });
      const { incarnation } = rig.replica(3);
      rig.rejoin(3);
      await rig.until(() => armed.struck > 0, "a full disk");
      assert.equal(rig.replica(3).incarnation, incarnation);
      await rig.level();
      assert.deepEqual(node.failures, []);
      assert.notEqual(rig.replica(3).incarnation, incarnation);
      await rig.close();
    });
  }

  it("rule 23: in chunks that are none, or of another one, is not believed", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    let bad = 0;
    rig.passes = (message) => {
      if (message.type !== "chunk" || bad >= 6) return true;
      const { from, to, index, term: of, after } = message;
      const bytes = [Uint8Array.of(200), Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 0)][bad++ % 2] as Uint8Array;
      rig.replica(3).receive({ type: "chunk", from, to, index, term: of, after, bytes, isLast: false });
      rig.replica(3).receive({ ...message, index: (index + 1) as typeof index });
      rig.replica(3).receive({ ...message, term: term(of + 1) });
      return false;
    };
    rig.rejoin(3);
    await rig.level();
    assert.equal(bad, 6);
    assert.deepEqual(rig.node(3).failures, []);
    assert.equal(stateOf(rig.replica(3)), stateOf(rig.replica(1)));
    await rig.close();
  });

  it("rule 23: takes no chunk that does not follow what is there", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    let early = 0;
    rig.passes = (message) => {
      if (message.type !== "chunk" || early >= 2) return true;
      early++;
      // As of an earlier try that had come further.
      const after = utf8("\u0001key 9999");
      rig.replica(3).receive({ ...message, after, bytes: new Uint8Array(0), isLast: true });
      return true;
    };
    rig.rejoin(3);
    await rig.level();
    assert.equal(early, 2);
    assert.deepEqual(rig.node(3).failures, []);
    assert.equal(stateOf(rig.replica(3)), stateOf(rig.replica(1)));
    assert.ok(await rig.node(3).read("key 0000"));
    await rig.close();
  });

  it("rule 23: is not sent in the place of another one: who asks for that is refused", async () => {
    const rig = await Rig.open(tiny);
    await leaveBehind(rig);
    const asked = new Set<number>();
    const answers: string[] = [];
    rig.passes = (message) => {
      if (message.type === "chunk_request" && asked.size === 0) {
        const index = (message.index - 1) as typeof message.index;
        asked.add(index);
        rig.replica(message.to).receive({ ...message, index });
      } else if ((message.type === "chunk" || message.type === "chunk_refused") && asked.has(message.index)) {
        answers.push(message.type);
      }
      return true;
    };
    rig.rejoin(3);
    await rig.level();
    assert.deepEqual(answers, ["chunk_refused"]);
    assert.equal(stateOf(rig.replica(3)), stateOf(rig.replica(1)));
    await rig.close();
  });

  it("rule 23: to two at once is made once", async () => {
    const rig = await Rig.open(tiny);
    const lead = await rig.elect(1);
    await rig.add(4).start();
    lead.change({ voters: [1, 2, 3].map(replicaId), learners: [replicaId(4)] });
    await rig.level();
    rig.isolate(3, 4);
    await rig.ticks(20);
    await fill(rig, 1, 40);
    for (const id of [1, 2]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
    await rig.ticks(60);
    await fill(rig, 1, 2, 40);
    rig.rejoin(3, 4);
    await rig.level();
    const offers = rig.sent.filter(({ type }) => type === "snapshot");
    assert.deepEqual(new Set(offers.map(({ to }) => to)), new Set([3, 4]));
    assert.equal(new Set(offers.map((offer) => offer.type === "snapshot" && offer.index)).size, 1);
    await rig.close();
  });

  it("rule 23: from a leader that is deposed meanwhile comes to its end, and the next one goes on behind it", async () => {
    const rig = await Rig.open({ ...tiny, replica: { ...tiny.replica, chunkRetryMilliseconds: 1000 } });
    await leaveBehind(rig);
    let chunks = 0;
    rig.passes = ({ type, from }) => {
      if (type === "chunk" && from === 1) chunks++;
      return type !== "chunk" || chunks <= 3;
    };
    rig.rejoin(3);
    await rig.until(() => chunks > 3, "a snapshot on its way");
    // The next leader would send another one, of more.
    await fill(rig, 1, 2, 100);
    await rig.elect(2);
    const offerOf = (id: number) => rig.sent.find(({ type, from }) => type === "snapshot" && from === id);
    await rig.until(() => offerOf(2) !== undefined, "another offer");
    rig.passes = () => true;
    await rig.level();
    const [first, second] = [offerOf(1), offerOf(2)];
    assert.ok(first?.type === "snapshot" && second?.type === "snapshot" && second.index > first.index);
    const taken = rig.sent.flatMap((message) => (message.type === "chunk" ? [message] : []));
    for (const { index } of taken) assert.equal(index, first.index, "one snapshot was enough");
    for (const { from } of taken) assert.equal(from, 1);
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
