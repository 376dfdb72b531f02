// Bugs to plant in the Raft core.

import type { SimMutant } from "./sim-mutant.ts";

const raft = "internal/raft/raft.ts";
const election = "internal/raft/election.ts";
const following = "internal/raft/following.ts";
const leading = "internal/raft/leading.ts";
const reading = "internal/raft/reading.ts";
const state = "internal/raft/state.ts";
const raftLog = "internal/raft/raft-log.ts";

export const raftMutants: readonly SimMutant[] = [
  {
    name: "vote not persisted",
    file: raft,
    find: "return { term, vote, commit: logIndex(Math.min(log.commit, inPlace)) };",
    replace: "return { term, vote: 0 as ReplicaId, commit: log.commit };",
  },
  {
    name: "term not persisted",
    file: raft,
    find: "if (term === this.handed.term && vote === this.handed.vote) return undefined;",
    replace: "if (vote === 0 || (term === this.handed.term && vote === this.handed.vote)) return undefined;",
  },
  {
    name: "vote granted twice",
    file: election,
    find: "const isFree = state.vote === message.from || (state.vote === nobody && state.leader === nobody);",
    replace: "const isFree = true;",
  },
  {
    name: "log check skipped in votes",
    file: raftLog,
    find: "return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last);",
    replace: "return true;",
  },
  {
    name: "pre-vote counted as vote",
    file: state,
    find: 'this.role = { kind: "candidate", votes: new Map(), isTransfer };',
    replace:
      'this.role = { kind: "candidate", votes: this.role.kind === "pre_candidate" ? this.role.votes : new Map(), isTransfer };',
  },
  {
    name: "commit index not bounded by what was compared (heartbeat)",
    file: leading,
    find: "commit: logIndex(Math.min(follower.match, state.log.commit)),",
    replace: "commit: state.log.commit,",
  },
  {
    name: "match index from the follower's last index",
    file: following,
    find: "accept(state, message.from, last, last < message.previousIndex + message.entries.length);",
    replace: "accept(state, message.from, log.last, last < message.previousIndex + message.entries.length);",
  },
  {
    name: "no-op left out",
    file: leading,
    find: "appendEntry(state, entryKind.noop, nothing);",
    replace: "",
  },
  {
    name: "ReadIndex without the round of heartbeats",
    file: reading,
    find: "role.reads.add({ from, context, commit, last, time: state.hybridNow });",
    replace:
      "role.reads.add({ from, context, commit, last, time: state.hybridNow });\n  answerConfirmedReads(state, role, role.reads.begin());",
    trace: "thesis-6-4-read-deposed",
  },
  {
    name: "local read by a leader without a check",
    file: reading,
    find: "takeRead(state, role, { from: state.id, context });",
    replace:
      'state.answerRead({ kind: "confirmed", context, commit: state.log.commit, last: state.log.last, time: state.hybridNow });',
  },
  {
    name: "acknowledgement before fsync (leader): its own entry counted before its sync",
    file: leading,
    find: "return id === state.id ? log.persisted : (role.followers.get(id)?.match ?? 0);",
    replace: "return id === state.id ? log.last : (role.followers.get(id)?.match ?? 0);",
    trace: "append-before-own-disk",
  },
  {
    name: "acknowledgement before fsync (follower)",
    file: following,
    find: 'state.sendAfterPersist({\n    type: "append_accepted",',
    replace: 'state.send({\n    type: "append_accepted",',
  },
  {
    name: "votes asked for before the own term is durable",
    file: raft,
    find: "const waits = state.persistedTerm !== term;",
    replace: "const waits = false;",
    also: [
      {
        file: election,
        find: 'state.sendAfterPersist({\n      type: "vote",',
        replace: 'state.send({\n      type: "vote",',
      },
    ],
  },
  {
    name: "vote answered before it is durable",
    file: raft,
    find: "const waits = state.persistedTerm !== term;",
    replace: "const waits = false;",
    also: [
      {
        file: election,
        find: 'state.sendAfterPersist({ type: "vote_answer", from, to: message.from, term: present, isGranted });',
        replace: 'state.send({ type: "vote_answer", from, to: message.from, term: present, isGranted });',
      },
    ],
  },
  {
    name: "conflicting suffix kept",
    file: following,
    find: "if (!log.agreesAt(entry.index, entry.term)) {",
    replace: "if (entry.index > log.last) {",
  },
  {
    name: "apply before commit",
    file: raft,
    find: "const applicable = logIndex(Math.min(commit, persisted));",
    replace: "const applicable = persisted;",
  },
  {
    name: "heartbeat resets the vote",
    file: state,
    find: "    if (newTerm > this.term) {\n      this.term = newTerm;\n      this.vote = nobody;\n    }",
    replace: "    this.term = newTerm;\n    this.vote = nobody;",
  },
  {
    name: "rule 10: a leader whose disk hangs keeps its office, whatever waits for it",
    file: "internal/raft/leading.ts",
    find: 'if (role.diskElapsed <= state.options.electionTicks) return "well";',
    replace: 'if (role.diskElapsed >= 0) return "well";',
  },
];
