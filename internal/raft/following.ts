// What a follower does with what its leader sends: it takes the entries that agree with its log, discards its own where they
// do not, and says what it has durably. Nothing else ever discards entries.

import { logIndex } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import { decodeConfiguration } from "./configuration.ts";
import type { Append, Heartbeat, SnapshotMessage } from "./messages.ts";
import type { RaftState } from "./state.ts";
import { entryKind } from "./types.ts";
import type { Entry } from "./types.ts";

/** REQUIRES, as the others here: the message is of the present term, and this replica does not lead it. */
export function onAppend(state: RaftState, message: Append): void {
  const { log } = state;
  if (state.incoming?.isInstalling === true) return;
  // What is committed here is in every later leader's log: there both agree, wherever the message begins.
  const agrees = message.previousIndex < log.commit || log.agreesAt(message.previousIndex, message.previousTerm);
  if (!agrees) {
    reject(state, message);
    return;
  }
  const last = takeEntries(state, message);
  // Only what was just compared is known to agree with the leader's log: a commit beyond it says nothing about this one.
  log.commitTo(logIndex(Math.min(message.commit, last)));
  state.configurations.settle(log.commit);
  accept(state, message.from, last, last < message.previousIndex + message.entries.length);
}

export function onHeartbeat(state: RaftState, message: Heartbeat): void {
  // The leader knows that this replica has so much; after a lost disk it would not be this replica.
  state.log.commitTo(logIndex(Math.min(message.commit, state.log.last)));
  state.configurations.settle(state.log.commit);
  state.send({
    type: "heartbeat_answer",
    from: state.id,
    to: message.from,
    term: state.term,
    round: message.round,
    hasSalvage: state.hasSalvage,
  });
}

export function onSnapshot(state: RaftState, message: SnapshotMessage): void {
  const { log } = state;
  if (message.index <= log.commit) {
    accept(state, message.from, log.commit, false);
    return;
  }
  if (log.agreesAt(message.index, message.snapshotTerm)) {
    // All that it covers is here.
    log.commitTo(message.index);
    state.configurations.settle(log.commit);
    accept(state, message.from, message.index, false);
    return;
  }
  const { from, index, snapshotTerm, stamp, configuration } = message;
  const known = state.incoming;
  if (known?.isInstalling === true) return;
  if (known !== undefined && known.offer.index >= index && known.offer.from === from) return;
  const offer = { from, index, term: snapshotTerm, stamp, configuration };
  state.incoming = { offer, isTold: false, isInstalling: false };
}

/** Says, when it is durable, that the log agrees with the leader's up to `index`. */
export function accept(state: RaftState, leader: ReplicaId, index: LogIndex, isClockRefused: boolean): void {
  state.sendAfterPersist({
    type: "append_accepted",
    from: state.id,
    to: leader,
    term: state.term,
    hasSalvage: state.hasSalvage,
    index,
    isClockRefused,
  });
}

function reject(state: RaftState, message: Append): void {
  const { log } = state;
  const hintIndex = log.lastOfTermAtMost(message.previousIndex, message.previousTerm);
  state.sendAfterPersist({
    type: "append_rejected",
    from: state.id,
    to: message.from,
    term: state.term,
    hasSalvage: state.hasSalvage,
    rejected: message.previousIndex,
    hintIndex,
    hintTerm: log.termOf(hintIndex) ?? message.previousTerm,
  });
}

/** Appends what is new, in place of what differs. Returns the last index that agrees with the leader's log. */
function takeEntries(state: RaftState, message: Append): LogIndex {
  const { log } = state;
  const { commit } = log;
  let last = logIndex(Math.max(message.previousIndex, commit));
  for (const entry of message.entries) {
    if (entry.index <= commit) continue;
    if (!log.agreesAt(entry.index, entry.term)) {
      // A committed entry is right whatever its stamp; of others, those from a wrong clock are kept out.
      if (entry.index > message.commit && state.isTooFarAhead(entry.stamp)) break;
      if (entry.index <= log.last) discardFrom(state, entry.index);
      append(state, entry);
    }
    last = entry.index;
  }
  return last;
}

function append(state: RaftState, entry: Entry): void {
  state.log.append(entry);
  if (entry.kind === entryKind.configuration) {
    state.configurations.append(entry.index, decodeConfiguration(entry.payload));
  }
}

function discardFrom(state: RaftState, index: LogIndex): void {
  // What goes may have to be salvaged: so it counts until the driver, who knows, has kept it and says otherwise. What was never
  // handed out no driver knows of, and no Ready would tell.
  if (index <= state.log.handed) state.hasSalvage = true;
  state.log.truncateFrom(index);
  state.configurations.truncateFrom(index);
}
