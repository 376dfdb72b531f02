// Bugs in how a replica bears what comes in bad, late or too much: each is shown by the test of test/replica that is named.

import type { SimMutant } from "./sim-mutant.ts";

const badEntries =
  "brings no entry that nobody could apply, or whose stamp does not grow from what it follows in the log";

export const receivingMutants: readonly SimMutant[] = [
  {
    name: "rule 2: what was discarded counts as salvage that nobody ends",
    file: "internal/replica/replica-core.ts",
    find: "if (!this.isHeld) this.raft.setSalvage(this.salvager.isPending);",
    replace: "",
  },
  {
    name: "rule 10: a fast write outlives the term of its leader while the disk works at it",
    file: "internal/replica/replica-core.ts",
    find: "this.writes.newTerm(this.known.term);",
    replace: "",
    scenario: {
      file: "woken",
      name: "rule 10: does not answer as done what it slept over because a newer term is heard first",
    },
  },
  {
    name: "an appended entry taken whatever the stamp that it follows",
    file: "internal/raft/stepping.ts",
    find: "if (before !== undefined && stamp <= before) return `entry ${index} stamped ${stamp} behind ${before}`;",
    replace: "",
    scenario: { file: "refused-input", name: badEntries },
  },
  {
    name: "an appended entry taken though nobody can apply it",
    file: "internal/raft/stepping.ts",
    find: "const fault = source.faultOf(entries[at] as Entry);",
    replace: 'const fault = source.faultOf(entries[at] as Entry) === "" ? "" : undefined;',
    scenario: { file: "refused-input", name: badEntries },
  },
  {
    name: "messages gathered without a bound while the log has no room",
    file: "internal/raft/state.ts",
    find: "if (outbox.length >= outboxMessagesMax) outbox.shift();",
    replace: "",
    scenario: { file: "mended", name: "keeps no more than so many messages for the time when it has" },
  },
  {
    name: "rule 23: a snapshot's large records travel for nothing",
    file: "internal/replica/snapshot-sender.ts",
    find: "this.charge(Math.max(0, bytes.length - parts.chunkBytes), parts.clock.monotonicMilliseconds());",
    replace: "",
    scenario: { file: "rules-snapshots", name: "rule 23: travels at its rate, though records are larger than chunks" },
  },
  {
    name: "rule 23: that a snapshot is held is told when its sender next looks after its log",
    file: "internal/replica/replica-core.ts",
    find: "if (ready.snapshotsWanted.length > 0) this.tellHeld(this.snapshots.holding);",
    replace: "",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: has it kept from the moment when it is made, before anybody looks after his log",
    },
  },
  {
    name: "a bug that is met while nobody waits fails a replica",
    file: "internal/replica/replica-core.ts",
    find: "if (isBug(reason)) throw reason;",
    replace: "if (!(reason instanceof Error)) throw reason;",
    scenario: {
      file: "closing",
      name: "ends by what the world made fail; a bug is passed on, and ends the process",
    },
  },
  {
    name: "rule 23: a snapshot with which nobody comes further keeps the log for ever",
    file: "internal/replica/snapshot-sender.ts",
    find: "if (compareBytes(request.after, held.furthest.get(from) ?? beginning) > 0) {",
    replace: "if (compareBytes(request.after, held.furthest.get(from) ?? beginning) >= 0) {",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: with which its receiver comes no further is made anew, so that it does not keep the log for ever",
    },
  },
];
