// Bugs in the Raft core that chance meets too seldom, or whose harm a cluster of three does not show: each is shown by the trace
// of test/raft that is named.

import type { SimMutant } from "./sim-mutant.ts";

const raft = "internal/raft/raft.ts";
const following = "internal/raft/following.ts";
const leading = "internal/raft/leading.ts";
const membership = "internal/raft/membership.ts";
const stepping = "internal/raft/stepping.ts";
const quorum = "internal/raft/quorum.ts";

export const traceMutants: readonly SimMutant[] = [
  {
    name: "commit by counting in an older term",
    file: leading,
    find: "if (reached <= log.commit || log.termOf(reached) !== state.term) return;",
    replace: "if (reached <= log.commit) return;",
    trace: "paper-figure-8-not-by-counting",
  },
  {
    name: "commit index not bounded by what was compared (append)",
    file: following,
    find: "log.commitTo(logIndex(Math.min(message.commit, last)));",
    replace: "log.commitTo(logIndex(Math.min(message.commit, log.last)));",
    trace: "paper-figure-7c",
  },
  {
    name: "read served before the no-op of the term",
    file: "internal/raft/reading.ts",
    find: 'if (state.log.commit < role.firstIndex) return "not_ready";',
    replace: "",
    trace: "thesis-6-4-read-before-noop",
  },
  {
    name: "old acknowledgement counted for a new ReadIndex",
    file: leading,
    find: "follower.round = Math.max(follower.round, message.round);",
    replace: "follower.round = role.reads.round;",
    trace: "thesis-6-4-old-answer",
  },
  {
    name: "learner counted in a quorum",
    file: quorum,
    find: "const incoming = reachedByMajority(config.voters, valueOf);",
    replace: "const incoming = reachedByMajority([...config.voters, ...config.learners], valueOf);",
    trace: "change-crash-2",
  },
  {
    name: "joint quorum of one side only",
    file: quorum,
    find: "return Math.min(incoming, reachedByMajority(config.outgoing, valueOf));",
    replace: "return incoming;",
    trace: "change-crash-4",
  },
  {
    name: "lagging learner promoted",
    file: membership,
    find: 'return wanted.voters.some(lags) ? "not_caught_up" : undefined;',
    replace: "return undefined;",
    trace: "change-learner-too-early",
  },
  {
    name: "learner sent what is not committed",
    file: "internal/raft/sending.ts",
    find: "const to = isVoter(state.configuration, id) && !isSpared(state, follower) ? log.last : log.commit;",
    replace: "const to = isSpared(state, follower) ? log.commit : log.last;",
    trace: "change-learner-not-ahead",
  },
  {
    name: "an old refusal of stamps taken for a new one",
    file: leading,
    find: "if (message.isClockRefused && message.index >= follower.match) {",
    replace: "if (message.isClockRefused) {",
    trace: "rule-1-clock-old-refusal",
  },
  {
    name: "an older answer taken for the probe's",
    file: "internal/raft/progress.ts",
    find: 'if (this.state === "probe" && this.probeLast !== undefined && index >= this.probeLast) this.becomeReplicate();',
    replace: 'if (this.state === "probe") this.becomeReplicate();',
    trace: "append-reordered",
  },
  {
    name: "a window behind a repeated probe",
    file: "internal/raft/progress.ts",
    find: "    this.isCareful = true;\n",
    replace: "",
    trace: "append-repeated-probe",
  },
  {
    name: "rule 12: a leader that leaves offers its office to the same heir for ever",
    file: "internal/raft/membership.ts",
    find: "const heir = able.find((id) => !heirs.asked.has(id));",
    replace: "const [heir] = able;",
    trace: "rule-12-outgoing-leader-heir-may-not-stand",
  },
  {
    name: "rule 12: a leader that leaves offers its office without a rest",
    file: "internal/raft/membership.ts",
    find: "heirs.restUntil = state.ticks + state.options.electionTicks;",
    replace: "heirs.restUntil = state.ticks;",
    trace: "rule-12-outgoing-leader-no-heir",
  },
  {
    name: "refused stamps offered again at once",
    file: "internal/raft/sending.ts",
    find: "const to = isVoter(state.configuration, id) && !isSpared(state, follower) ? log.last : log.commit;",
    replace: "const to = isVoter(state.configuration, id) ? log.last : log.commit;",
    trace: "rule-1-clock-no-storm",
  },
  {
    name: "two changes at a time",
    file: membership,
    find: 'if (isJoint(present) || index > log.commit) return "changing";',
    replace: "",
    trace: "change-one-at-a-time",
  },
  {
    name: "rule 12: a leader that does not hand over before it leaves",
    file: membership,
    find: 'if (!wanted.voters.includes(state.id)) return "leader_leaves";',
    replace: "",
    trace: "rule-12-leader-hands-over-first",
  },
  {
    name: "election timer reset by a stale leader",
    file: stepping,
    find: "      tellTerm(state, message.from);\n",
    replace: "      tellTerm(state, message.from);\n      state.heardLeader();\n",
    trace: "stale-leader-one-way",
  },
  {
    name: "a vote raises the term of who has a leader",
    file: stepping,
    find: 'if (type === "vote" && state.isLoyal && !message.isTransfer) return false;',
    replace: "",
    trace: "thesis-4-2-3-vote-of-newer-term",
  },
  {
    name: "transfer to a lagging replica",
    file: "internal/raft/transfer.ts",
    find: "if (role.followers.get(transfer.target)?.match !== last) return;",
    replace: "",
    trace: "transfer-lagging",
  },
  {
    name: "proposals accepted during a transfer",
    file: raft,
    find: 'if (role.transfer !== undefined) return "transferring";',
    replace: "",
    trace: "transfer-aborted",
  },
  {
    name: "rule 1: stamps from any clock taken",
    file: following,
    find: "if (entry.index > message.commit && state.isTooFarAhead(entry.stamp)) break;",
    replace: "",
    trace: "rule-1-clock-jump",
  },
  {
    name: "rule 2: no salvage believed of an answer older than the match",
    file: leading,
    find: "if (message.round > follower.matchRound) follower.hasSalvage = message.hasSalvage;",
    replace: "follower.hasSalvage = message.hasSalvage;",
    trace: "rule-2-old-answer-hides-salvage",
  },
  {
    name: "rule 2: an unknown match counts for nothing",
    file: leading,
    find: "if (follower.match === 0 || follower.hasSalvage) return undefined;",
    replace: "if (follower.hasSalvage) return undefined;\n    if (follower.match === 0) continue;",
    trace: "rule-2-matched-by-all",
  },
  {
    name: "rule 10: a leader without quorum keeps it to itself",
    file: leading,
    find: "hasQuorum: role.hasQuorum,",
    replace: "hasQuorum: true,",
    trace: "rule-10-quorum-again",
  },
  {
    name: "rule 10: a leader whose disk hangs keeps its office",
    file: leading,
    find: 'if (role.diskElapsed <= state.options.electionTicks) return "well";',
    replace: 'if (role.diskElapsed < 1_000_000) return "well";',
    trace: "rule-10-disk-hangs",
  },
  {
    name: "rule 24: a closed connection tells nothing",
    file: "internal/raft/election.ts",
    find: 'if (state.leader !== lost || state.role.kind !== "follower") return;',
    replace: "if (state.leader !== nobody) return;",
    trace: "rule-24-connection-closed",
  },
  {
    name: "rule 24: a pre-vote refused for loyalty is not asked again",
    file: "internal/raft/election.ts",
    find: "if (message.isSticky) state.hurryElection();",
    replace: "",
    trace: "rule-24-retry-after-sticky",
  },
  {
    name: "rule 24: all who lost the leader stand at the same time",
    file: "internal/raft/state.ts",
    find: "Math.floor(place * step)",
    replace: "Math.floor(0 * place * step)",
    trace: "rule-24-one-behind-the-other",
  },
  {
    name: "rule 24: a refused vote waits for a whole time-out",
    file: "internal/raft/election.ts",
    find: "if (!message.isGranted) state.hurryElection(true);",
    replace: "",
    trace: "rule-24-split-vote",
  },
];
