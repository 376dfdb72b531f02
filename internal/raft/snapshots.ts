// Snapshots as the core sees them: a mark that says what state they hold. Making, sending, fetching and installing one is the
// driver's work; the core decides who needs one, whether one that came is still wanted, and what the log is afterwards.

import { assert } from "../base/assert.ts";
import { nobody } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import { accept } from "./following.ts";
import { sendOffer } from "./sending.ts";
import type { LeaderRole, RaftState } from "./state.ts";
import type { SnapshotMark, SnapshotOffer } from "./types.ts";

/** The driver has made a snapshot for a follower. False: it is not wanted any more. */
export function offerSnapshot(state: RaftState, role: LeaderRole, to: ReplicaId, mark: SnapshotMark): boolean {
  const follower = role.followers.get(to);
  if (follower === undefined || follower.state !== "snapshot") return false;
  assert(mark.index >= state.log.base, "a snapshot older than the log", { index: mark.index, base: state.log.base });
  follower.offered = { mark, at: state.ticks };
  sendOffer(state, role, follower);
  return true;
}

/** The snapshot for a follower is gone: see anew what it needs. */
export function withdrawSnapshot(role: LeaderRole, to: ReplicaId): void {
  const follower = role.followers.get(to);
  if (follower?.state !== "snapshot") return;
  follower.becomeProbe();
  // Not at once: when its next heartbeat is answered.
  follower.isProbeSent = true;
}

/**
 * From here until it is installed, or has failed, the log stands still. False: what is here is newer. Who has offered it may
 * lead no more, and another one may have been offered since: what a snapshot covers is committed, whoever leads.
 */
export function beginInstall(state: RaftState, offer: SnapshotOffer): boolean {
  const { log } = state;
  // A later leader may have sent all that the snapshot covers, and more: what was acknowledged since is not given up.
  if (state.isLeader || offer.index <= log.commit || log.agreesAt(offer.index, offer.term)) {
    snapshotFailed(state, offer.index);
    return false;
  }
  // Who has the state of a snapshot to come cannot lead with the log that it has now.
  if (state.role.kind !== "follower") state.becomeFollower(state.term, nobody);
  state.incoming = { offer, isTold: true, isInstalling: true };
  return true;
}

/** The state and the log of this replica are those of the snapshot now, durably. */
export function snapshotInstalled(state: RaftState, mark: SnapshotMark): void {
  const { incoming, log } = state;
  assert(incoming?.isInstalling === true && incoming.offer.index === mark.index, "a snapshot that was not begun", {
    index: mark.index,
  });
  log.restore(mark.index, mark.term, mark.stamp);
  state.configurations.restore({ index: mark.index, configuration: mark.configuration });
  state.incoming = undefined;
  if (state.leader !== nobody) accept(state, state.leader, mark.index, false);
}

/** The snapshot could not be fetched, or installed. It will be offered again. */
export function snapshotFailed(state: RaftState, index: LogIndex): void {
  if (state.incoming?.offer.index === index) state.incoming = undefined;
}
