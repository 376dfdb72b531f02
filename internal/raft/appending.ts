// How a leader puts entries of its own making into the log, and keeps to the configuration that the log holds.

import { logIndex } from "../base/ids.ts";
import { encodeConfiguration, membersOf } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import { Progress } from "./progress.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import { entryKind } from "./types.ts";

/** Appends an entry that the core itself makes. */
export function appendEntry(state: RaftState, kind: number, payload: Uint8Array): void {
  const { log } = state;
  log.append({ term: state.term, index: logIndex(log.last + 1), stamp: state.nextStamp(), flags: 0, kind, payload });
}

export function appendConfiguration(state: RaftState, role: LeaderRole, config: Configuration): void {
  appendEntry(state, entryKind.configuration, encodeConfiguration(config));
  state.configurations.append(state.log.last, config);
  followConfiguration(state, role);
}

/** A Progress for every other member, and for nobody else. */
export function followConfiguration(state: RaftState, role: LeaderRole): void {
  const members = membersOf(state.configuration);
  for (const id of role.followers.keys()) if (!members.includes(id)) role.followers.delete(id);
  for (const id of members) {
    if (id === state.id || role.followers.has(id)) continue;
    role.followers.set(id, new Progress(id, logIndex(state.log.last + 1), state.options.window));
  }
}
