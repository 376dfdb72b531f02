// Bugs to plant in what comes and goes: slots that move, records that come with them, and replicas that are removed for good.

import type { SimMutant } from "./sim-mutant.ts";

export const movingMutants: readonly SimMutant[] = [
  {
    name: "rule 25: a load over a newer version",
    file: "internal/replica/applier.ts",
    find: 'if (judgeMerge(write, records.get(name)) !== "wins") continue;',
    replace: "",
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
    name: "rule 9: a slot opened in a term that is not above that of its former group",
    file: "internal/replica/proposing.ts",
    find: 'if (command.mode === "open" && raft.status.term <= command.above) return { kind: "refused", why: "term_too_low" };',
    replace: "",
    also: [
      {
        file: "internal/replica/slots-command.ts",
        find: 'if (mode === "open" && last.term <= above) return false;',
        replace: "",
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
];
