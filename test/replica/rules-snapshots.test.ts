// Rule 23: snapshots that bring up a replica whose next entry is gone from the log.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { replicaId, term } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { ReplicaCore } from "../../internal/replica/replica-core.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { fill, flush, leaveBehind, stateOf, tiny } from "./left-behind.ts";
import { accepted, del, put, Rig, theGroup } from "./rig.ts";

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
    await flush(rig, 1, 2);
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
    await flush(rig, 1, 2);
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
    await flush(rig, 1, 2);
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
    await flush(rig, 1, 2);
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

  /** While node 3 gets a snapshot slowly, and then no entries until `appends` is called, writers go on as far as they may. */
  async function catchUpSlowly(rig: Rig) {
    await leaveBehind(rig);
    let last = 0;
    rig.passes = ({ type, to }) => {
      if (to !== 3 || (type !== "chunk" && type !== "append")) return true;
      if (type === "append" || rig.time.now - last < 100) return false;
      last = rig.time.now;
      return true;
    };
    rig.rejoin(3);
    let at = 100;
    const goOn = async (): Promise<void> => {
      for (let left = 5; left > 0; left--) {
        const command = put(`key ${++at}`, "x".repeat(80));
        const proposed = rig.replica(rig.leader ?? 1).propose("strong", () => command);
        if (proposed.kind === "accepted") await rig.answer(proposed.outcome);
        else assert.equal(proposed.why, "busy");
      }
      await flush(rig, 1, 2);
      await rig.ticks(20);
    };
    while (rig.replica(3).numbers.installed === 0) await goOn();
    const appends = (): void => {
      rig.passes = () => true;
    };
    return { goOn, appends };
  }

  async function isEnough(logBytesMax: number): Promise<void> {
    const rig = await Rig.open({ ...tiny, log: { ...tiny.log, logBytesMax } });
    const { goOn, appends } = await catchUpSlowly(rig);
    for (let round = 0; round < 10; round++) await goOn();
    appends();
    await rig.level();
    assert.equal(rig.replica(3).numbers.installed, 1);
    assert.equal(stateOf(rig.replica(3)), stateOf(rig.replica(1)));
    // What was kept for it goes.
    await rig.ticks(600);
    await goOn();
    await rig.ticks(100);
    const { base } = rig.node(1).log?.group(theGroup) ?? {};
    assert.ok((base?.index ?? 0) > rig.replica(1).appliedIndex - 20, `a log from ${base?.index} on`);
    await rig.close();
  }

  it("rule 23: is enough, though writes go on and who took it in takes his time", () => isEnough(1_000_000));

  it("rule 23: is enough, though writes go on, who took it in takes his time, and the log is beyond its bound", () =>
    isEnough(16_384));

  it("rule 23: is enough though its sender goes as it arrives, and the others hear no more of it", async () => {
    const large = { ...tiny.log, logBytesMax: 1_000_000 };
    const rig = await Rig.open({ log: large, replica: { ...tiny.replica, keepLogMilliseconds: 1000 } });
    const { appends } = await catchUpSlowly(rig);
    rig.isolate(1);
    await rig.until(() => rig.leader === 2, "another leader");
    await rig.ticks(300);
    appends();
    await rig.level();
    assert.equal(rig.replica(3).numbers.installed, 1);
    await rig.close();
  });

  it("rule 23: is let go of when who got it has caught up, though a chunk is being read", async () => {
    const rig = await Rig.open({ ...tiny, log: { ...tiny.log, logBytesMax: 1_000_000 } });
    await leaveBehind(rig);
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    const iterate = engine.iterate.bind(engine);
    let isRead = (): void => undefined;
    const waited = new Promise<void>((resolve) => (isRead = resolve));
    let request: ReplicaMessage | undefined;
    let isDoubled = false;
    rig.passes = (message) => {
      if (message.type === "chunk_request") request = message;
      if (message.type !== "chunk" || !message.isLast || isDoubled) return true;
      isDoubled = true;
      const doubled = request;
      assert.ok(doubled !== undefined);
      engine.iterate = (...given) => {
        Reflect.deleteProperty(engine, "iterate");
        const walk = iterate(...given);
        const next = walk.nextLoaded.bind(walk);
        walk.nextLoaded = async () => {
          await waited;
          return next();
        };
        return walk;
      };
      setImmediate(() => rig.replica(1).receive(doubled));
      return true;
    };
    rig.rejoin(3);
    await rig.level();
    await rig.ticks(200);
    assert.ok(isDoubled && rig.replica(1).snapshotsUnderWay.sending === 1);
    isRead();
    await rig.ticks(1);
    assert.equal(rig.replica(1).snapshotsUnderWay.sending, 0);
    await rig.close();
  });

  it("rule 8: does not swallow what is discarded in the turn in which the last of it comes", async () => {
    const rig = await Rig.open(tiny);
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const lost = await rig.write(1, "fast", put("lost", "1"));
    await rig.until(() => rig.leader === 2 || rig.leader === 3, "another leader");
    await rig.elect(2);
    await fill(rig, 2, 40);
    await flush(rig, 2, 3);
    await rig.ticks(60);
    await fill(rig, 2, 2, 40);
    await flush(rig, 2, 3);
    await rig.ticks(60);
    const { term } = rig.replica(2).status;
    const append = rig.sent.find(
      (message) =>
        message.type === "append" && message.term === term && message.entries[0]?.index === lost.version.index,
    );
    assert.ok(append?.type === "append");
    const core = Reflect.get(rig.replica(1), "core") as ReplicaCore;
    const install = core.install.bind(core);
    let isDiscarded = false;
    core.install = (snapshot) => {
      if (!isDiscarded) core.receive({ ...append, to: replicaId(1), commit: lost.version.index });
      isDiscarded = true;
      return install(snapshot);
    };
    rig.rejoin(1);
    await rig.level();
    assert.ok(isDiscarded && rig.replica(1).numbers.installed === 1, "a snapshot taken in");
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    assert.equal(await rig.replica(2).receiptOf(lost.version), "salvaged");
    assert.equal(await rig.node(2).read("lost"), "1");
    await rig.close();
  });
});
