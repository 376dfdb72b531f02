// Handing the leadership over (section 3.10 of the thesis): the leader takes no more proposals, waits until the target has
// its whole log, and bids it stand at once. If nothing has come of it within an election time-out, all goes on as before.

import type { ReplicaId } from "../base/ids.ts";
import type { LeaderRole, RaftState } from "./state.ts";

export type TransferRefusal = "not_leader" | "not_a_voter" | "transferring";

export function beginTransfer(state: RaftState, role: LeaderRole, target: ReplicaId): TransferRefusal | undefined {
  if (target === state.id) return undefined;
  const { configuration } = state;
  // Who is about to leave is no heir.
  if (!configuration.voters.includes(target)) return "not_a_voter";
  if (role.transfer !== undefined) return role.transfer.target === target ? undefined : "transferring";
  role.transfer = { target, elapsed: 0, isSent: false };
  continueTransfer(state, role);
  return undefined;
}

export function continueTransfer(state: RaftState, role: LeaderRole): void {
  const { transfer } = role;
  if (transfer === undefined || transfer.isSent) return;
  const { last } = state.log;
  if (role.followers.get(transfer.target)?.match !== last) return;
  transfer.isSent = true;
  state.send({ type: "transfer_now", from: state.id, to: transfer.target, term: state.term, lastIndex: last });
}

export function tickTransfer(state: RaftState, role: LeaderRole): void {
  const { transfer } = role;
  if (transfer === undefined) return;
  transfer.elapsed++;
  if (transfer.elapsed >= state.options.electionTicks) role.transfer = undefined;
}
