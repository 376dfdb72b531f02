// What comes in from outside and cannot be right: writes that no replica could apply, and messages that no replica of the group could
// have sent. Each is refused with its reason, and the group goes on.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { fastFlag } from "../../internal/log/record.ts";
import type { Entry } from "../../internal/raft/types.ts";
import { commandKind, conditionKind, encodeCommand } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { encodeTick } from "../../internal/replica/tick.ts";
import { accepted, asked, del, foreign, put, putUntil, Rig } from "./rig.ts";

describe("a write that no replica could apply", () => {
  it("is refused before it is in the log, and the group goes on, over restarts too", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.level();
    const { last } = lead.status;
    const [operation] = put("a", "1").operations;
    const bad: Record<string, Command> = {
      "a long request id": asked(put("a", "2"), "i".repeat(65), stamp(5)),
      "an empty request id": asked(put("a", "2"), "", stamp(5)),
      "a request without a stamp": asked(put("a", "2"), "one", stamp(Number.NaN)),
      "an empty key": put("", "2"),
      "a long key": put("k".repeat(1025), "2"),
      "no operation": { request: undefined, operations: [] },
      "too many operations": {
        request: undefined,
        operations: Array.from({ length: 10_001 }, () => operation ?? never()),
      },
      "an expiry at zero": putUntil("a", "2", stamp(0)),
      "an expiry beyond all time": putUntil("a", "2", stamp(2 ** 53)),
      "no payload": put("a", "2", { body: new Uint8Array(0) }),
      "a delete with a body": {
        request: undefined,
        operations: [{ ...del("a").operations[0], body: utf8("x") } as never],
      },
    };
    for (const consistency of ["strong", "fast"] as const) {
      for (const [what, command] of Object.entries(bad)) {
        const proposed = lead.propose(consistency, () => command);
        assert.equal(proposed.kind === "refused" && proposed.why, "bad_command", what);
        assert.ok(proposed.kind === "refused" && (proposed.detail ?? "").length > 0, what);
      }
      const large = lead.propose(consistency, () => put("a", "x".repeat(9 * 1024 * 1024)));
      assert.equal(large.kind === "refused" && large.why, "too_large");
    }
    const slots = lead.proposeSlots({ mode: "seal", above: term(0), slots: [16_384] });
    assert.equal(slots.kind === "refused" && slots.why, "bad_command");
    const load = lead.proposeLoad({ since: logIndex(1), writes: [foreign([1, 1], "", "x")] });
    assert.equal(load.kind === "refused" && load.why, "bad_command");
    assert.equal(lead.status.last, last, "nothing got into the log");
    await rig.write(1, "strong", put("b", "2"));
    await rig.level();
    for (const id of [1, 2, 3]) rig.node(id).crash();
    for (const id of [1, 2, 3]) await rig.node(id).start();
    await rig.elect(1);
    await rig.level();
    for (const id of [1, 2, 3]) assert.deepEqual([rig.node(id).failures, await rig.node(id).read("b")], [[], "2"]);
    await rig.close();
  });

  it("is as large as an entry may be at most, and then it is applied", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const most = "x".repeat(9 * 1024 * 1024 - 4096 - 1);
    accepted(rig.replica(1).propose("strong", () => put("k".repeat(1024), most)));
    const tooLarge = rig.replica(1).propose("strong", () => put("k", `${most}x`));
    assert.equal(tooLarge.kind === "refused" && tooLarge.why, "too_large");
    await rig.level();
    assert.equal((await rig.node(3).read("k".repeat(1024)))?.length, most.length);
    await rig.close();
  });
});

