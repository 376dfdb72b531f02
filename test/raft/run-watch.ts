// What the random runs and the fuzzer meet: counted, so that a run that meets nothing cannot pass, and checked where an
// answer can be wrong: reads, stamps, what a leader believes of the others.

import { assert } from "../../internal/base/assert.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { decodeConfiguration, isJoint, membersOf } from "../../internal/raft/configuration.ts";
import type { Message } from "../../internal/raft/messages.ts";
import type { RaftStatus } from "../../internal/raft/status.ts";
import { entryKind } from "../../internal/raft/types.ts";
import type { Entry } from "../../internal/raft/types.ts";
import type { Member, World } from "./world.ts";

/** The kinds of what is met. None may stay at zero over the runs of a test. */
const countNames = [
  "proposals",
  "proposalsBusy",
  "proposalsWithoutQuorum",
  "committed",
  "crashes",
  "elections",
  "stickyRefusals",
  "earlyElections",
  "withoutQuorum",
  "truncations",
  "rejections",
  "bareProbes",
  "clockRefusals",
  "loads",
  "reads",
  "readsConfirmed",
  "readsRefused",
  // --- changes of members
  "learnersAdded",
  "learnersDropped",
  "promotionsTooEarly",
  "changesOfTheLeaderItself",
  "changesWhileChanging",
  "exchangesBegun",
  "exchangesEnded",
  "exchangesEndedByAnotherLeader",
  "jointTruncated",
  "leaderCrashesJointOnlyWithIt",
  "leaderCrashesJoint",
  "leaderCrashesNewUncommitted",
  "followerCrashesJoint",
  "outgoingLeaders",
  "removedTold",
  // --- transfers
  "transfersBegun",
  "transfersToLagging",
  "transfersDone",
  "transfersAborted",
  "proposalsWhileTransferring",
  "transferOrdersVoid",
  // --- snapshots
  "snapshotsOffered",
  "snapshotsInstalled",
  "snapshotsNotWanted",
  "snapshotsFailed",
  "snapshotsWithdrawn",
  "crashesWhileInstalling",
  "appendsWhileInstalling",
  // --- rule 2
  "matchedByAll",
] as const;

export type CountName = (typeof countNames)[number];
export type RunCounts = Record<CountName, number>;

export function noCounts(): RunCounts {
  return Object.fromEntries(countNames.map((name) => [name, 0])) as RunCounts;
}

type Seen = Pick<RaftStatus, "role" | "term" | "isRemoved" | "isTransferring" | "hasQuorum" | "configuration">;

const seenOf = ({ role, term, isRemoved, isTransferring, hasQuorum, configuration }: RaftStatus): Seen => ({
  role,
  term,
  isRemoved,
  isTransferring,
  hasQuorum,
  configuration,
});

export class RunWatch {
  readonly counts = noCounts();
  private readonly world: World;
  /** Reads that wait, with what anybody had committed when they began. */
  private readonly waiting = new Map<string, number>();
  private readonly seen = new Map<ReplicaId, Seen>();
  /** Who stood because a leader bade it, with the term. */
  private readonly heirs = new Set<string>();
  /** The joint configuration that was committed last, until the one behind it is. */
  private joint: Entry | undefined;

  constructor(world: World) {
    this.world = world;
    world.onSent = (message) => this.sent(message);
    world.onReady = (member, ready) => {
      const { counts } = this;
      if (ready.truncateFrom !== undefined) {
        counts.truncations++;
        const before = this.seen.get(member.id)?.configuration;
        if (before !== undefined && isJoint(before) && !isJoint(member.raft.status.configuration)) {
          counts.jointTruncated++;
        }
      }
      counts.loads += ready.loads.length;
    };
    world.onCommitted = (entry) => this.committed(entry);
    world.onRead = (member, answer) => {
      const key = `${member.id} ${answer.context}`;
      const atLeast = this.waiting.get(key);
      this.waiting.delete(key);
      if (answer.kind === "refused") {
        this.counts.readsRefused++;
        return;
      }
      this.counts.readsConfirmed++;
      assert(atLeast !== undefined, "an answer to a read that nobody waits for", { id: member.id });
      assert(answer.commit >= atLeast, "a stale read confirmed", { id: member.id, commit: answer.commit, atLeast });
    };
  }

  read(member: Member): void {
    this.waiting.set(`${member.id} ${member.raft.read()}`, this.world.committedTo);
    this.counts.reads++;
  }

