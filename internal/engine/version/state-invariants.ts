// What holds of every state of the engine. Asserted before a state is written, asked of what is read back,
// where a breach is damage and not a bug.

import type { Incarnation } from "../../base/ids.ts";
import { faultOf, recencyOf } from "./version.ts";
import type { EngineState } from "./version-edit.ts";

/** What is wrong with a state, or undefined. */
export function faultOfState(state: EngineState): string | undefined {
  return faultOf(state.version) ?? faultOfTables(state) ?? faultOfIncarnations(state);
}

function faultOfTables({ version, nextFileNumber, lastSequence }: EngineState): string | undefined {
  for (const tables of version.levels) {
    for (const table of tables) {
      const { number } = table;
      if (number >= nextFileNumber) return `table ${number} is there, but the next number is ${nextFileNumber}`;
      const newest = recencyOf(table);
      if (newest > lastSequence) {
        return `table ${number} holds sequence ${newest}, but the last sequence is ${lastSequence}`;
      }
    }
  }
  return undefined;
}

function faultOfIncarnations(state: EngineState): string | undefined {
  const { groups, applied, horizons, dead, nextIncarnation } = state;
  const living = new Set<Incarnation>();
  for (const [group, { incarnation: of }] of groups) {
    if (living.has(of)) return `two groups have incarnation ${of}, group ${group} is one of them`;
    if (dead.has(of)) return `incarnation ${of} is dead, but group ${group} has it`;
    living.add(of);
  }
  for (const of of [...living, ...dead]) {
    if (of >= nextIncarnation) return `incarnation ${of} is there although the next to be given is ${nextIncarnation}`;
  }
  for (const of of [...applied.keys(), ...horizons.keys()]) {
    if (!living.has(of)) return `there is an applied index or a horizon of incarnation ${of}, which no group has`;
  }
  return undefined;
}
