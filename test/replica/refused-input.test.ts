// What comes in from outside and cannot be right: writes that no replica could apply. Each is refused with its reason, and the
// group goes on.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { Command } from "../../internal/replica/command.ts";
import { accepted, asked, del, foreign, put, Rig } from "./rig.ts";

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
    const load = lead.proposeLoad([{ ...foreign([1, 1], "", "x"), stamp: stamp(5) }]);
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

function never(): never {
  throw new Error("a put without an operation");
}
