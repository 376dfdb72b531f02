// What must hold in an engine between any two turns, checked at the price of a walk over its memtables and its
// version: for tests and for the simulator. Each finding is a bug, so each is an assertion.

import { assert } from "../base/assert.ts";
import type { EngineCore } from "./core.ts";
import { checkInvariants } from "./memtable/invariants.ts";
import { faultOfState } from "./version/state-invariants.ts";

export function checkEngine(core: EngineCore): void {
  const { state, memtables, versions } = core;
  const fault = faultOfState(state);
  assert(fault === undefined, "the state is unsound", { fault });
  assert(state.version === versions.current, "readers see another version than the state's");
  // Each memtable begins where the one before it ends. Tables that came in from outside may be newer than all.
  let newest = 0;
  for (const slot of [...memtables.sealed, memtables.active]) {
    const { memtable, lastSequence } = slot;
    checkInvariants(memtable);
    if (memtable.entries > 0) {
      const { sequenceLeast, sequenceGreatest } = memtable;
      assert(sequenceLeast > newest, "a memtable holds what is older than the memtable before it", {
        sequenceLeast,
        newest,
      });
      assert(sequenceGreatest <= lastSequence, "a memtable holds what is newer than it says", {
        sequenceGreatest,
        lastSequence,
      });
    }
    newest = Math.max(newest, lastSequence);
  }
  newest = Math.max(newest, state.lastSequence);
  assert(newest <= core.lastSequence, "something is newer than the newest write", {
    newest,
    lastSequence: core.lastSequence,
  });
  for (const [of, index] of memtables.active.applied) {
    const before = state.applied.get(of) ?? 0;
    assert(index >= before, "memory is behind the tables", { incarnation: of, index, before });
  }
}
