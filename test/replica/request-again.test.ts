// A request that is made again while its first try, which a log lost, is about to come back.

import assert from "node:assert/strict";
import { it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { accepted, asked, put, Rig } from "./rig.ts";

it("rule 17: a request is not answered fast while the merge of its lost first try is in the log and not applied", async () => {
  const rig = await Rig.open();
  await rig.elect(1);
  await rig.level();
  const first = rig.replica(1).state.last.stamp;
  const request = () => asked(put("k", "asked"), "R", first);
  rig.isolate(1);
  const lost = accepted(rig.replica(1).propose("fast", request));
  assert.equal((await rig.answer(lost.outcome)).kind, "done");
  await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
  const leader = rig.leader as number; // what was waited for
  const lead = await rig.elect(leader);
  rig.passes = ({ type }) => type !== "salvage";
  rig.rejoin(1);
  await rig.until(() => rig.replica(1).hasSalvage, "salvage");
  await rig.level();
  const { last } = lead.status;
  rig.passes = ({ type }) => type !== "append";
  await rig.until(() => lead.status.last > last, "the merge");
  // With other requests, and without one, all goes on.
  const other = await rig.answer(accepted(lead.propose("fast", () => put("k", "other"))).outcome);
  assert.equal(other.kind, "done");
  assert.equal(lead.propose("fast", () => asked(put("l", "1"), "S", first)).kind, "accepted");
  assert.deepEqual(lead.propose("fast", request), { kind: "refused", why: "busy" });
  rig.passes = () => true;
  await rig.level();
  assert.equal(rig.leader, leader);
  const again = await rig.answer(accepted(lead.propose("fast", request)).outcome);
  assert.ok(again.kind === "done" && other.kind === "done");
  assert.equal(await lead.receiptOf(again.version), "salvaged");
  const read = await lead.readFast(utf8("k"));
  assert.deepEqual([read?.term, read?.index], [other.version.term, other.version.index]);
  await rig.close();
});
