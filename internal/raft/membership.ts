// Changes of who belongs to a group, by joint consensus (section 4.3 of the thesis). Voters are exchanged in two entries:
//
//   A B C  --->  joint: A B D with A B C outgoing  --- committed --->  A B D
//
// From the first on, whatever is decided needs a majority of both sets; the second follows by itself, whoever leads by
// then. Learners come and go in one entry, since they count for nothing. One change at a time, none before the leader has
// committed an entry of its term, and none that removes the leader: it hands over first.

import type { ReplicaId } from "../base/ids.ts";
import { appendConfiguration } from "./appending.ts";
import { configuration, faultOf, isJoint, sameReplicas } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import { beginTransfer } from "./transfer.ts";

/** Who is to belong to the group. */
export interface Membership {
  readonly voters: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
}

export type ChangeRefusal =
  | "not_leader"
  /** The leader's term has no committed entry yet. */
  | "not_ready"
  | "no_quorum"
  | "transferring"
  /** Another change is not finished. */
  | "changing"
  /** Not three voters, somebody twice, or a voter that is to become a learner. */
  | "not_valid"
  /** A new voter is no learner yet, or lacks too much of the log. */
  | "not_caught_up"
  /** The leader would lose its seat: transfer first. */
  | "leader_leaves";

export type ChangeResult = { readonly kind: "accepted" } | { readonly kind: "refused"; readonly why: ChangeRefusal };

export function beginChange(state: RaftState, role: LeaderRole, wanted: Membership): ChangeRefusal | undefined {
  const refusal = refusalOf(state, role, wanted);
  if (refusal !== undefined) return refusal;
  const { voters, learners } = state.configuration;
  const isExchange = !sameReplicas(voters, wanted.voters);
  if (!isExchange && sameReplicas(learners, wanted.learners)) return undefined;
  appendConfiguration(state, role, configuration(wanted.voters, wanted.learners, isExchange ? voters : []));
  return undefined;
}

/** A joint configuration that is committed gives way to the new one. Asked after each commit, and at each tick. */
export function continueChange(state: RaftState, role: LeaderRole): void {
  const { index, configuration: present } = state.configurations.newest;
  if (!isJoint(present) || index > state.log.commit) return;
  if (present.voters.includes(state.id)) {
    appendConfiguration(state, role, configuration(present.voters, present.learners));
    return;
  }
  // This leader is about to leave: one that stays finishes the change.
  offerOffice(state, role);
}

/**
 * Nothing is proposed while an heir is waited for, and one that is down, doubts its clock, or waits for its disk is waited for in vain:
 * each is asked once, and when all were, writes have an election time-out before the first one is asked again.
 */
function offerOffice(state: RaftState, role: LeaderRole): void {
  const { heirs } = role;
  if (role.transfer !== undefined || state.ticks < heirs.restUntil) return;
  const { index, configuration: present } = state.configurations.newest;
  const able = present.voters.filter((id) => {
    const follower = role.followers.get(id);
    if (follower?.heardAt === undefined || follower.match < index) return false;
    return state.ticks - follower.heardAt <= 2 * state.options.heartbeatTicks;
  });
  const heir = able.find((id) => !heirs.asked.has(id));
  if (heir !== undefined) {
    heirs.asked.add(heir);
    beginTransfer(state, role, heir);
  } else if (able.length > 0) {
    heirs.asked.clear();
    heirs.restUntil = state.ticks + state.options.electionTicks;
  }
}

function refusalOf(state: RaftState, role: LeaderRole, wanted: Membership): ChangeRefusal | undefined {
  const { index, configuration: present } = state.configurations.newest;
  const { log } = state;
  if (!role.hasQuorum) return "no_quorum";
  if (role.transfer !== undefined) return "transferring";
  if (log.commit < role.firstIndex) return "not_ready";
  if (isJoint(present) || index > log.commit) return "changing";
  if (!isPossible(wanted) || wanted.learners.some((id) => present.voters.includes(id))) return "not_valid";
  if (!wanted.voters.includes(state.id)) return "leader_leaves";
  const lags = (id: ReplicaId): boolean => {
    if (present.voters.includes(id)) return false;
    const follower = role.followers.get(id);
    if (follower === undefined || follower.state !== "replicate") return true;
    return log.commit - follower.match > state.options.promotionLagMax;
  };
  return wanted.voters.some(lags) ? "not_caught_up" : undefined;
}

function isPossible(wanted: Membership): boolean {
  const inOrder = (ids: readonly ReplicaId[]): ReplicaId[] => Array.from(ids).sort((left, right) => left - right);
  const made: Configuration = { voters: inOrder(wanted.voters), outgoing: [], learners: inOrder(wanted.learners) };
  return faultOf(made) === undefined;
}
