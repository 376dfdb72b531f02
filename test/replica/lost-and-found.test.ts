// Salvaged writes that could not take effect are kept whole while there is room for them, on all replicas alike.

import assert from "node:assert/strict";
import { it } from "node:test";
import { decodeFate } from "../../internal/replica/fates.ts";
import { fateKey } from "../../internal/replica/group-state.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { put, Rig } from "./rig.ts";

it("a salvaged write that could not take effect is kept whole while the lost-and-found has room, and then its fate alone", async () => {
  const rig = await Rig.open();
  await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  const keys = ["a", "b", "c"];
  const lost: WriteOutcome[] = [];
  for (const key of keys) lost.push(await rig.write(1, "fast", put(key, "x".repeat(6 * 1024 * 1024))));
  await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
  const leader = rig.leader as number; // what was waited for
  await rig.elect(leader);
  for (const key of keys) await rig.write(leader, "strong", put(key, "newer"));
  rig.rejoin(1);
  await rig.until(() => rig.replica(1).hasSalvage, "what its log lost");
  await rig.until(() => !rig.replica(1).hasSalvage, "their fates");
  await rig.level();
  for (const id of [1, 2, 3]) {
    const { engine } = rig.node(id);
    const kept: boolean[] = [];
    for (const { version } of lost) {
      assert.equal(await rig.replica(id).receiptOf(version), "superseded");
      const record = await engine?.get(rig.replica(id).incarnation, fateKey(version.term, version.index));
      assert.ok(record !== undefined);
      kept.push(decodeFate(record.payload).write !== undefined);
    }
    assert.equal(kept.filter(Boolean).length, 2);
  }
  await rig.close();
});