  /** Before a message arrives. */
  arriving(member: Member, message: Message): void {
    const { counts } = this;
    const { role, term, leader, last } = member.raft.status;
    if (message.type === "transfer_now" && role === "follower" && term === message.term && leader === message.from) {
      if (message.lastIndex !== last) counts.transferOrdersVoid++;
    }
  }

  /** Before a member crashes. */
  crashing(member: Member): void {
    const { counts } = this;
    counts.crashes++;
    this.seen.delete(member.id);
    for (const key of this.waiting.keys()) if (key.startsWith(`${member.id} `)) this.waiting.delete(key);
    const { configuration, role, commit } = member.raft.status;
    if (role !== "leader") {
      if (isJoint(configuration)) counts.followerCrashesJoint++;
      return;
    }
    if (!isJoint(configuration)) {
      const newest = member.staged.entries.findLast((entry) => entry.kind === entryKind.configuration);
      // Behind a joint configuration, which is committed then, or a matter of learners.
      if (this.joint !== undefined && newest !== undefined && newest.index > commit)
        counts.leaderCrashesNewUncommitted++;
      return;
    }
    counts.leaderCrashesJoint++;
    const isWithOthers = [...this.world.members.values()].some(
      (other) => other !== member && isJoint(other.raft.status.configuration),
    );
    if (!isWithOthers) counts.leaderCrashesJointOnlyWithIt++;
  }

  /** What a member has become since it was looked at last. */
  look(member: Member): void {
    const { counts } = this;
    const { status } = member.raft;
    const before = this.seen.get(member.id);
    this.seen.set(member.id, seenOf(status));
    if (status.isRemoved && before?.isRemoved === false) {
      counts.removedTold++;
      this.checkRemoved(member);
    }
    if (status.role !== "leader") return;
    this.checkMatchedByAll(member);
    if (isJoint(status.configuration) && !status.configuration.voters.includes(member.id)) counts.outgoingLeaders++;
    if (before?.role !== "leader" || before.term !== status.term) {
      counts.elections++;
      if (this.heirs.has(`${member.id} ${status.term}`)) counts.transfersDone++;
      return;
    }
    if (before.isTransferring && !status.isTransferring) counts.transfersAborted++;
    if (before.hasQuorum && !status.hasQuorum) counts.withoutQuorum++;
  }

  private sent(message: Message): void {
    const { counts } = this;
    if (message.type === "pre_vote_answer" && message.isSticky) counts.stickyRefusals++;
    if (message.type === "append_rejected") counts.rejections++;
    if (message.type === "append_accepted" && message.isClockRefused) counts.clockRefusals++;
    if (message.type === "vote" && message.isTransfer) this.heirs.add(`${message.from} ${message.term}`);
    if (message.type === "snapshot") counts.snapshotsOffered++;
    if (message.type === "append" && message.entries.length === 0) {
      const last = this.world.member(message.from).raft.status.last;
      if (message.previousIndex < last) counts.bareProbes++;
    }
  }

  private committed(entry: Entry): void {
    if (entry.kind !== entryKind.configuration) return;
    if (isJoint(decodeConfiguration(entry.payload))) {
      this.joint = entry;
      return;
    }
    if (this.joint === undefined) return;
    this.counts.exchangesEnded++;
    if (this.joint.term !== entry.term) this.counts.exchangesEndedByAnotherLeader++;
    this.joint = undefined;
  }

  /** Whoever is told that it was removed was: in the newest configuration that anybody has committed it has no place. */
  private checkRemoved(member: Member): void {
    let newest: RaftStatus | undefined;
    for (const { raft } of this.world.members.values()) {
      if (raft.status.commit > (newest?.commit ?? -1)) newest = raft.status;
    }
    assert(newest !== undefined && !membersOf(newest.configuration).includes(member.id), "a member called removed", {
      id: member.id,
    });
  }

  /** Rule 2: what a leader believes that all voters have, they have, durably. */
  private checkMatchedByAll(member: Member): void {
    const reached = member.raft.matchedByAll(Number.POSITIVE_INFINITY);
    if (reached === undefined || reached === 0) return;
    const entry = member.entryAt(reached);
    if (entry === undefined) return;
    this.counts.matchedByAll++;
    const { voters, outgoing } = member.raft.status.configuration;
    for (const id of [...voters, ...outgoing]) {
      const { durable } = this.world.member(id);
      if (durable.base.index >= reached) continue;
      const own = durable.entries[reached - durable.base.index - 1];
      assert(own?.term === entry.term, "rule 2: an entry that not all voters have", { id, index: reached });
    }
  }
}
