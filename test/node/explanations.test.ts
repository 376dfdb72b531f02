// What a coordinator says that requests for a key would come to, beside what they come to.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { again, got, n1, n2, n3, Rig, seenAs, version } from "./coordinator-rig.ts";
import { mapNode, placedMap } from "./sample-map.ts";

describe("an explanation", () => {
  it("names who would serve a fast read: the same whom one goes to, by zone and way", async () => {
    const nodes = [mapNode("n1", "a"), mapNode("n2", "b"), mapNode("n3", "b")];
    const rig = new Rig(placedMap(nodes), "b");
    rig.network.roundTrips.set(n1, 10).set(n2, 30).set(n3, 20);
    for (const node of [n1, n2, n3]) rig.seen.set(node, seenAs(node, node === n1 ? "leader" : "follower"));
    const { wouldDo, record } = await rig.explanation();
    assert.equal(wouldDo.fastRead, "be served by n3, the nearest replica, at once");
    rig.network.asked.length = 0;
    await rig.get("fast");
    assert.deepEqual(rig.network.asked, [n3]);
    assert.deepEqual(record, { kind: "present", contentType: "", version, expiresAt: undefined });
    rig.says.set(n3, [{ kind: "done", value: { ...got, record: undefined } }]);
    assert.deepEqual((await rig.explanation()).record, { kind: "absent" });
  });

  it("says that nobody could read the key, and soon, when all are away", async () => {
    const rig = new Rig();
    rig.allSay({ kind: "refused", why: "down" });
    const { wouldDo, record, after } = await rig.explanation();
    assert.ok(record.kind === "unknown", record.kind);
    assert.equal(record.code, "no_leader");
    assert.ok(after <= 600, `told at ${after}`);
    for (const words of Object.values(wouldDo)) assert.match(words, /^be refused \(no_leader\)/);
  });

  it("tells what the leader hears, and not how many answer here: as writes and reads find out", async () => {
    const rig = new Rig();
    rig.seen.set(n1, seenAs(n1, "leader"));
    rig.says.set(n2, [again("not_leader", n1)]).set(n3, [{ kind: "refused", why: "down" }]);
    const heard = await rig.explanation();
    assert.match(heard.wouldDo.strongWrite, /^be taken by n1, which leads, /);
    assert.match(heard.wouldDo.strongRead, /^be served by n1 after n1, /);
    assert.equal((await rig.write()).code, "done");
    for (const node of [n1, n2, n3]) rig.seen.set(node, seenAs(node, node === n1 ? "leader" : "follower"));
    rig.seen.set(n1, { ...seenAs(n1, "leader"), hasQuorum: false });
    rig.says.set(n1, [again("no_quorum", n1)]).set(n3, [again("not_leader", n1)]);
    const { wouldDo } = await rig.explanation();
    for (const words of [wouldDo.strongWrite, wouldDo.strongRead]) assert.match(words, /^be refused \(no_quorum\) /);
    assert.equal((await rig.write()).code, "no_quorum");
  });

  it("tells who has no replica open from who does not answer, by the codes that requests are refused with", async () => {
    const rig = new Rig();
    rig.allSay(again("not_here"));
    const { wouldDo, record } = await rig.explanation();
    for (const words of Object.values(wouldDo)) assert.match(words, /^be refused \(starting\) /);
    assert.equal(record.kind === "unknown" && record.code, "starting");
    for (const { code } of [await rig.write(), await rig.get("strong"), await rig.get("fast")]) {
      assert.equal(code, "starting");
    }
  });
});