describe("a message that no replica of the group could have sent", () => {
  const address = (from: number, to: number) => ({ from: replicaId(from), to: replicaId(to) });

  it("is refused, whatever stands in its fields, and ends nobody", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    const write = foreign([1, 1], "zz", "forged");
    const salvage = { type: "salvage", ...address(3, 1), isLeaving: false };
    const bad: unknown[] = [
      undefined,
      null,
      {},
      { ...salvage, writes: [{ version: undefined }] },
      { ...salvage, writes: [{ ...write, key: new Uint8Array(1025) }] },
      { ...salvage, writes: [{ ...write, request: { id: new Uint8Array(65), stamp: 1 } }] },
      { ...salvage, writes: undefined },
      { ...salvage, writes: [write], to: replicaId(2) },
      { type: "salvage_settled", ...address(3, 1), fates: [{}], isReleased: false },
      { type: "tick_wanted", ...address(3, 1), until: Number.NaN },
      { type: "keep_log", ...address(3, 1), index: -1 },
      { type: "keep_log", ...address(9, 1), index: 1 },
      { type: "log_full", ...address(9, 1) },
      { type: "chunk_request", ...address(3, 1), index: 1, term: 1 },
      { type: "chunk", ...address(3, 1), index: 1, term: 1, after: "", bytes: 7, isLast: true },
    ];
    for (const message of bad) lead.receive(message as ReplicaMessage);
    await rig.ticks(20);
    assert.deepEqual([rig.node(1).failures, await rig.node(1).read("zz"), rig.leader], [[], undefined, 1]);
    // The log is full for nobody.
    await rig.write(1, "fast", put("a", "1"));
    await rig.level();
    await rig.close();
  });

  it("brings no entry that nobody could apply, or whose stamp does not grow from what it follows in the log", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.level();
    const follower = rig.replica(3);
    const { term: of, last, lastStamp } = follower.status;
    const next = { term: of, index: logIndex(last + 1), stamp: stamp(lastStamp + 1), flags: 0, kind: commandKind.tick };
    const short = { ...next, payload: new Uint8Array(3) };
    const whole = encodeCommand(put("a", "forged"));
    const write = { ...next, kind: commandKind.operations };
    const increment = encodeCommand(put("a", "2", { condition: conditionKind.absent }));
    const bad: readonly (readonly Entry[])[] = [
      [{ ...short, payload: new Uint8Array(8), stamp: lastStamp }],
      [{ ...short, payload: new Uint8Array(8), stamp: stamp(5) }],
      [short],
      [
        { ...write, payload: whole },
        { ...short, index: logIndex(last + 2), stamp: stamp(lastStamp + 2) },
      ],
      ...[2, 3, 4, 6, 7, 8, 255].map((kind) => [{ ...short, kind }]),
      [{ ...write, payload: whole.subarray(0, -1) }],
      // On a record of the group itself.
      [{ ...write, payload: whole.map((byte, at) => (at === 6 ? 0 : byte)) }],
      [{ ...write, payload: increment, flags: fastFlag }],
      [{ ...next, payload: encodeTick(stamp(1)), flags: fastFlag }],
    ];
    const way = { type: "append", ...address(1, 3), term: of, previousIndex: last, previousTerm: of } as const;
    for (const entries of bad) {
      follower.receive({ ...way, commit: last, hasQuorum: true, entries });
      assert.equal(follower.status.last, last);
    }
    await rig.write(1, "fast", put("a", "2"));
    await rig.level();
    assert.deepEqual([rig.node(3).failures, await rig.node(3).read("a")], [[], "2"]);
    await rig.close();
  });

  it("brings no write of a term that is not over, and none from strangers that could have an effect", async () => {
    const rig = await Rig.open();
    // One is away: the watermark stays.
    rig.isolate(2);
    await rig.elect(3);
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("zz", "answered"));
    await rig.level();
    const { term: now } = lead.status;
    const tries: readonly [from: number, of: number][] = [
      [3, now],
      [3, now + 1],
      [3, 1_000_000],
      [77, 1_000_000],
      [77, now - 1],
    ];
    for (const [from, of] of tries) {
      const writes = [foreign([of, 1_000_000], "zz", "forged")];
      lead.receive({ type: "salvage", ...address(from, 1), writes, isLeaving: false });
    }
    await rig.ticks(20);
    const isMerge = ({ kind }: { readonly kind: number }): boolean => kind === commandKind.merge;
    const hasMerge = (): boolean =>
      rig.sent.some((message) => message.type === "append" && message.entries.some(isMerge));
    assert.ok(!hasMerge(), "none is in the log");
    assert.equal(await rig.node(1).read("zz"), "answered");
    const genuine = [foreign([now - 1, 1_000_000], "yy", "salvaged")];
    lead.receive({ type: "salvage", ...address(3, 1), writes: genuine, isLeaving: false });
    await rig.until(hasMerge, "the merge");
    await rig.level();
    assert.equal(await rig.node(1).read("yy"), "salvaged");
    await rig.close();
  });

  it("is not one of a member that the receiver is too new to know: a snapshot is taken from it", async () => {
    const rig = await Rig.open({ replica: { entriesKept: 0, awayMilliseconds: 100 } });
    const ids = (...numbers: number[]) => numbers.map((id) => replicaId(id));
    await rig.elect(1);
    // Replica 4 leads; a newcomer knows of 1, 2 and 3.
    await rig.add(4).start();
    rig.replica(1).change({ voters: ids(1, 2, 3), learners: ids(4) });
    await rig.until(
      () => rig.replica(1).change({ voters: ids(1, 2, 4), learners: [] }).kind === "accepted",
      "the exchange",
    );
    await rig.until(() => rig.replica(1).status.configuration.outgoing.length === 0, "its end");
    rig.node(3).crash();
    const lead = await rig.elect(4);
    await rig.until(() => rig.replica(4).appliedIndex === lead.status.last, "all applied");
    await rig.answer(rig.node(4).engine?.flush() ?? Promise.resolve());
    await rig.ticks(100);
    await rig.write(4, "strong", put("a", "1"));
    await rig.add(5).start();
    lead.change({ voters: ids(1, 2, 4), learners: ids(5) });
    await rig.until(() => rig.replica(5).appliedIndex > 0, "the snapshot");
    assert.ok(rig.sent.some(({ type, from, to }) => type === "chunk" && from === 4 && to === 5));
    await rig.until(() => rig.replica(5).appliedIndex === lead.status.last, "the rest");
    assert.equal(await rig.node(5).read("a"), "1");
    await rig.close();
  });

  it("makes no replica forget what it keeps: the entry that decided has to be in its log", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    rig.isolate(1);
    const { version } = await rig.write(1, "fast", put("a", "only here"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    rig.passes = ({ type }) => type !== "salvage" && type !== "salvage_settled";
    rig.rejoin(1);
    await rig.until(() => rig.replica(1).hasSalvage, "salvage");
    const mergedAt = { term: term(version.term + 7), index: version.index };
    const settled = { type: "salvage_settled", fates: [{ version, mergedAt }], isReleased: true } as const;
    for (const from of [2, 3, 77]) rig.replica(1).receive({ ...settled, ...address(from, 1) });
    await rig.rest();
    assert.ok(rig.replica(1).hasSalvage);
    rig.passes = () => true;
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    assert.equal(await rig.node(1).read("a"), "only here");
    await rig.close();
  });

  it("has a leader write no entries for a time that has not come", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.level();
    const { last, lastStamp } = lead.status;
    const until = stamp(lastStamp + 1_000_000_000);
    for (let count = 0; count < 100; count++) {
      lead.receive({ type: "tick_wanted", ...address(3, 1), until });
      await rig.rest();
    }
    assert.equal(lead.status.last, last);
    await rig.close();
  });
});

function never(): never {
  throw new Error("a put without an operation");
}
