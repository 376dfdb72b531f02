// Short commands that make much of large records: what a group remembers of them, and what a replica holds at once, is bounded.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { action, conditionKind } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { asked, put, putUntil, Rig } from "./rig.ts";

const mebibyte = 1024 * 1024;
const roomy = { engine: { memtableBytes: 32 * mebibyte } };

const why = (outcome: WriteOutcome): string =>
  outcome.kind === "refused" && outcome.answer.kind === "refused" ? outcome.answer.why : outcome.kind;

const touch = (key: string, wantsPrevious: boolean): Command =>
  put(key, "", { action: action.touch, body: new Uint8Array(0), wantsPrevious });

describe("requests", () => {
  it("rule 17: answered by large values have no effect while too much of such answers is remembered", async () => {
    const rig = await Rig.open(roomy);
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("big", "x".repeat(8 * mebibyte - 100)));
    const get = async (id: string, wantsPrevious = true): Promise<string> => {
      return why(await rig.write(1, "strong", asked(touch("big", wantsPrevious), id, lead.state.last.stamp)));
    };
    for (let at = 0; at < 8; at++) assert.equal(await get(`request ${at}`), "done");
    assert.equal(await get("one more"), "answers_full");
    assert.equal(await get("small", false), "done");
    const { stamp } = lead.state.last;
    const first = await rig.write(1, "strong", asked(touch("big", true), "request 0", stamp));
    assert.equal(why(first), "done", "what is remembered is told again");
    await rig.level();
    await rig.answer(rig.node(3).engine?.flush() ?? Promise.resolve());
    rig.node(3).crash();
    await rig.node(3).start();
    await rig.elect(3);
    await rig.level();
    const again = await rig.write(3, "strong", asked(touch("big", true), "one more", rig.replica(3).state.last.stamp));
    assert.equal(why(again), "answers_full");
    // When the first ones are forgotten there is room again.
    rig.time.now += 12 * 60_000;
    await rig.ticks(100);
    const later = rig.leader as number; // one that was elected keeps its office
    const { state } = rig.replica(later);
    await rig.write(later, "strong", put("other", "1"));
    assert.equal(why(await rig.write(later, "strong", asked(touch("big", true), "late", state.last.stamp))), "done");
    await rig.close();
  });
});

describe("a short command on large records", () => {
  it("comes to the same wherever those that have expired were collected", async () => {
    const rig = await Rig.open(roomy);
    const lead = await rig.elect(1);
    const names = ["a", "b", "living"];
    const expiry = stamp(lead.state.last.stamp + stampOfMilliseconds(1000));
    for (const name of ["a", "b"]) await rig.write(1, "strong", putUntil(name, "x".repeat(7 * mebibyte), expiry));
    await rig.write(1, "strong", put("living", "x".repeat(5 * mebibyte)));
    const { engine } = rig.node(2);
    assert.ok(engine !== undefined);
    for (let at = 0; at < 4; at++) {
      await rig.ticks(100);
      await rig.write(1, "strong", put(`other ${at}`, "1"));
      await rig.answer(engine.flush());
      await rig.answer(engine.compactRange(rig.replica(2).incarnation));
    }
    const [first] = names.map((name) => Uint8Array.of(1, ...utf8(name)));
    assert.equal(engine.getNow(rig.replica(2).incarnation, first ?? utf8("")), "absent");
    const operations = names.flatMap((name) => put(name, "", { action: action.append, body: utf8("y") }).operations);
    assert.equal(why(await rig.write(1, "strong", { request: undefined, operations })), "done");
    await rig.level();
    for (const id of [1, 2, 3]) {
      assert.equal(await rig.node(id).read("b"), "y");
      assert.equal((await rig.node(id).read("living"))?.length, 5 * mebibyte + 1);
    }
    await rig.close();
  });

  it("needs no values of those of which only the presence decides", async () => {
    const rig = await Rig.open(roomy);
    const lead = await rig.elect(1);
    const names = ["a", "b", "c"];
    for (const name of names) await rig.write(1, "strong", put(name, "x".repeat(7 * mebibyte)));
    const operations = names.flatMap(
      (name) =>
        put(name, "", { action: action.delete, body: new Uint8Array(0), condition: conditionKind.present }).operations,
    );
    assert.equal(why(await rig.write(1, "strong", { request: undefined, operations })), "done");
    assert.equal(await rig.node(1).read("c"), undefined);
    assert.equal(lead.status.role, "leader");
    await rig.close();
  });
});
