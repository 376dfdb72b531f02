// How a leader is found: pre-votes, votes, and who gets them (sections 5.2, 5.4 of the paper; 4.2.3 and 9.6 of the thesis).
//
// A replica that hears of no leader first asks whether it would win (pre-vote); only then does it raise its term. Who has
// heard of a leader lately refuses both, so that a replica that was cut off disturbs nobody when it comes back. A vote
// counts, one's own too, when it is durable.

import { nobody, term } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { isMember, membersOf } from "./configuration.ts";
import { lead } from "./leading.ts";
import type { PreVote, PreVoteAnswer, TransferNow, Vote, VoteAnswer } from "./messages.ts";
import { countVotes } from "./quorum.ts";
import type { RaftState } from "./state.ts";

export function tickElection(state: RaftState): void {
  state.electionElapsed++;
  state.leaderElapsed++;
  if (state.electionElapsed < state.electionTimeout) return;
  if (state.mayStand) standBefore(state);
  else state.restartElection();
}

/** Asks whether an election would be won. */
function standBefore(state: RaftState): void {
  state.becomePreCandidate();
  for (const to of otherVoters(state)) {
    state.send({
      type: "pre_vote",
      from: state.id,
      to,
      term: term(state.term + 1),
      lastIndex: state.log.last,
      lastTerm: state.log.lastTerm,
      configurationIndex: state.configurations.newest.index,
    });
  }
  countElection(state);
}

function stand(state: RaftState, isTransfer: boolean): void {
  state.becomeCandidate(isTransfer);
  // Votes are asked for when the own term is durable: a crash must not make room for another vote in it.
  for (const to of otherVoters(state)) {
    state.sendAfterPersist({
      type: "vote",
      from: state.id,
      to,
      term: state.term,
      lastIndex: state.log.last,
      lastTerm: state.log.lastTerm,
      isTransfer,
    });
  }
}

/** The present term and vote are durable: a candidate's own vote counts from now on. */
export function countOwnVote(state: RaftState): void {
  if (state.role.kind !== "candidate" || state.role.votes.has(state.id)) return;
  state.role.votes.set(state.id, true);
  countElection(state);
}

export function onPreVote(state: RaftState, message: PreVote): void {
  const isSticky = state.isLoyal;
  const isGood = message.term > state.term && state.log.isUpToDate(message.lastIndex, message.lastTerm);
  const isGranted = isGood && !isSticky;
  state.send({
    type: "pre_vote_answer",
    from: state.id,
    to: message.from,
    // A grant is for the term that was asked for; a refusal tells the present one, so that who lags catches up.
    term: isGranted ? message.term : state.term,
    isGranted,
    isSticky: isGood && isSticky,
    isRemoved: isRemoved(state, message),
  });
}

/**
 * Nobody else tells a replica that has lost its seat: its leader has not sent to it since. No voter that left
 * becomes one again, so who is left out by a later configuration than it knows stands no more; as a learner it would not.
 */
function isRemoved(state: RaftState, { from, configurationIndex }: PreVote): boolean {
  const { index, configuration } = state.configurations.committed;
  return index > configurationIndex && !isMember(configuration, from);
}

export function onPreVoteAnswer(state: RaftState, message: PreVoteAnswer): void {
  if (message.isRemoved && !state.isLeader) {
    state.isRemoved = true;
    if (state.role.kind !== "follower") state.becomeFollower(state.term, nobody);
    return;
  }
  if (state.role.kind !== "pre_candidate") return;
  if (message.isGranted && message.term !== state.term + 1) return;
  state.role.votes.set(message.from, message.isGranted);
  // Whoever saw its connection to the leader close expects others to see the same in a moment.
  if (message.isSticky) state.hurryElection();
  countElection(state);
}

/** REQUIRES: the message is of the present term. */
export function onVote(state: RaftState, message: Vote): void {
  // Who asks again is answered again; a term that has its leader needs no other vote.
  const isFree = state.vote === message.from || (state.vote === nobody && state.leader === nobody);
  const isGranted = isFree && state.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (isGranted) {
    state.vote = message.from;
    state.restartElection();
  }
  const { id: from, term: present } = state;
  state.sendAfterPersist({ type: "vote_answer", from, to: message.from, term: present, isGranted });
}

export function onVoteAnswer(state: RaftState, message: VoteAnswer): void {
  if (state.role.kind !== "candidate") return;
  state.role.votes.set(message.from, message.isGranted);
  // Others, having lost the same leader, stood at the same time, and nobody may have a majority.
  if (!message.isGranted) state.hurryElection(true);
  countElection(state);
}

/** REQUIRES: it comes from this follower's leader. That one hands over: no pre-vote, and nobody holds on to the old one. */
export function onTransferNow(state: RaftState, message: TransferNow): void {
  if (!state.mayStand) return;
  // It came late, perhaps a second time: the leader has gone on since.
  if (message.lastIndex !== state.log.last) return;
  stand(state, true);
}

/** The last connection to a replica closed. */
export function onConnectionLost(state: RaftState, lost: ReplicaId): void {
  if (state.leader !== lost || state.role.kind !== "follower") return;
  state.leaderLost = { id: lost, at: state.ticks };
  state.hurryElection();
}

function countElection(state: RaftState): void {
  const { role } = state;
  if (role.kind !== "pre_candidate" && role.kind !== "candidate") return;
  const count = countVotes(state.configuration, role.votes);
  if (count === "open") return;
  // Since it asked, its clock may have fallen back, or its seat may be gone.
  const mayNot = role.kind === "pre_candidate" && !state.mayStand;
  if (count === "lost" || mayNot) {
    // The time-out goes on.
    state.becomeFollower(state.term, nobody);
    return;
  }
  if (role.kind === "pre_candidate") stand(state, false);
  else lead(state);
}

function otherVoters(state: RaftState): ReplicaId[] {
  const { voters, outgoing } = state.configuration;
  return membersOf({ voters, outgoing, learners: [] }).filter((id) => id !== state.id);
}
