// Linearizable reads, on the leader and on behalf of followers. See read-rounds.ts for why they are right.

import type { ReplicaId } from "../base/ids.ts";
import type { ReadConfirmed, ReadRefused, ReadRequest } from "./messages.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import type { ReadRefusal } from "./types.ts";
import { nobody } from "../base/ids.ts";

/** A read of this replica's own caller; its answer comes in a Ready under the context that is returned. */
export function beginRead(state: RaftState): number {
  const context = state.readContext++;
  const { role } = state;
  if (role.kind === "leader") {
    takeRead(state, role, { from: state.id, context });
  } else if (state.leader === nobody) {
    state.answerRead({ kind: "refused", context, why: "no_leader" });
  } else if (state.forwardedReads.size >= state.options.readsMax) {
    state.answerRead({ kind: "refused", context, why: "busy" });
  } else {
    state.forwardedReads.set(context, state.ticks);
    state.send({ type: "read", from: state.id, to: state.leader, term: state.term, context });
  }
  return context;
}

/** A request or an answer on the way may be lost: nobody waits for ever. */
export function tickReads(state: RaftState): void {
  for (const [context, askedAt] of state.forwardedReads) {
    // In the order in which they were asked.
    if (state.ticks - askedAt <= 2 * state.options.electionTicks) return;
    state.forwardedReads.delete(context);
    state.answerRead({ kind: "refused", context, why: "no_leader" });
  }
}

export function onReadRequest(state: RaftState, message: ReadRequest): void {
  const { role } = state;
  if (role.kind === "leader") takeRead(state, role, message);
  else state.refuseRead(message.from, message.context, "no_leader");
}

export function onReadConfirmed(state: RaftState, message: ReadConfirmed): void {
  if (!state.forwardedReads.delete(message.context)) return;
  const { context, commit, last, time } = message;
  state.answerRead({ kind: "confirmed", context, commit, last, time });
}

export function onReadRefused(state: RaftState, message: ReadRefused): void {
  if (!state.forwardedReads.delete(message.context)) return;
  state.answerRead({ kind: "refused", context: message.context, why: message.why });
}

/** A quorum has answered heartbeats up to `round`. */
export function answerConfirmedReads(state: RaftState, role: LeaderRole, round: number): void {
  for (const { from, context, commit, last, time } of role.reads.take(round)) {
    if (from === state.id) state.answerRead({ kind: "confirmed", context, commit, last, time });
    else
      state.send({ type: "read_confirmed", from: state.id, to: from, term: state.term, context, commit, last, time });
  }
}

function takeRead(state: RaftState, role: LeaderRole, read: { from: ReplicaId; context: number }): void {
  const why = refusalOf(state, role);
  if (why !== undefined) {
    state.refuseRead(read.from, read.context, why);
    return;
  }
  const { from, context } = read;
  const { commit, last } = state.log;
  role.reads.add({ from, context, commit, last, time: state.hybridNow });
}

function refusalOf(state: RaftState, role: LeaderRole): ReadRefusal | undefined {
  if (!role.hasQuorum) return "no_quorum";
  // Before that, entries of earlier terms may be committed without this leader's knowing it.
  if (state.log.commit < role.firstIndex) return "not_ready";
  if (role.reads.count >= state.options.readsMax) return "busy";
  return undefined;
}
