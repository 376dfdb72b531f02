// The way of a message into the core: can it be one of ours, what does its term say, and who deals with it.
//
// Terms are the logical clock of a group (section 5.1 of the paper). A newer one makes everybody a follower, except that
// a pre-vote only asks about one, and that a vote nobody needs, because a leader was heard lately, raises none. Messages
// of an older term are void; a leader of an older term, and whoever asks for votes in one, is told the present one, and a
// read is refused.

import { logIndex, nobody } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { onPreVote, onPreVoteAnswer, onTransferNow, onVote, onVoteAnswer } from "./election.ts";
import { onAppend, onHeartbeat, onSnapshot } from "./following.ts";
import { onAppendAccepted, onAppendRejected, onHeartbeatAnswer } from "./leading.ts";
import { messageFault } from "./message-check.ts";
import { isFromLeader } from "./messages.ts";
import type { Append, Heartbeat, Message, SnapshotMessage, TransferNow } from "./messages.ts";
import { onReadConfirmed, onReadRefused, onReadRequest } from "./reading.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import type { Entry } from "./types.ts";

export type StepResult =
  | { readonly kind: "taken" }
  /** It cannot be a message for this replica, whatever happened on the way. Nothing was changed. */
  | { readonly kind: "refused"; readonly why: string };

export function stepMessage(state: RaftState, message: Message): StepResult {
  const fault = messageFault(message, state.id) ?? contradiction(state, message);
  if (fault !== undefined) return { kind: "refused", why: `${message?.type}: ${fault}` };
  if (message.term > state.term && !meetTerm(state, message)) return taken;
  if (message.term < state.term) {
    answerOldTerm(state, message);
    return taken;
  }
  dispatch(state, message);
  return taken;
}

const taken: StepResult = Object.freeze({ kind: "taken" });

/** What would break what Raft has proved: it was not sent by a replica that keeps the rules. */
function contradiction(state: RaftState, message: Message): string | undefined {
  const { log } = state;
  if (message.term === state.term) {
    if (state.role.kind === "leader") {
      const fault = answerContradiction(state, state.role, message);
      if (fault !== undefined) return fault;
    }
    const isOther = state.isLeader || (state.leader !== nobody && state.leader !== message.from);
    if (isOther && isFromLeader(message)) return "a second leader in one term";
  }
  if (message.type !== "append" || message.term < state.term) return undefined;
  for (const entry of message.entries) {
    if (entry.index > log.commit) break;
    const known = log.termOf(entry.index);
    if (known !== undefined && known !== entry.term) return `another entry ${entry.index} than the committed one`;
  }
  return newEntriesFault(state, message);
}

