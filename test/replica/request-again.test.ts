// Requests that are made again: while the first try, which a log lost, is about to come back; and with another command.

import assert from "node:assert/strict";
import { it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { replicaId } from "../../internal/base/ids.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
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

it("rule 17: a request is told its answer, which is in the engine, though that has no room for what came behind it", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.level();
  const { stamp } = lead.state.last;
  const ask = () => accepted(lead.propose("fast", () => asked(put("k", "1"), "R", stamp))).outcome;
  const first = await rig.answer(ask());
  await rig.level();
  const { engine } = rig.node(1);
  assert.ok(engine !== undefined);
  engine.canWrite = () => false;
  const later = accepted(lead.propose("strong", () => put("later", "1"))).outcome;
  await rig.until(() => lead.state.last.index > lead.appliedIndex, "an entry that waits for room");
  const again = await rig.answer(ask());
  assert.ok(first.kind === "done" && again.kind === "done", JSON.stringify(again));
  assert.deepEqual(again.version, first.version);
  Reflect.deleteProperty(engine, "canWrite");
  await rig.answer(engine.flush());
  assert.equal((await rig.answer(later)).kind, "done");
  await rig.close();
});

it("rule 17: a request is not told the answer of an earlier one under its id, which is forgotten and still lies in the engine", async () => {
  const rig = await Rig.open();
  await rig.elect(1);
  await rig.level();
  const ask = (id: number, value: string, at: Stamp) =>
    accepted(rig.replica(id).propose("fast", () => asked(put("k", value), "R", at))).outcome;
  await rig.answer(ask(1, "old", rig.replica(1).state.last.stamp));
  await rig.level();
  for (const id of [1, 2, 3]) rig.node(id).skew = 12 * 60_000;
  await rig.ticks(2);
  await rig.write(1, "strong", put("z", "1"));
  await rig.level();
  const { engine, replica } = rig.node(2);
  assert.ok(engine !== undefined && replica !== undefined);
  assert.equal(replica.state.answeredAt(utf8("R")), undefined);
  engine.canWrite = () => false;
  // Node 2 hears late how far the log is committed.
  const isNews = (message: ReplicaMessage): boolean =>
    message.type === "heartbeat" || (message.type === "append" && message.entries.length === 0);
  rig.passes = (message) => message.from !== 1 || message.to !== 2 || !isNews(message);
  const { stamp } = rig.replica(1).state.last;
  const fresh = await rig.answer(ask(1, "new", stamp));
  await rig.rest();
  rig.replica(1).transfer(replicaId(2));
  await rig.until(() => rig.leader === 2, "the next leader");
  rig.passes = () => true;
  await rig.until(() => replica.state.last.term === replica.status.term, "its no-op");
  const again = await rig.answer(ask(2, "new", stamp));
  assert.ok(again.kind === "unknown" || again.version.index === fresh.version.index, JSON.stringify(again));
  const waiting = ask(2, "new", stamp);
  await rig.rest();
  Reflect.deleteProperty(engine, "canWrite");
  await rig.answer(engine.flush());
  const known = await rig.answer(waiting);
  assert.deepEqual([known.kind, known.version], ["done", fresh.version]);
  await rig.close();
});

it("rule 17: another command under an id that is on its way or remembered does nothing, and is told what the first was told", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.level();
  const { stamp } = lead.state.last;
  const ask = (key: string) => accepted(lead.propose("strong", () => asked(put(key, "1"), "R", stamp))).outcome;
  const [first, onItsWay] = await rig.answer(Promise.all([ask("a"), ask("b")]));
  await rig.level();
  const remembered = await rig.answer(ask("c"));
  assert.ok(first.kind === "done" && onItsWay.kind === "done" && remembered.kind === "done");
  assert.deepEqual(onItsWay.answer, first.answer);
  assert.deepEqual(remembered.answer, first.answer);
  const values = await Promise.all(["a", "b", "c"].map((key) => rig.node(1).read(key)));
  assert.deepEqual(values, ["1", undefined, undefined]);
  await rig.close();
});
