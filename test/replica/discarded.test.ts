// Writes whose entries are discarded before the log was ever given them.

import assert from "node:assert/strict";
import { it } from "node:test";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { entryKind } from "../../internal/raft/types.ts";
import { accepted, put, Rig } from "./rig.ts";

it("a fast write that is discarded in the turn that brought it is told so, and nobody waits at its index for another's entry", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.write(1, "strong", put("a", "before"));
  await rig.level();
  const { last, term: of, lastStamp } = lead.status;
  const { outcome, version } = accepted(lead.propose("fast", () => put("a", "discarded")));
  const noop = { index: logIndex(last + 1), term: term(of + 1), stamp: stamp(lastStamp + 1), flags: 0 };
  lead.receive({
    type: "append",
    from: replicaId(2),
    to: replicaId(1),
    term: term(of + 1),
    previousIndex: last,
    previousTerm: of,
    entries: [{ ...noop, kind: entryKind.noop, payload: new Uint8Array(0) }],
    commit: last,
    hasQuorum: true,
  });
  assert.deepEqual(version, { term: of, index: last + 1 });
  await rig.rest();
  assert.equal((await rig.answer(outcome)).kind, "unknown");
  assert.equal(lead.status.persisted, last + 1);
  await rig.close();
});
