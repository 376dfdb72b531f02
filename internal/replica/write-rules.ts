// Whether a leader may take a write now (rules 7, 10, 11, 12, 17). A refusal has no effect and is told at once.

import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log/log.ts";
import type { Raft } from "../raft/raft.ts";
import { stampsOfMilliseconds } from "../raft/options.ts";
import type { ProposalRefusal } from "../raft/types.ts";
import { isBlind, isDeleteOnly } from "./command.ts";
import type { Command } from "./command.ts";
import type { GroupState } from "./group-state.ts";
import type { ReplicaOptions } from "./options.ts";

export type WriteRefusal =
  | ProposalRefusal
  /** Only a single put or delete that reads nothing can be fast. */
  | "not_blind"
  /** The leader has not applied the entry that opens its term. */
  | "not_ready"
  /** Too many requests are remembered. */
  | "answers_full"
  | "storage_full"
  | "stopping";

export interface WriteCircumstances {
  readonly raft: Raft;
  readonly state: GroupState;
  readonly engine: Engine;
  readonly log: Log;
  readonly options: ReplicaOptions;
  /** Milliseconds for which the leader has been without its quorum; undefined: it has it. */
  readonly noQuorumMilliseconds: number | undefined;
}

export function refusalOfWrite(
  command: Command,
  consistency: "fast" | "strong",
  circumstances: WriteCircumstances,
): WriteRefusal | undefined {
  const { raft, state, engine, log, options } = circumstances;
  const status = raft.status;
  if (status.role !== "leader") return "not_leader";
  // Deletes pass: they are what makes room.
  const isFull = log.refusal !== undefined || engine.trouble !== undefined;
  if (isFull && (log.refusal !== undefined || !isDeleteOnly(command))) return "storage_full";
  if (command.request !== undefined && state.answered.size >= options.answersMax) {
    if (state.answeredAt(command.request.id) === undefined) return "answers_full";
  }
  if (consistency === "strong") return undefined;
  if (!isBlind(command)) return "not_blind";
  if (state.last.term !== status.term) return "not_ready";
  return status.hasQuorum ? backlogInHealth(circumstances) : backlogWithoutQuorum(circumstances);
}

function backlogInHealth({ raft, options }: WriteCircumstances): WriteRefusal | undefined {
  const oldest = raft.oldestUncommitted;
  if (oldest === undefined) return undefined;
  const age = raft.hybridNow() - oldest;
  return age > stampsOfMilliseconds(options.fastBacklogMilliseconds) ? "busy" : undefined;
}

function backlogWithoutQuorum({ raft, options, noQuorumMilliseconds }: WriteCircumstances): WriteRefusal | undefined {
  if ((noQuorumMilliseconds ?? 0) > options.salvageWindowMilliseconds / 2) return "no_quorum";
  const { entries, bytes } = raft.uncommitted;
  return entries >= options.backlogEntriesMax || bytes >= options.backlogBytesMax ? "no_quorum" : undefined;
}
