// Fast pages of keys of a replica, as the coordinator of a node asks for them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stampMax } from "../../internal/base/stamp.ts";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { GroupService } from "../../internal/node/group-service.ts";
import type { GroupList } from "../../internal/node/group-service.ts";
import type { Told } from "../../internal/node/told.ts";
import { del, put, Rig, theGroup } from "../replica/rig.ts";

const whole: GroupList = {
  prefix: utf8(""),
  after: undefined,
  limit: 10,
  bytesMax: 1000,
  withValues: true,
  mode: "fast",
  told: undefined,
};

/** What a page shows, or why there is none. */
async function shown(rig: Rig, id: number, asked: Partial<GroupList> = {}): Promise<unknown> {
  const service = new GroupService(
    () => rig.replica(id),
    () => undefined,
    () => stampMax,
  );
  const answer = await rig.answer(service.list(theGroup, { ...whole, ...asked }));
  if (answer.kind !== "done") return answer.kind === "again" ? answer.why : answer.code;
  const { records, ahead } = answer.value;
  const pairs = records.map(({ key, payload }) => `${utf8Text(key)}=${utf8Text(payload?.subarray(1) ?? utf8("?"))}`);
  return ahead === undefined ? pairs : [...pairs, ahead];
}

describe("a fast page of keys", () => {
  it("rule 16: shows what its node has told, or is left to the leader, which shows what it has answered fast", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    await rig.write(1, "strong", put("b", "1"));
    await rig.level();
    rig.isolate(1);
    await rig.write(1, "fast", put("b", "2"));
    await rig.write(1, "fast", put("c", "2"));
    const { version: newest } = await rig.write(1, "fast", del("a"));
    const told: Told = { newest, committed: undefined };
    assert.deepEqual(await shown(rig, 1, { told }), ["b=2", "c=2", newest]);
    assert.deepEqual(await shown(rig, 1, { told, limit: 1, after: utf8("b") }), ["c=2", newest]);
    assert.deepEqual(await shown(rig, 2), ["a=1", "b=1"], "nobody was told");
    assert.equal(await shown(rig, 2, { told }), "behind");
    rig.rejoin(1);
    await rig.level();
    for (const id of [1, 2]) assert.deepEqual(await shown(rig, id, { told }), ["b=2", "c=2"]);
    await rig.close();
  });

  it("holds what its prefix says, though the cursor lies before that", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    for (const key of ["a", "b", "pa", "pb", "q"]) await rig.write(1, "strong", put(key, "1"));
    assert.deepEqual(await shown(rig, 1, { prefix: utf8("p"), after: utf8("a") }), ["pa=1", "pb=1"]);
    assert.deepEqual(await shown(rig, 1, { prefix: utf8("p"), after: utf8("pa") }), ["pb=1"]);
    await rig.close();
  });

  it("rule 16: waits for a moment for what is about to come", async () => {
    const rig = await Rig.open({ replica: { ownReadMilliseconds: 2000 } });
    await rig.elect(1);
    await rig.level();
    rig.passes = ({ to }) => to !== 3;
    const { version } = await rig.write(1, "strong", put("a", "1"));
    const asked = shown(rig, 3, { told: { newest: version, committed: version } });
    rig.passes = () => true;
    assert.deepEqual(await asked, ["a=1"]);
    await rig.close();
  });
});
