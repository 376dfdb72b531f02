import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultRig } from "../../test/engine/fault-rig.ts";
import { AssertionFailure } from "../base/assert.ts";
import { logIndex, sequence } from "../base/ids.ts";
import type { EngineCore } from "./core.ts";
import { emptyVersion } from "./version/version.ts";

/** An engine with a table, a sealed memtable, and an active one. */
async function soundEngine(): Promise<{ rig: FaultRig; core: EngineCore }> {
  const rig = await FaultRig.open();
  await rig.table(10);
  rig.holdJobs();
  while (rig.engine.stats().memtablesSealed < 1) await rig.life.fill(rig.of, 1, 3000);
  return { rig, core: Reflect.get(rig.engine, "core") as EngineCore };
}

const breaches: readonly (readonly [string, RegExp, (core: EngineCore) => void])[] = [
  ["a newest write that is older than one in memory", /newest write/, (core) => (core.lastSequence = sequence(11))],
  ["readers that see another version", /another version/, (core) => core.versions.install(emptyVersion, [])],
  [
    "memtables out of order",
    /older than the memtable before it/,
    ({ memtables }) => {
      const [oldest] = memtables.sealed;
      assert.ok(oldest !== undefined);
      oldest.lastSequence = sequence(1_000_000);
    },
  ],
  [
    "an applied index that went back",
    /behind the tables/,
    ({ memtables, living }) => {
      for (const of of living) memtables.active.applied.set(of, logIndex(1));
    },
  ],
];

describe("an engine's invariants", () => {
  for (const [what, message, breach] of breaches) {
    it(`hold, and notice ${what}`, async () => {
      const { rig, core } = await soundEngine();
      rig.engine.checkInvariants();
      breach(core);
      assert.throws(
        () => rig.engine.checkInvariants(),
        (failure) => failure instanceof AssertionFailure && message.test(failure.message),
      );
      rig.resumeJobs();
      await rig.engine.close();
    });
  }
});