/** Of entries that would get into the log: one whose stamp does not grow from what it follows there, or that nobody could apply. */
function newEntriesFault(
  { log, entries: source }: RaftState,
  { previousIndex, previousTerm, entries }: Append,
): string | undefined {
  if (previousIndex >= log.commit && !log.agreesAt(previousIndex, previousTerm)) return undefined;
  const isHere = ({ index, term }: Entry): boolean =>
    index <= log.commit || (index <= log.last && log.agreesAt(index, term));
  const first = entries.findIndex((entry) => !isHere(entry));
  if (first < 0) return undefined;
  const { index, stamp } = entries[first] as Entry; // just found
  const before = log.stampOf(logIndex(index - 1));
  if (before !== undefined && stamp <= before) return `entry ${index} stamped ${stamp} behind ${before}`;
  if (source.faultOf === undefined) return undefined;
  for (let at = first; at < entries.length; at++) {
    const fault = source.faultOf(entries[at] as Entry);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** An answer to what this leader has not said in its term. */
function answerContradiction(state: RaftState, role: LeaderRole, message: Message): string | undefined {
  const { last } = state.log;
  if (message.type === "append_accepted" && message.index > last) {
    return `accepts entry ${message.index}, which does not exist`;
  }
  if (message.type === "append_rejected" && message.rejected > last) {
    return `rejects what follows entry ${message.rejected}, which does not exist`;
  }
  if (message.type === "heartbeat_answer" && message.round > role.reads.round) {
    return `answers round ${message.round}, which was not begun`;
  }
  return undefined;
}

/** A newer term. False: the message is dealt with, or means nothing. */
function meetTerm(state: RaftState, message: Message): boolean {
  const { type } = message;
  // A pre-vote, and its grant, speak of a term that nobody has yet.
  if (type === "pre_vote") {
    onPreVote(state, message);
    return false;
  }
  if (type === "pre_vote_answer" && message.isGranted) {
    onPreVoteAnswer(state, message);
    return false;
  }
  if (type === "vote" && state.isLoyal && !message.isTransfer) return false;
  state.becomeFollower(message.term, isFromLeader(message) ? message.from : nobody);
  return true;
}

function answerOldTerm(state: RaftState, message: Message): void {
  switch (message.type) {
    case "pre_vote":
      onPreVote(state, message);
      return;
    case "vote":
      refuseVote(state, message.from);
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
      tellTerm(state, message.from);
      return;
    case "read":
      state.refuseRead(message.from, message.context, "leader_changed");
      return;
    case "pre_vote_answer":
      // Who has lost its seat has lost it in every term.
      if (message.isRemoved) onPreVoteAnswer(state, message);
      return;
    case "vote_answer":
    case "append_accepted":
    case "append_rejected":
    case "heartbeat_answer":
    case "transfer_now":
    case "read_confirmed":
    case "read_refused":
  }
}

function dispatch(state: RaftState, message: Message): void {
  switch (message.type) {
    case "pre_vote":
      onPreVote(state, message);
      return;
    case "pre_vote_answer":
      onPreVoteAnswer(state, message);
      return;
    case "vote":
      onVote(state, message);
      return;
    case "vote_answer":
      onVoteAnswer(state, message);
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
    case "transfer_now":
      fromLeader(state, message);
      return;
    case "read":
      onReadRequest(state, message);
      return;
    case "read_confirmed":
      onReadConfirmed(state, message);
      return;
    case "read_refused":
      onReadRefused(state, message);
      return;
    case "append_accepted":
    case "append_rejected":
    case "heartbeat_answer":
      if (state.role.kind === "leader") fromFollower(state, state.role, message);
  }
}

function fromLeader(state: RaftState, message: Append | Heartbeat | SnapshotMessage | TransferNow): void {
  // Whoever asks for pre-votes goes on asking though a leader without its quorum is heard: it holds nobody back.
  const asksOn = state.role.kind === "pre_candidate" && message.type !== "transfer_now" && !message.hasQuorum;
  const isNews = state.role.kind !== "follower" || state.leader !== message.from;
  if (isNews && !asksOn) state.becomeFollower(state.term, message.from);
  if (message.type === "transfer_now") {
    onTransferNow(state, message);
    return;
  }
  if (message.hasQuorum) state.heardLeader();
  if (message.type === "append") onAppend(state, message);
  else if (message.type === "heartbeat") onHeartbeat(state, message);
  else onSnapshot(state, message);
}

function fromFollower(
  state: RaftState,
  role: LeaderRole,
  message: Extract<Message, { type: "append_accepted" | "append_rejected" | "heartbeat_answer" }>,
): void {
  if (message.type === "append_accepted") onAppendAccepted(state, role, message);
  else if (message.type === "append_rejected") onAppendRejected(state, role, message);
  else onHeartbeatAnswer(state, role, message);
}

function refuseVote(state: RaftState, to: ReplicaId): void {
  state.sendAfterPersist({ type: "vote_answer", from: state.id, to, term: state.term, isGranted: false });
}

/** So that a leader of an older term learns that it is none any more. */
function tellTerm(state: RaftState, to: ReplicaId): void {
  const { id: from, term, hasSalvage } = state;
  // Round 0 was never begun: should the receiver lead that term by then, this says no more than that it was heard.
  state.sendAfterPersist({ type: "heartbeat_answer", from, to, term, hasSalvage, round: 0 });
}
