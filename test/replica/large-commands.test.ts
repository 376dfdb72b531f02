// Short commands that make much of large records: what a group remembers of them, and what a replica holds at once, is bounded.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { action } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { asked, put, Rig } from "./rig.ts";

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
