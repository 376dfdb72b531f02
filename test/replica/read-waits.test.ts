// Strong reads that wait for entries which are never applied, for their leader lost its office and the log went another way.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { accepted, put, Rig } from "./rig.ts";

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
  const fill = (rig: Rig, id: number): (() => void) => {
    const { log } = rig.node(id);
    assert.ok(log !== undefined);
    let makeRoom = (): void => undefined;
    Object.defineProperty(log, "hasRoom", { get: () => false, configurable: true });
    log.whenRoom = () => new Promise<void>((resolve) => (makeRoom = resolve));
    return () => {
      Reflect.deleteProperty(log, "hasRoom");
      Reflect.deleteProperty(log, "whenRoom");
      makeRoom();
    };
  };

  it("shows nothing any more of what it answered as a leader, and is none", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "before"));
    await rig.level();
    rig.passes = ({ type }) => type !== "append";
    assert.equal((await rig.write(1, "fast", put("a", "not decided"))).kind, "done");
    assert.equal(await rig.node(1).read("a"), "not decided");
    const makeRoom = fill(rig, 1);
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
    const makeRoom = fill(rig, 2);
    await rig.ticks(5);
    assert.deepEqual(await rig.answer(rig.replica(2).readStrong(utf8("a"))), { kind: "refused", why: "busy" });
    makeRoom();
    await rig.ticks(20);
    assert.equal((await rig.answer(rig.replica(2).readStrong(utf8("a")))).kind, "record");
    await rig.close();
  });
});
