// Bugs to plant in the shared log and the engine. Most of them are those that `npm run mutants:engine` looks for by its own
// means; here clusters have to suffer from them.

import { mutants } from "../mutants/mutants.ts";
import type { Scenario, SimMutant } from "./sim-mutant.ts";

const sharedNames = [
  "log opened without synced writes",
  "directory not synced before the manifest names its tables",
  "log tail not proven at restart",
  "log tail not cut",
  "short write ignored",
  "damage in the middle of a segment taken for its torn end",
  "manifest before tables",
  "edit not synced",
  "new manifest not synced",
  "name of a new manifest not synced before the switch",
  "segment made, directory not synced",
  "tombstone dropped above an older level",
  "watermark ignored",
  "expired record dropped before its horizon",
  "version of a snapshot dropped",
  "snapshot not told to the flush",
  "filter with a false negative",
  "checksum of a block not checked",
  "torn batch of the log accepted",
  "applied index ahead of the data",
  "level 0 read from old to new",
];

/** What three replicas seldom show: it takes a power cut at one of two operations of a start. */
const scenarios = new Map<string, Scenario>([
  [
    "log tail not cut",
    { file: "../log/power-cut", name: "survives a second cut at every operation of the recovery from the first" },
  ],
  [
    "name of a new manifest not synced before the switch",
    {
      file: "../../internal/engine/version/manifest-power-cut",
      name: "has every acknowledged edit and at most one more, after each operation, and after a second cut",
    },
  ],
]);

const shared = sharedNames.map((name): SimMutant => {
  const known = mutants.find((mutant) => mutant.name === name);
  if (known === undefined) throw new Error(`test/mutants has no "${name}"`);
  const scenario = scenarios.get(name);
  return scenario === undefined ? known : { ...known, scenario };
});

const replay = "internal/log/replay.ts";

export const diskMutants: readonly SimMutant[] = [
  ...shared,
  {
    name: "truncation not persisted",
    file: "internal/log/group-log.ts",
    find: "this.stageNumbers(recordType.truncation, record.truncationBytes, [index]);\n    stager.demandSync();",
    replace: "",
  },
  {
    name: "hard state not persisted",
    file: "internal/log/group-log.ts",
    find: "this.stageHardState(newTerm, vote);\n    this.parts.stager.demandSync();",
    replace: "this.state.noteHardState(newTerm, vote, this.state.commit);",
  },
  {
    name: "rule 22: salvage of a segment that goes is not carried over",
    file: replay,
    find: "state.keepSalvage({ term: record.termOf(kept, 0), index: record.indexOf(kept, 0), bytes: kept });",
    replace: "",
  },
  {
    name: "purge of a segment that a lagging replica or a snapshot still needs",
    file: "internal/log/janitor.ts",
    find: 'if (Math.max(first, needed + 1) <= Math.min(last, state.flushed)) return "kept";',
    replace: "",
  },
  {
    name: "rule 22: entries that are not flushed go with their segment",
    file: "internal/log/janitor.ts",
    find: 'if (last > state.flushed) hold = "carry";',
    replace: "",
  },
  {
    name: "rule 4: horizon of garbage as of now instead of the last flush",
    file: "internal/engine/compactor.ts",
    find: "const { horizons } = core.state;",
    replace: "const horizons = core.memtables.active.horizons;",
  },
];
