// Whether a leader may take a write now (rules 7, 10, 11, 12, 17). A refusal has no effect and is told at once.

import type { Stamp } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log/log.ts";
import type { Raft } from "../raft/raft.ts";
import type { ProposalRefusal } from "../raft/types.ts";
import type { CommandFault } from "./command-check.ts";
import { isBlind, isDeleteOnly } from "./command.ts";
import type { Command } from "./command.ts";
import { refusalOfRequest } from "./group-state.ts";
import type { GroupState } from "./group-state.ts";
import type { ReplicaOptions } from "./options.ts";

export type WriteRefusal =
  | ProposalRefusal
  /** No replica could apply it, or carry it: see command-check.ts. */
  | CommandFault["why"]
  /** Only a single put or delete that reads nothing can be fast. */
  | "not_blind"
  /** The leader has not applied the entry that opens its term. */
  | "not_ready"
  /** It is no voter of the newest configuration: its writes would go with it. */
  | "leaving"
  /** Too many requests are remembered. */
  | "answers_full"
  /** The first try of the request is so long ago that its answer may be forgotten. */
  | "request_too_old"
  /** It was stamped by a clock that is far ahead. */
  | "request_too_new"
  /** The slot moves to another group, or has not come here. */
  | "sealed"
  /** Records come in only while their slots are sealed, as the leader has applied. */
  | "not_sealed"
  /** Slots open only in a term above all that their former group had. */
  | "term_too_low"
  | "storage_full"
  | "stopping";

export interface WriteCircumstances {
  readonly engine: Engine;
  readonly log: Log;
  readonly options: ReplicaOptions;
  /** Of writes that this replica keeps, since its log lost them and they have no fate. */
  readonly salvageBytes: number;
  /** The log is full of what snapshots on their way will need, and it is not this write's turn. */
  readonly isPressed: boolean;
  /** Entries of the log that are not in the engine yet, and bytes that are held above it until they are. */
  readonly unapplied: { readonly entries: number; readonly bytes: number };
  /** The leader may have been without its quorum for so long that a fast write comes back too late. */
  readonly isTooLateForFast: boolean;
  /** For how long the oldest uncommitted entry has been waiting. */
  readonly backlogMilliseconds: number;
}

type RoomCircumstances = Pick<WriteCircumstances, "engine" | "log" | "options" | "isPressed" | "unapplied">;

export interface AskedWrite {
  readonly raft: Raft;
  readonly state: GroupState;
  readonly command: Command;
  readonly consistency: "fast" | "strong";
  /** Its request was made before, and is on its way or answered. */
  readonly isKnown: boolean;
  /** What its entry would have. */
  readonly stamp: Stamp;
  /** Requests on their way. */
  readonly requests: number;
}

export function refusalOfWrite(asked: AskedWrite, circumstances: WriteCircumstances): WriteRefusal | undefined {
  const { raft, state, command, consistency, isKnown } = asked;
  const { options } = circumstances;
  const status = raft.status;
  if (status.role !== "leader") return "not_leader";
  // Deletes pass: they are what makes room.
  const tight = refusalForRoom(!isDeleteOnly(command), circumstances);
  if (tight !== undefined) return tight;
  const { request } = command;
  if (request !== undefined && !isKnown) {
    if (state.answered.size + asked.requests >= options.answersMax) return "answers_full";
  }
  const wrong = request === undefined || isKnown ? undefined : refusalOfRequest(request, asked.stamp);
  if (wrong === "request_too_new") return wrong;
  if (consistency === "strong") return undefined;
  if (!isBlind(command)) return "not_blind";
  if (!status.configuration.voters.includes(status.id)) return "leaving";
  if (state.last.term !== status.term) return "not_ready";
  // Applying it would refuse it, when it has been answered long since.
  if (wrong !== undefined) return wrong;
  if (circumstances.salvageBytes > options.salvageBytesMax) return "busy";
  // Also where ticks say that it has its quorum: they stood still when this process did.
  if (circumstances.isTooLateForFast) return "no_quorum";
  return status.hasQuorum ? backlogInHealth(circumstances) : backlogWithoutQuorum(raft, options);
}

/** Whether there is room for an entry, on the disk and in memory. */
export function refusalForRoom(
  takesSpace: boolean,
  { engine, log, options, isPressed, unapplied }: RoomCircumstances,
): "storage_full" | "busy" | undefined {
  const refusal = log.refusal ?? (takesSpace ? engine.trouble : undefined);
  // What else keeps a disk from being written passes, or ends the process.
  if (refusal !== undefined) return refusal.code === "storage_full" ? "storage_full" : "busy";
  if (isPressed && takesSpace) return "busy";
  // The engine has no room, or is behind: what waits for it is held in memory.
  const isBehind = unapplied.entries >= options.unappliedEntriesMax || unapplied.bytes >= options.overlayBytesMax;
  return isBehind ? "busy" : undefined;
}

function backlogInHealth({ backlogMilliseconds, options }: WriteCircumstances): WriteRefusal | undefined {
  return backlogMilliseconds > options.fastBacklogMilliseconds ? "busy" : undefined;
}

function backlogWithoutQuorum(raft: Raft, options: ReplicaOptions): WriteRefusal | undefined {
  const { entries, bytes } = raft.uncommitted;
  return entries >= options.backlogEntriesMax || bytes >= options.backlogBytesMax ? "no_quorum" : undefined;
}
