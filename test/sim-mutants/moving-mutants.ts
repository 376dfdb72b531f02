// Bugs to plant in what comes and goes: slots that move, records that come with them, and replicas that are removed for good.

import type { SimMutant } from "./sim-mutant.ts";

const sameAfterRestart =
  "rule 18: is the same after a restart without a flush, with one, and on a replica made by a snapshot";

export const movingMutants: readonly SimMutant[] = [
  {
    name: "rule 25: a load over a newer version",
    file: "internal/replica/decide-load.ts",
    find: 'const wins = judgeMerge(write, present) === "wins";',
    replace: 'const wins = judgeMerge(write, present) !== "repeated";',
  },
  {
    name: "a load of two writes of one version",
    file: "internal/replica/command-check.ts",
    find: "const twice = differentTwin(writes);",
    replace: "const twice = differentTwin(writes.slice(0, 1));",
    scenario: {
      file: "loads",
      name: "of two different writes of one version to one key is refused before it is in the log",
    },
  },
  {
    name: "loads pass a full disk",
    file: "internal/replica/proposing.ts",
    find: "const why = refusalForRoom(kind === commandKind.load, this.parts.circumstances());",
    replace: "const why = refusalForRoom(false, this.parts.circumstances());",
    scenario: {
      file: "loads",
      name: "is refused while the disk is full or the engine is behind, and slots move on all the same",
    },
  },
  {
    name: "rule 25: a load into a slot that was opened meanwhile",
    file: "internal/replica/decide-load.ts",
    find: "(slot) => since >= entry.index || !state.slots.takesLoads(slot, since)",
    replace: "(slot) => since >= entry.index && !state.slots.takesLoads(slot, since)",
    scenario: {
      file: "loads",
      name: "rule 25: that is repeated after its slot was opened has no effect, wherever a later deletion was collected",
    },
  },
  {
    name: "rule 25: what a load deleted is collected while more may come",
    file: "internal/replica/moving-slots.ts",
    find: "const isHeld = this.firstLoad !== stampZero && this.firstLoad <= watermark;",
    replace: "const isHeld = this.firstLoad !== stampZero && this.firstLoad < 0;",
    scenario: {
      file: "loads",
      name: "rule 25: that is repeated brings nothing back that a later one deleted, wherever garbage was collected",
    },
  },
  {
    name: "rule 25: that records come in is forgotten by a restart",
    file: "internal/replica/applier.ts",
    find: "this.putSlots(state.slots.loaded(decision.slots, entry.stamp));",
    replace: "state.slots.loaded(decision.slots, entry.stamp);",
    scenario: { file: "rules-state", name: sameAfterRestart },
  },
  {
    name: "rule 25: a slot that was opened is sealed again by a restart",
    file: "internal/replica/applier.ts",
    find: "if (record === undefined) this.batch.delete(slotKey(slot), last);",
    replace: "if (record === undefined) continue;",
    scenario: { file: "rules-state", name: sameAfterRestart },
  },
  {
    name: "rule 25: a load meets tombstones that others have collected",
    file: "internal/replica/decide-load.ts",
    find: "const present = found !== undefined && isCollectable(found, horizon) ? undefined : found;",
    replace:
      "const present = found !== undefined && isCollectable(found, found.stamp) && horizon < 0 ? undefined : found;",
    scenario: { file: "loads", name: "rule 25: meets what may be collected as if it were" },
  },
  {
    name: "rule 25: a slot that was elsewhere takes writes from before",
    file: "internal/replica/applier.ts",
    find: "if (state.slots.isClosed(slot) || state.slots.isVoid(slot, write.version))",
    replace: "if (state.slots.isClosed(slot))",
    scenario: {
      file: "loads",
      name: "rule 25: takes no writes that a log lost before it came back, over restarts too",
    },
  },
  {
    name: "rule 9: a slot opened in a term that is not above that of its former group",
    file: "internal/replica/proposing.ts",
    find: 'if (command.mode === "open" && raft.status.term <= command.above) return { kind: "refused", why: "term_too_low" };',
    replace: "",
    also: [
      {
        file: "internal/replica/moving-slots.ts",
        find: 'return mode === "open" && entry.term <= above;',
        replace: 'return mode === "open" && entry.term < above && above < 0;',
      },
    ],
  },
  {
    name: "rule 12: a removed replica keeps nothing of what only it has",
    file: "internal/replica/retired-replica.ts",
    find: "if (group.lastIndex > commit) {",
    replace: "if (group.lastIndex < 0) {",
    scenario: {
      file: "retired",
      name: "rule 12: salvages its fast entries through the group's leader and erases its data when each has its fate",
    },
  },
  {
    name: "rule 12: a voter that has left comes back as one under its id",
    file: "internal/replica/replica.ts",
    find: "if (newcomers.some(comesBack)) return",
    replace: "if (newcomers.some(comesBack) && newcomers.length < 0) return",
    scenario: {
      file: "departing",
      name: "rule 12: does not come back as a voter under its id; a new id does",
    },
  },
  {
    name: "rule 12: a voter that left comes back under its id once the group is done with it",
    file: "internal/replica/departures.ts",
    find: "return id > this.greatest;",
    replace: "return !this.left.has(id);",
    scenario: {
      file: "departing",
      name: "rule 12: does not come back under its id when the group waits for it no more, and its disk is empty",
    },
  },
  {
    name: "rule 12: a voter that said that it keeps nothing takes part again",
    file: "internal/replica/departures.ts",
    find: "if (!this.released.has(id)) return undefined;",
    replace: "if (!this.released.has(id) || id > 0) return undefined;",
    scenario: {
      file: "retired",
      name: "rule 12: takes no part from where its log says so, before it takes any fast writes",
    },
  },
];
