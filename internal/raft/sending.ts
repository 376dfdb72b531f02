// What travels from a leader to its followers: appends as far as windows permit, and offers of snapshots to those whose
// next entry is gone.
//
// Appends are collected: proposals, answers and ticks only change the state, and sendAppends, once for each Ready, turns
// what each follower lacks into messages. So all that one turn proposed travels together.
//
// A learner is sent what is committed, and no more. With more it could have a newer log than the voters that are left when its
// leader is lost: it would refuse its vote to the one that knows it to be a voter by now, and not stand itself, for ever.
//
// Nor is a follower that refused entries for their stamps, for an election time-out; then one append at a time, until it takes
// one. It answers each of a window that it refuses: if each answer brought it the window again, there would be no end of them.

import { assert } from "../base/assert.ts";
import { logIndex } from "../base/ids.ts";
import { isVoter } from "./configuration.ts";
import type { Progress } from "./progress.ts";
import { entryBytes } from "./raft-log.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import type { Entry } from "./types.ts";

const noEntries: readonly Entry[] = [];

/** Sends to each follower what it lacks, as far as its window permits. */
export function sendAppends(state: RaftState, role: LeaderRole): void {
  for (const follower of role.followers.values()) {
    while (follower.maySend && sendAppend(state, role, follower));
  }
}

/** Whether there may be more to send at once. */
function sendAppend(state: RaftState, role: LeaderRole, follower: Progress): boolean {
  const { log } = state;
  const previousIndex = logIndex(follower.next - 1);
  const previousTerm = log.termOf(previousIndex);
  if (previousTerm === undefined) {
    wantSnapshot(state, follower);
    return false;
  }
  const isRepeated = follower.state === "probe" && follower.isProbeRepeated;
  const entries = isRepeated ? noEntries : entriesFor(state, follower);
  if (entries === undefined) {
    follower.isLoading = true;
    return false;
  }
  const isNews = Math.min(log.commit, previousIndex) > follower.commitTold;
  if (entries.length === 0 && !isNews && follower.state !== "probe") return false;
  const last = logIndex(previousIndex + entries.length);
  follower.commitTold = logIndex(Math.min(log.commit, last));
  if (follower.state === "probe") {
    follower.isProbeSent = true;
    follower.probeLast = last;
  } else if (entries.length > 0) {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    if (follower.inFlight.isEmpty) follower.movedAt = state.ticks;
    follower.inFlight.add(last, bytes);
    follower.next = logIndex(last + 1);
  }
  state.send({
    type: "append",
    from: state.id,
    to: follower.id,
    term: state.term,
    hasQuorum: role.hasQuorum,
    previousIndex,
    previousTerm,
    entries,
    commit: log.commit,
  });
  return entries.length > 0;
}

/** It refused entries for their stamps a moment ago: only what is committed is sent to it, which it takes in any case. */
function isSpared({ ticks, options }: RaftState, { stampsRefusedAt }: Progress): boolean {
  return stampsRefusedAt !== undefined && ticks - stampsRefusedAt < options.electionTicks;
}

/** Undefined: they have to be loaded first. */
function entriesFor(state: RaftState, follower: Progress): readonly Entry[] | undefined {
  const { log, options } = state;
  const { id, next: from } = follower;
  const to = isVoter(state.configuration, id) && !isSpared(state, follower) ? log.last : log.commit;
  if (from > to) return noEntries;
  const recent = log.fromTail({ from, to }, options.appendBytesMax);
  if (recent !== undefined) return recent;
  const range = { from, to: logIndex(Math.min(to, log.handed)) };
  const older = state.entries.readNow(range, options.appendBytesMax);
  if (older === undefined) {
    state.loads.push(range);
    return undefined;
  }
  assert(older.length > 0 && older[0]?.index === from, "entries that were not asked for", { from });
  return older;
}

function wantSnapshot(state: RaftState, follower: Progress): void {
  // Nobody makes a snapshot for who does not answer.
  if (follower.heardAt === undefined || state.ticks - follower.heardAt > state.options.electionTicks) return;
  follower.becomeSnapshot();
  state.snapshotsWanted.push(follower.id);
}

export function sendOffer(state: RaftState, role: LeaderRole, follower: Progress): void {
  if (follower.offered === undefined) return;
  follower.offered.at = state.ticks;
  const { mark } = follower.offered;
  state.send({
    type: "snapshot",
    from: state.id,
    to: follower.id,
    term: state.term,
    hasQuorum: role.hasQuorum,
    index: mark.index,
    snapshotTerm: mark.term,
    stamp: mark.stamp,
    configuration: mark.configuration,
  });
}

/** An offer may be lost, or its receiver may have crashed. */
export function repeatOffer(state: RaftState, role: LeaderRole, follower: Progress): void {
  if (follower.offered === undefined || state.ticks - follower.offered.at < state.options.electionTicks) return;
  sendOffer(state, role, follower);
}
