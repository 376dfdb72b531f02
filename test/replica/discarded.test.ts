// Writes whose entries are discarded: before the log was ever given them, and while the fate of earlier ones is learnt.

import assert from "node:assert/strict";
import { it } from "node:test";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { entryKind } from "../../internal/raft/types.ts";
import type { Entry } from "../../internal/raft/types.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { fillLog } from "./full-log.ts";
import { accepted, put, Rig } from "./rig.ts";

/** Node 2 as the next leader, whose no-ops take the place of the last entry and follow it. */
function nextLeader(before: Replica) {
  const { last, term: of, lastStamp } = before.status;
  const { applied } = before;
  const next = {
    from: replicaId(2),
    to: replicaId(1),
    term: term(of + 1),
    commit: applied.index,
    hasQuorum: true,
  } as const;
  const noop = (plus: number): Entry => {
    const [index, at] = [logIndex(last + plus), stamp(lastStamp + plus + 1)];
    return { index, term: next.term, stamp: at, flags: 0, kind: entryKind.noop, payload: new Uint8Array(0) };
  };
  return { next, noop, last, of };
}

/** What was acknowledged, and whether something was said to be kept. */
const toldBy = (rig: Rig): { readonly index: number; readonly hasSalvage: boolean }[] =>
  rig.sent.flatMap((message) => {
    if (message.type !== "append_accepted") return [];
    const { index, hasSalvage } = message;
    return [{ index, hasSalvage }];
  });

it("a fast write that is discarded in the turn that brought it is told so, and nobody waits at its index for another's entry", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.write(1, "strong", put("a", "before"));
  await rig.level();
  const { next, noop, last, of } = nextLeader(lead);
  const { outcome, version } = accepted(lead.propose("fast", () => put("a", "discarded")));
  lead.receive({ type: "append", ...next, previousIndex: last, previousTerm: of, entries: [noop(1)] });
  assert.deepEqual(version, { term: of, index: last + 1 });
  await rig.rest();
  assert.equal((await rig.answer(outcome)).kind, "unknown");
  assert.equal(lead.status.persisted, last + 1);
  await rig.close();
});

it("rule 2: what is being discarded counts as kept though the fate of all that was kept before is learnt in the same turn", async () => {
  const rig = await Rig.open({ replica: { houseKeepingMilliseconds: 1_000_000 } });
  const lead = await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  const before = await rig.write(1, "fast", put("a", "kept"));
  await rig.until(() => rig.leader === 2 || rig.leader === 3, "another leader");
  await rig.elect(2);
  rig.rejoin(1);
  await rig.until(() => lead.hasSalvage, "salvage");
  await rig.level();
  await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  await rig.write(1, "fast", put("b", "discarded now"));
  const { applied } = lead;
  const { next, noop, last, of } = nextLeader(lead);
  const fates = [{ version: before.version, mergedAt: { term: applied.term, index: applied.index } }];
  rig.sent.length = 0;
  lead.receive({ type: "append", ...next, previousIndex: logIndex(last - 1), previousTerm: of, entries: [noop(0)] });
  lead.receive({ type: "salvage_settled", from: next.from, to: next.to, fates, isReleased: false });
  lead.receive({ type: "append", ...next, previousIndex: last, previousTerm: next.term, entries: [noop(1)] });
  await rig.rest();
  assert.deepEqual(toldBy(rig), [
    { index: last, hasSalvage: true },
    { index: last + 1, hasSalvage: true },
  ]);
  assert.equal(lead.hasSalvage, true, "the second one is kept, and the first is not");
  await rig.close();
});

it("rule 2: what is being discarded counts as kept while the log has no room to keep it", async () => {
  const rig = await Rig.open({ replica: { houseKeepingMilliseconds: 1_000_000 } });
  const lead = await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  await rig.write(1, "fast", put("b", "discarded now"));
  const { next, noop, last, of } = nextLeader(lead);
  const makeRoom = fillLog(rig, 1);
  rig.sent.length = 0;
  lead.receive({ type: "append", ...next, previousIndex: logIndex(last - 1), previousTerm: of, entries: [noop(0)] });
  await rig.rest();
  lead.receive({ type: "append", ...next, previousIndex: last, previousTerm: next.term, entries: [noop(1)] });
  await rig.rest();
  assert.equal(lead.hasSalvage, false, "it is not kept yet");
  makeRoom();
  await rig.rest();
  assert.deepEqual(toldBy(rig), [
    { index: last, hasSalvage: true },
    { index: last + 1, hasSalvage: true },
  ]);
  assert.equal(lead.hasSalvage, true);
  await rig.close();
});
