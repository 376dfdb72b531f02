// Records that come in with a slot, from another group: where they are taken, that all replicas take the same whatever each has
// collected, and what a slot that was elsewhere takes no more.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { term } from "../../internal/base/ids.ts";
import type { LogIndex, Term } from "../../internal/base/ids.ts";
import type { ForeignWrite } from "../../internal/replica/merge.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import { accepted, del, foreign, put, Rig } from "./rig.ts";

const slots = [slotOf(utf8("k"))];
const record = (version: readonly [number, number], value: string | undefined) => foreign(version, "k", value);

/** Through whoever leads. Its index, when it took effect. */
async function move(rig: Rig, mode: "seal" | "close" | "open", above: Term = term(0)): Promise<LogIndex> {
  const { version, outcome } = accepted(rig.replica(rig.leader ?? 1).proposeSlots({ mode, above, slots }));
  assert.equal((await rig.answer(outcome)).kind, "done");
  return version.index;
}

async function load(rig: Rig, since: LogIndex, ...writes: ForeignWrite[]): Promise<string> {
  const { outcome } = accepted(rig.replica(rig.leader ?? 1).proposeLoad({ since, writes }));
  return (await rig.answer(outcome)).kind;
}

/** Node 2 collects all the garbage that it may, the others none. */
async function collectAtTwo(rig: Rig): Promise<void> {
  const { engine } = rig.node(2);
  assert.ok(engine !== undefined);
  for (let at = 0; at < 6; at++) {
    await rig.write(1, "strong", put(`other ${at}`, "1"));
    await rig.ticks(100);
    await rig.answer(engine.flush());
    await rig.answer(engine.compactRange(rig.replica(2).incarnation));
  }
}

async function readEverywhere(rig: Rig): Promise<(string | undefined)[]> {
  await rig.level();
  return Promise.all([1, 2, 3].map((id) => rig.node(id).read("k")));
}

describe("a load", () => {
  it("of two different writes of one version to one key is refused before it is in the log", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const since = await move(rig, "seal");
    const { last } = lead.status;
    for (const other of ["two", undefined]) {
      const writes = [record([1, 5], "one"), record([1, 6], "between"), record([1, 5], other)];
      const refused = lead.proposeLoad({ since, writes });
      assert.equal(refused.kind === "refused" && refused.why, "bad_command");
    }
    assert.equal(lead.status.last, last, "nothing got into the log");
    await rig.close();
  });

  it("is refused while the disk is full or the engine is behind, and slots move on all the same", async () => {
    const rig = await Rig.open({ replica: { unappliedEntriesMax: 3 } });
    const lead = await rig.elect(1);
    await rig.level();
    const since = await move(rig, "seal");
    const { engine } = rig.node(1);
    assert.ok(engine !== undefined);
    const writes = [record([1, 5], "x")];
    let trouble: TrefoilError | undefined = new TrefoilError("storage_full", "no space is left");
    Object.defineProperty(engine, "trouble", { get: () => trouble });
    assert.deepEqual(lead.proposeLoad({ since, writes }), { kind: "refused", why: "storage_full" });
    await move(rig, "close");
    trouble = new TrefoilError("busy", "no more files can be opened");
    assert.deepEqual(lead.proposeLoad({ since, writes }), { kind: "refused", why: "busy" }, "that is no full disk");
    trouble = undefined;
    engine.canWrite = () => false;
    while (lead.status.last - lead.appliedIndex < 3) accepted(lead.propose("strong", () => del("other")));
    assert.deepEqual(lead.proposeLoad({ since, writes }), { kind: "refused", why: "busy" });
    Reflect.deleteProperty(engine, "canWrite");
    await rig.level();
    assert.equal(await load(rig, since, ...writes), "done");
    assert.equal(await rig.node(1).read("k"), "x");
    await rig.close();
  });

  it("rule 25: that is repeated after its slot was opened has no effect, wherever a later deletion was collected", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await move(rig, "seal");
    const since = await move(rig, "close");
    const writes = [record([1, 4], "old")];
    await load(rig, since, ...writes);
    // One is in the log behind the opening: it was right to take it, and it is too late.
    const opened = accepted(lead.proposeSlots({ mode: "open", above: term(0), slots }));
    const late = accepted(lead.proposeLoad({ since, writes }));
    await rig.answer(opened.outcome);
    assert.equal((await rig.answer(late.outcome)).kind, "refused");
    assert.equal(await lead.receiptOf(late.version), "rejected");
    await rig.write(1, "strong", del("k"));
    await collectAtTwo(rig);
    assert.deepEqual(lead.proposeLoad({ since, writes }), { kind: "refused", why: "not_sealed" });
    await move(rig, "seal");
    assert.deepEqual(lead.proposeLoad({ since, writes }), { kind: "refused", why: "not_sealed" }, "of another stay");
    assert.deepEqual(await readEverywhere(rig), [undefined, undefined, undefined]);
    await rig.close();
  });

  it("rule 25: that is repeated brings nothing back that a later one deleted, wherever garbage was collected", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const since = await move(rig, "close");
    await load(rig, since, record([1, 4], "old"));
    await load(rig, since, record([1, 5], undefined));
    const { stamp } = lead.state.last;
    await collectAtTwo(rig);
    assert.ok(lead.state.watermark > stamp);
    await load(rig, since, record([1, 4], "old"));
    assert.deepEqual(await readEverywhere(rig), [undefined, undefined, undefined]);
    // When nothing comes in any more, it is garbage as any other.
    await move(rig, "open");
    await collectAtTwo(rig);
    const { engine } = rig.node(2);
    const left = engine?.getNow(rig.replica(2).incarnation, Uint8Array.of(1, ...utf8("k")), { tombstones: true });
    assert.equal(left, "absent");
    await rig.close();
  });

  it("rule 25: meets what may be collected as if it were", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("k", "1"));
    await rig.write(1, "strong", del("k"));
    await collectAtTwo(rig);
    const since = await move(rig, "close");
    // No group would send so old a write. Should one come, then all have it.
    await load(rig, since, record([1, 1], "from before"));
    const [one, ...others] = await readEverywhere(rig);
    assert.deepEqual(others, [one, one]);
    await rig.close();
  });
});

describe("a slot that was elsewhere", () => {
  it("rule 25: takes no writes that a log lost before it came back, over restarts too", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.level();
    rig.isolate(1);
    const lost = await rig.write(1, "fast", put("k", "from before"));
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await rig.elect(rig.leader as number); // what was waited for
    await move(rig, "seal");
    await move(rig, "close");
    const above = rig.replica(rig.leader as number).status.term;
    await rig.elect(rig.leader === 2 ? 3 : 2);
    await move(rig, "open", above);
    for (const id of [2, 3]) rig.node(id).crash("all");
    for (const id of [2, 3]) await rig.node(id).start();
    rig.rejoin(1);
    await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "a leader");
    await rig.until(() => !rig.replica(1).hasSalvage, "its fate");
    assert.deepEqual(await readEverywhere(rig), [undefined, undefined, undefined]);
    for (const id of [1, 2, 3]) assert.equal(await rig.replica(id).receiptOf(lost.version), "lost");
    await rig.close();
  });

  it("rule 25: is forgotten when the watermark is past, which refuses such writes by itself", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await move(rig, "close");
    await move(rig, "open");
    assert.deepEqual(lead.state.slots.known, slots);
    await rig.write(1, "strong", put("other", "1"));
    await rig.ticks(300);
    assert.deepEqual(lead.state.slots.known, []);
    await rig.close();
  });
});
