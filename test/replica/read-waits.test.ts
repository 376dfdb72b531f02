// Strong reads that wait: for entries which are never applied, for their leader lost its office and the log went another way; for
// a log, or an engine, that has no room.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { replicaId } from "../../internal/base/ids.ts";
import { stampOfMilliseconds } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { GroupList } from "../../internal/node/group-service.ts";
import { strongPage } from "../../internal/node/pages.ts";
import { action, expiryMode } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { fillLog } from "./full-log.ts";
import { accepted, put, putUntil, Rig } from "./rig.ts";

describe("a strong read that was confirmed", () => {
  for (const reader of [1, 2]) {
    it(`on node ${reader} is answered though what it waits for went with its leader, and nobody writes any more`, async () => {
      const rig = await Rig.open();
      const lead = await rig.elect(1);
      await rig.write(1, "strong", put("a", "1"));
      await rig.level();
      // Only the leader has these; heartbeats pass, so that it confirms the read.
      rig.passes = ({ type }) => type !== "append";
      for (let at = 0; at < 8; at++) accepted(lead.propose("strong", () => put("b", String(at))));
      await rig.rest();
      const read = rig.replica(reader).readStrong(utf8("a"));
      const isConfirmed = (): boolean =>
        reader === 1 ? rig.sent.filter(({ type }) => type === "heartbeat_answer").length > 1 : confirmed();
      const confirmed = (): boolean => rig.sent.some(({ type }) => type === "read_confirmed");
      await rig.until(isConfirmed, "the confirmation");
      await rig.rest();
      rig.isolate(1);
      rig.passes = () => true;
      await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
      if (reader === 1) rig.rejoin(1);
      const answer = await rig.answer(read);
      // Who led knows that nothing is decided for now, and keeps nobody waiting.
      if (reader === 1) assert.deepEqual(answer, { kind: "refused", why: "no_quorum" });
      else assert.equal(answer.kind, "record");
      await rig.close();
    });
  }

  for (const [reader, why] of [
    [1, "no_quorum"],
    [2, "no_leader"],
  ] as const) {
    it(`rule 10: on node ${reader} is refused when it is cut off from all others, for it waits for what nobody decides`, async () => {
      const rig = await Rig.open();
      const lead = await rig.elect(1);
      await rig.write(1, "strong", put("a", "1"));
      await rig.level();
      rig.passes = ({ type }) => type !== "append";
      accepted(lead.propose("strong", () => put("b", "1")));
      await rig.rest();
      const read = rig.replica(reader).readStrong(utf8("a"));
      const answers = (): number => rig.sent.filter(({ type }) => type === "heartbeat_answer").length;
      const before = answers();
      await rig.until(() => answers() > before + 3, "the confirmation");
      await rig.rest();
      rig.isolate(reader);
      assert.deepEqual(await rig.answer(read), { kind: "refused", why });
      await rig.close();
    });
  }
});

describe("a replica whose log has no room", () => {
  it("shows nothing any more of what it answered as a leader, and is none", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "before"));
    await rig.level();
    rig.passes = ({ type }) => type !== "append";
    assert.equal((await rig.write(1, "fast", put("a", "not decided"))).kind, "done");
    assert.equal(await rig.node(1).read("a"), "not decided");
    const makeRoom = fillLog(rig, 1);
    await rig.rest();
    rig.passes = () => true;
    await rig.until(() => lead.status.role !== "leader", "another leader");
    await rig.ticks(5);
    assert.equal(await rig.node(1).read("a"), "before");
    makeRoom();
    await rig.level();
    await rig.close();
  });

  it("refuses strong reads, for it cannot ask", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.level();
    const makeRoom = fillLog(rig, 2);
    await rig.ticks(5);
    assert.deepEqual(await rig.answer(rig.replica(2).readStrong(utf8("a"))), { kind: "refused", why: "busy" });
    makeRoom();
    await rig.ticks(20);
    assert.equal((await rig.answer(rig.replica(2).readStrong(utf8("a")))).kind, "record");
    await rig.close();
  });
});

const wallIn = (rig: Rig, milliseconds: number): Stamp =>
  stampOfMilliseconds(1_700_000_000_000 + rig.time.now + milliseconds);

const touchUntil = (key: string, expiresAt: Stamp): Command =>
  put(key, "", { action: action.touch, expiry: expiryMode.at, expiresAt, body: new Uint8Array(0) });

/** At node 1, whose clock is ahead of those of the next leaders, "a" expires in a second, and 650 ms pass. */
async function soonExpired(rig: Rig): Promise<void> {
  await rig.elect(1);
  await rig.level();
  rig.node(1).skew = 400;
  await rig.write(1, "strong", putUntil("a", "1", wallIn(rig, 1000)));
  await rig.level();
  await rig.ticks(65);
}

describe("a replica that reads its disk", () => {
  it("rule 5: judges what a strong read found by the entries that were seen then, not by those that came while it was loaded", async () => {
    const rig = await Rig.open();
    await soonExpired(rig);
    const { engine } = rig.node(3);
    assert.ok(engine !== undefined);
    const get = engine.get.bind(engine);
    let loaded = (): void => undefined;
    const waited = new Promise<void>((resolve) => (loaded = resolve));
    let isLoading = false;
    // The first look only: what is applied meanwhile looks, too.
    engine.getNow = () => {
      Reflect.deleteProperty(engine, "getNow");
      return "need_io";
    };
    engine.get = async (...given) => {
      Reflect.deleteProperty(engine, "get");
      isLoading = true;
      const found = await get(...given);
      await waited;
      return found;
    };
    rig.passes = ({ type }) => type !== "tick_wanted";
    const read = rig.replica(3).readStrong(utf8("a"));
    await rig.until(() => isLoading, "a record that is being loaded");
    rig.replica(1).transfer(replicaId(2));
    const { replica } = rig.node(2);
    await rig.until(() => rig.leader === 2 && replica?.state.last.term === replica?.status.term, "the next leader");
    assert.equal((await rig.write(2, "strong", touchUntil("a", wallIn(rig, 60_000)))).kind, "done");
    await rig.ticks(50);
    await rig.write(2, "strong", put("z", "1"));
    await rig.level();
    loaded();
    rig.passes = () => true;
    assert.equal((await rig.answer(read)).kind, "record");
    await rig.close();
  });
});

