// What a leader does: it opens its term with an entry of its own, hears what its followers have, and commits what a
// quorum has durably (sections 5.3, 5.4.2 and 8 of the paper). What it sends them stands in sending.ts.
//
// A leader that hears no quorum for an election time-out keeps its office, but lets it be known: nothing that it sends then
// holds back an election elsewhere. One whose disk hangs, or whose stamps are not believed, gives it up.

import { logIndex } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import { appendEntry, followConfiguration } from "./appending.ts";
import { membersOf } from "./configuration.ts";
import { continueChange } from "./membership.ts";
import type { AppendAccepted, AppendRejected, HeartbeatAnswer } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { isQuorum, reachedByQuorum } from "./quorum.ts";
import { ReadRounds } from "./read-rounds.ts";
import { answerConfirmedReads } from "./reading.ts";
import { repeatOffer } from "./sending.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import { continueTransfer, tickTransfer } from "./transfer.ts";
import { entryKind } from "./types.ts";

const nothing = new Uint8Array(0);

export function lead(state: RaftState): void {
  const firstIndex = logIndex(state.log.last + 1);
  const role: LeaderRole = {
    kind: "leader",
    followers: new Map(),
    firstIndex,
    since: state.ticks,
    reads: new ReadRounds(),
    hasQuorum: true,
    diskElapsed: 0,
    transfer: undefined,
    heirs: { asked: new Set(), restUntil: 0 },
  };
  state.becomeLeader(role);
  followConfiguration(state, role);
  // Who voted was heard just now; the others have a time-out's grace.
  for (const follower of role.followers.values()) follower.heardAt = state.ticks;
  appendEntry(state, entryKind.noop, nothing);
}

export function tickLeader(state: RaftState, role: LeaderRole): void {
  judgeQuorum(state, role);
  if (judgeDisk(state, role) === "hung") return;
  if (state.isTooFarAhead(state.log.lastStamp)) {
    state.stepDown();
    return;
  }
  tickTransfer(state, role);
  continueChange(state, role);
  // By the count of ticks, not by when it came to lead: heartbeats of all that tick together fall into one turn.
  if (state.ticks % state.options.heartbeatTicks === 0) sendHeartbeats(state, role);
}

export function sendHeartbeats(state: RaftState, role: LeaderRole): void {
  const round = role.reads.begin();
  for (const follower of role.followers.values()) {
    state.send({
      type: "heartbeat",
      from: state.id,
      to: follower.id,
      term: state.term,
      hasQuorum: role.hasQuorum,
      commit: logIndex(Math.min(follower.match, state.log.commit)),
      round,
    });
    if (follower.state === "snapshot") repeatOffer(state, role, follower);
  }
}

export function onAppendAccepted(state: RaftState, role: LeaderRole, message: AppendAccepted): void {
  const follower = hear(state, role, message);
  if (follower === undefined) return;
  if (follower.state === "snapshot") {
    // It may have become whole by the snapshot, or by entries of an earlier leader; or it has the snapshot, and the log has
    // gone on so far that it needs another one.
    const isInstalled = follower.offered !== undefined && message.index >= follower.offered.mark.index;
    if (message.index < state.log.base && !isInstalled) return;
    follower.becomeReplicate();
  }
  follower.movedAt = state.ticks;
  // One that comes after a newer one is silent about salvage that began in between.
  if (message.index >= follower.match) follower.hasSalvage = message.hasSalvage;
  if (message.index > follower.match) {
    follower.matchRound = role.reads.round;
    follower.refusesStamps = false;
  }
  follower.accepted(message.index);
  // Of one that has taken more since, it says nothing any more.
  if (message.isClockRefused && message.index >= follower.match) {
    onClockRefused(state, role, follower);
    return;
  }
  commitReached(state, role);
  if (state.role === role) continueTransfer(state, role);
}

export function onAppendRejected(state: RaftState, role: LeaderRole, message: AppendRejected): void {
  const follower = hear(state, role, message);
  if (follower === undefined) return;
  // Where its log may agree, it has a term of at most hintTerm: what is newer here need not be tried.
  const retry = state.log.lastOfTermAtMost(message.hintIndex, message.hintTerm);
  follower.rejected(message.rejected, logIndex(retry + 1));
}

