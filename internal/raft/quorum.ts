// The arithmetic of majorities. In a joint configuration a majority of each set of voters is needed.

import type { ReplicaId } from "../base/ids.ts";
import type { Configuration } from "./configuration.ts";

export type VoteCount = "won" | "lost" | "open";

export const majorityOf = (count: number): number => Math.floor(count / 2) + 1;

/** The greatest value that a quorum has reached. */
export function reachedByQuorum(config: Configuration, valueOf: (id: ReplicaId) => number): number {
  const incoming = reachedByMajority(config.voters, valueOf);
  if (config.outgoing.length === 0) return incoming;
  return Math.min(incoming, reachedByMajority(config.outgoing, valueOf));
}

export function isQuorum(config: Configuration, has: (id: ReplicaId) => boolean): boolean {
  return hasMajority(config.voters, has) && (config.outgoing.length === 0 || hasMajority(config.outgoing, has));
}

/** `votes` holds the answers so far; who has not answered may still say yes. */
export function countVotes(config: Configuration, votes: ReadonlyMap<ReplicaId, boolean>): VoteCount {
  if (isQuorum(config, (id) => votes.get(id) === true)) return "won";
  return isQuorum(config, (id) => votes.get(id) !== false) ? "open" : "lost";
}

function hasMajority(voters: readonly ReplicaId[], has: (id: ReplicaId) => boolean): boolean {
  let count = 0;
  for (const id of voters) if (has(id)) count++;
  return count >= majorityOf(voters.length);
}

function reachedByMajority(voters: readonly ReplicaId[], valueOf: (id: ReplicaId) => number): number {
  // For three voters a handful of comparisons; no array is sorted.
  let reached = 0;
  for (const candidate of voters) {
    const value = valueOf(candidate);
    if (value > reached && hasMajority(voters, (id) => valueOf(id) >= value)) reached = value;
  }
  return reached;
}