describe("a replica that cannot read its disk", () => {
  const spoilt = () => new TrefoilError("corruption", "a block that cannot be read");

  it("fails the strong read that met it, and answers the others of its turn", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.level();
    const { engine } = rig.node(3);
    assert.ok(engine !== undefined);
    engine.getNow = () => {
      Reflect.deleteProperty(engine, "getNow");
      throw spoilt();
    };
    const reads = Promise.allSettled([0, 1, 2].map(() => rig.replica(3).readStrong(utf8("a"))));
    const [first, ...others] = await rig.answer(reads);
    assert.ok(first?.status === "rejected" && first.reason instanceof TrefoilError);
    for (const other of others) assert.ok(other.status === "fulfilled" && other.value.kind === "record");
    await rig.close();
  });

  it("fails a strong read that looks again", async () => {
    const rig = await Rig.open();
    await soonExpired(rig);
    const { engine } = rig.node(3);
    assert.ok(engine !== undefined);
    const read = rig.replica(3).readStrong(utf8("a"));
    rig.passes = ({ type }) => type !== "tick_wanted";
    await rig.until(() => rig.sent.some(({ type }) => type === "tick_wanted"), "a read that waits for a tick");
    const outcome = Promise.allSettled([read]);
    engine.getNow = () => {
      throw spoilt();
    };
    await rig.ticks(50);
    await rig.write(1, "strong", put("z", "1"));
    const [settled] = await rig.answer(outcome);
    assert.ok(settled.status === "rejected" && settled.reason instanceof TrefoilError);
    await rig.close();
  });
});

describe("a replica whose engine has no room", () => {
  /** What is applied goes into no engine until the returned function is called. */
  function full(rig: Rig, id: number): () => Promise<void> {
    const { engine } = rig.node(id);
    assert.ok(engine !== undefined);
    engine.canWrite = () => false;
    return async () => {
      Reflect.deleteProperty(engine, "canWrite");
      await rig.answer(engine.flush());
    };
  }

  it("rule 5: judges what a strong read found by the entries that are seen, not by those that it has only looked at", async () => {
    const rig = await Rig.open();
    await soonExpired(rig);
    rig.passes = ({ type }) => type !== "tick_wanted";
    const read = rig.replica(3).readStrong(utf8("a"));
    await rig.rest();
    rig.replica(1).transfer(replicaId(2));
    const { replica } = rig.node(2);
    await rig.until(() => rig.leader === 2 && replica?.state.last.term === replica?.status.term, "the next leader");
    await rig.until(() => rig.replica(3).state.last.term === replica?.status.term, "its no-op at 3");
    rig.passes = ({ type, to }) => type !== "tick_wanted" && !(type === "append" && to === 3);
    assert.equal((await rig.write(2, "strong", touchUntil("a", wallIn(rig, 60_000)))).kind, "done");
    await rig.ticks(50);
    await rig.write(2, "strong", put("z", "1"));
    const makeRoom = full(rig, 3);
    rig.passes = ({ type }) => type !== "tick_wanted";
    await rig.until(() => rig.replica(3).state.last.index > rig.replica(3).appliedIndex, "entries that wait for room");
    await rig.ticks(100);
    await makeRoom();
    rig.passes = () => true;
    assert.equal((await rig.answer(read)).kind, "record");
    assert.equal((await rig.answer(rig.replica(3).readStrong(utf8("a")))).kind, "record");
    await rig.close();
  });

  it("rule 5: leaves nothing out of a strong page that was alive all the time", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", putUntil("a", "1", wallIn(rig, 100)));
    await rig.level();
    const confirmed: ReplicaMessage[] = [];
    rig.passes = (message) => {
      if (message.to !== 3) return true;
      if (message.type === "read_confirmed") confirmed.push(message);
      return message.type !== "read_confirmed" && message.type !== "append";
    };
    const asked: GroupList = {
      prefix: utf8("a"),
      after: undefined,
      limit: 10,
      bytesMax: 100_000,
      withValues: true,
      mode: "strong",
      told: undefined,
    };
    const page = strongPage(rig.replica(3), asked);
    await rig.rest();
    assert.equal((await rig.write(1, "strong", touchUntil("a", wallIn(rig, 60_000)))).kind, "done");
    await rig.ticks(12);
    await rig.write(1, "strong", put("z", "1"));
    const makeRoom = full(rig, 3);
    const reader = rig.replica(3);
    // The answer comes in the turn in which both entries may be applied.
    const stop = rig.node(3).log?.onProgress(() => {
      for (const message of confirmed.splice(0)) reader.receive(message);
    });
    rig.passes = ({ type, to }) => type !== "read_confirmed" || to !== 3;
    await rig.until(() => reader.state.last.index === lead.status.last, "entries that wait for room");
    stop?.();
    await rig.rest();
    await makeRoom();
    rig.passes = () => true;
    const found = await rig.answer(page);
    assert.equal(found.kind === "page" && found.page.records.length, 1);
    await rig.close();
  });
});