export function onHeartbeatAnswer(state: RaftState, role: LeaderRole, message: HeartbeatAnswer): void {
  const follower = hear(state, role, message);
  if (follower === undefined) return;
  follower.round = Math.max(follower.round, message.round);
  // Asked after it had all that it is known to have: what it discarded for that, it had discarded.
  if (message.round > follower.matchRound) follower.hasSalvage = message.hasSalvage;
  // Heartbeats get through and nothing is heard of appends: one was lost. Begin again behind what is known.
  const isSilent = state.ticks - follower.movedAt > state.options.electionTicks;
  if (follower.state === "replicate" && !follower.inFlight.isEmpty && isSilent) follower.becomeProbe();
  follower.repeatProbe();
  answerConfirmedReads(state, role, confirmedRound(state, role));
}

/** What is durable here counts like a follower's. */
export function onOwnPersisted(state: RaftState, role: LeaderRole): void {
  role.diskElapsed = 0;
  commitReached(state, role);
}

/**
 * The least index that all voters are known to have, when none of them keeps salvaged entries; undefined while that
 * is not known of each in this term. What the watermark may rise to.
 */
export function matchedByAll(state: RaftState, role: LeaderRole, awayTicks: number): LogIndex | undefined {
  if (state.hasSalvage) return undefined;
  let least: number = state.log.persisted;
  for (const id of membersOf({ ...state.configuration, learners: [] })) {
    if (id === state.id) continue;
    const follower = role.followers.get(id);
    if (follower === undefined) return undefined;
    if (state.ticks - (follower.heardAt ?? role.since) > awayTicks) continue;
    if (follower.match === 0 || follower.hasSalvage) return undefined;
    least = Math.min(least, follower.match);
  }
  return logIndex(least);
}

/** An answer of the present term; undefined when it comes from nobody who is followed. */
function hear(
  state: RaftState,
  role: LeaderRole,
  message: AppendAccepted | AppendRejected | HeartbeatAnswer,
): Progress | undefined {
  const follower = role.followers.get(message.from);
  if (follower === undefined) return undefined;
  follower.heardAt = state.ticks;
  // That it keeps some is believed at once; that it keeps none, only of an answer that is no older than its match.
  if (message.hasSalvage) follower.hasSalvage = true;
  return follower;
}

/** Commits what a quorum has durably, when the last of it is of this term: older entries come along. */
function commitReached(state: RaftState, role: LeaderRole): void {
  const { log } = state;
  const reached = logIndex(
    reachedByQuorum(state.configuration, (id) => {
      return id === state.id ? log.persisted : (role.followers.get(id)?.match ?? 0);
    }),
  );
  if (reached <= log.commit || log.termOf(reached) !== state.term) return;
  log.commitTo(reached);
  state.configurations.settle(reached);
  continueChange(state, role);
}

/** The newest round of heartbeats that a quorum has answered. */
export function confirmedRound(state: RaftState, role: LeaderRole): number {
  return reachedByQuorum(state.configuration, (id) => {
    return id === state.id ? role.reads.round : (role.followers.get(id)?.round ?? 0);
  });
}

function judgeQuorum(state: RaftState, role: LeaderRole): void {
  const { electionTicks } = state.options;
  role.hasQuorum = isQuorum(state.configuration, (id) => {
    if (id === state.id) return true;
    const heardAt = role.followers.get(id)?.heardAt;
    return heardAt !== undefined && state.ticks - heardAt <= electionTicks;
  });
  if (role.hasQuorum) return;
  for (const read of role.reads.takeAll()) state.refuseRead(read.from, read.context, "no_quorum");
}

/** A leader whose disk hangs keeps nobody waiting: another one can do its work. */
function judgeDisk(state: RaftState, role: LeaderRole): "well" | "hung" {
  if (state.log.persisted === state.log.last) role.diskElapsed = 0;
  else role.diskElapsed++;
  if (role.diskElapsed <= state.options.electionTicks) return "well";
  state.stepDown();
  return "hung";
}

/** Followers whose agreement is needed do not believe the stamps: this leader's clock is wrong, or theirs are. */
function onClockRefused(state: RaftState, role: LeaderRole, follower: Progress): void {
  follower.refusesStamps = true;
  follower.stampsRefusedAt = state.ticks;
  follower.becomeProbe();
  const isPossible = isQuorum(state.configuration, (id) => {
    return id === state.id || role.followers.get(id)?.refusesStamps !== true;
  });
  if (!isPossible) state.stepDown();
}
