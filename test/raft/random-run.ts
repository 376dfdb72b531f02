// A run of cores in which chance decides what happens next: ticks, messages late, lost, twice and out of order, slow disks,
// crashes, proposals, changes of members, snapshots. At the end everything heals, and has to make progress.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, replicaId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { isJoint } from "../../internal/raft/configuration.ts";
import type { RaftStatus } from "../../internal/raft/raft.ts";
import type { Member } from "./world.ts";
import { World } from "./world.ts";

export interface RunCounts {
  proposals: number;
  committed: number;
  crashes: number;
  changes: number;
  snapshots: number;
  reads: number;
  readsConfirmed: number;
  readsRefused: number;
  elections: number;
  stickyRefusals: number;
  truncations: number;
  probes: number;
  jointCrashes: number;
  transfersDone: number;
  transfersAborted: number;
  withoutQuorum: number;
  earlyElections: number;
  clockRefusals: number;
  loads: number;
}

export const noCounts = (): RunCounts => ({
  proposals: 0,
  committed: 0,
  crashes: 0,
  changes: 0,
  snapshots: 0,
  reads: 0,
  readsConfirmed: 0,
  readsRefused: 0,
  elections: 0,
  stickyRefusals: 0,
  truncations: 0,
  probes: 0,
  jointCrashes: 0,
  transfersDone: 0,
  transfersAborted: 0,
  withoutQuorum: 0,
  earlyElections: 0,
  clockRefusals: 0,
  loads: 0,
});

const payload = new Uint8Array(8);

export function randomRun(seed: number, steps: number): RunCounts {
  const run = new RandomRun(seed);
  run.faults(steps);
  run.heal();
  return run.counts;
}

export class RandomRun {
  readonly world: World;
  readonly counts = noCounts();
  /** Reads that wait, with what anybody had committed when they began. */
  private readonly waiting = new Map<string, number>();
  private readonly seen = new Map<ReplicaId, RaftStatus>();
  private readonly random: Prng;
  private cut = new Set<string>();
  private nextId = 4;
  /** Each seed leans on some kinds of events: all at once hide each other. */
  private readonly weights: { readonly [kind: string]: number };

  constructor(seed: number) {
    this.random = new Prng(seed).split("run");
    this.world = new World(seed, [1, 2, 3], {
      electionTicks: 10,
      heartbeatTicks: 2,
      earlyElectionTicks: 3,
      window: { messagesMax: this.random.between(1, 8), bytesMax: 4096 },
      appendBytesMax: this.random.between(1, 400),
      promotionLagMax: 20,
    });
    const some = (weight: number): number => (this.random.chance(1, 2) ? weight : 0);
    this.weights = {
      tick: 40,
      deliver: 60,
      persist: 40,
      propose: 20,
      read: 5,
      lose: some(8),
      double: some(5),
      crash: some(2),
      restart: 3,
      cut: some(2),
      mend: 2,
      lost: some(2),
      transfer: some(1),
      change: some(3),
      compact: some(3),
      snapshot: 4,
      clock: some(2),
      jump: this.random.chance(1, 6) ? 1 : 0,
    };
    this.listen();
  }

  faults(steps: number): void {
    const kinds = Object.entries(this.weights);
    const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
    for (let step = 0; step < steps; step++) {
      let at = this.random.below(total);
      const kind = kinds.find(([, weight]) => (at -= weight) < 0)?.[0] ?? "tick";
      this.step(kind);
      this.world.check();
    }
  }

  heal(): void {
    const { world } = this;
    this.cut.clear();
    for (const member of world.members.values()) if (!member.isUp) member.restart();
    for (const member of world.members.values()) member.wall = 2_000_000;
    const before = world.committed.size;
    let proposed = false;
    for (let round = 0; round < 2000; round++) {
      for (const member of world.members.values()) {
        member.raft.setWallClock(member.wall);
        member.raft.tick();
        this.settle(member);
      }
      for (let count = world.messages.length; count > 0; count--) world.deliver(0);
      for (const member of world.members.values()) this.settle(member);
      world.check();
      const { leader } = world;
      if (leader === undefined || leader.raft.status.commit < leader.raft.status.last) continue;
      if (!proposed) {
        proposed = this.propose(leader);
        continue;
      }
      if (isJoint(leader.raft.status.configuration)) continue;
      const members = leader.raft.status.configuration;
      const all = [...members.voters, ...members.learners].map((id) => world.member(id));
      if (all.every((member) => member.applied === leader.raft.status.last) && world.committed.size > before) {
        this.counts.committed = world.committed.size;
        return;
      }
    }
    throw new Error(`no progress after healing: ${describe(world)}`);
  }

  private settle(member: Member): void {
    while (this.world.drain(member) !== undefined || this.world.persist(member));
    this.world.offerSnapshots(member);
    if (member.incoming !== undefined && this.world.install(member)) this.counts.snapshots++;
  }

  private step(kind: string): void {
    const { world, random } = this;
    const member = random.pick([...world.members.values()]);
    switch (kind) {
      case "deliver":
        return this.deliver(false);
      case "double":
        return this.deliver(true);
      case "lose":
        world.messages.splice(random.below(world.messages.length + 1), 1);
        return;
      case "cut":
        this.cut.add(`${member.id} ${random.pick([...world.members.keys()])}`);
        return;
      case "mend":
        return this.cut.clear();
      case "crash":
        if (!member.isUp) return;
        if (isJoint(member.raft.status.configuration)) this.counts.jointCrashes++;
        this.seen.delete(member.id);
        for (const key of this.waiting.keys()) if (key.startsWith(`${member.id} `)) this.waiting.delete(key);
        member.crash(random.below(member.writing.length + 1));
        this.counts.crashes++;
        return;
      case "restart":
        if (!member.isUp) member.restart();
        return;
      default:
        if (member.isUp) this.act(member, kind);
    }
  }

  private act(member: Member, kind: string): void {
    const { world, random } = this;
    const others = [...world.members.keys()].filter((id) => id !== member.id);
    switch (kind) {
      case "tick":
        member.raft.setWallClock(member.wall++);
        member.raft.tick();
        break;
      case "persist":
        world.persist(member);
        break;
      case "propose":
        this.propose(member);
        break;
      case "read":
        this.waiting.set(`${member.id} ${member.raft.read()}`, world.committedTo);
        this.counts.reads++;
        break;
      case "lost":
        this.lose(member, random.pick(others));
        break;
      case "transfer":
        member.raft.transfer(random.pick(others));
        break;
      case "change":
        this.change(member);
        break;
      case "compact":
        world.compact(member, logIndex(random.between(0, member.applied)));
        member.cachedFrom = random.between(0, member.applied);
        break;
      case "snapshot":
        world.offerSnapshots(member);
        if (member.incoming !== undefined && world.install(member)) this.counts.snapshots++;
        break;
      case "clock":
        member.wall += random.between(-2000, 2000);
        break;
      case "jump":
        // Far beyond what others believe; the next one goes back.
        member.wall = member.wall > 1_500_000 ? 1_000_000 : 1_600_000;
        break;
      default:
        assert(false, "no such kind of event", { kind });
    }
    this.look(member);
    if (random.chance(3, 4)) world.drain(member);
  }

  /** What is met is counted, and every read that is confirmed is checked. */
  private listen(): void {
    const { world, counts } = this;
    world.onSent = (message) => {
      if (message.type === "pre_vote_answer" && message.isSticky) counts.stickyRefusals++;
      if (message.type === "append_rejected") counts.probes++;
      if (message.type === "append_accepted" && message.isClockRefused) counts.clockRefusals++;
      if (message.type === "vote" && message.isTransfer) this.heirs.add(`${message.from} ${message.term}`);
    };
    world.onReady = (_, ready) => {
      if (ready.truncateFrom !== undefined) counts.truncations++;
      counts.loads += ready.loads.length;
    };
    world.onRead = (member, answer) => {
      const key = `${member.id} ${answer.context}`;
      const atLeast = this.waiting.get(key);
      this.waiting.delete(key);
      if (answer.kind === "refused") {
        counts.readsRefused++;
        return;
      }
      counts.readsConfirmed++;
      assert(atLeast !== undefined, "an answer to a read that nobody waits for", { id: member.id });
      assert(answer.commit >= atLeast, "a stale read confirmed", { id: member.id, commit: answer.commit, atLeast });
    };
  }

  private lose(member: Member, other: ReplicaId): void {
    const { role, leader } = member.raft.status;
    if (role === "follower" && leader === other) this.counts.earlyElections++;
    member.raft.connectionLost(other);
  }

  private readonly heirs = new Set<string>();

  /** What a member has become since it was looked at last. */
  private look(member: Member): void {
    const { counts } = this;
    const { status } = member.raft;
    const before = this.seen.get(member.id);
    this.seen.set(member.id, status);
    if (status.role !== "leader") return;
    if (before?.role !== "leader" || before.term !== status.term) {
      counts.elections++;
      if (this.heirs.has(`${member.id} ${status.term}`)) counts.transfersDone++;
      return;
    }
    if (before.isTransferring && !status.isTransferring) counts.transfersAborted++;
    if (before.hasQuorum && !status.hasQuorum) counts.withoutQuorum++;
  }

  private deliver(keepsCopy: boolean): void {
    const { world, random } = this;
    if (world.messages.length === 0) return;
    // Mostly in order.
    const at = random.chance(4, 5) ? 0 : random.below(world.messages.length);
    const message = world.messages[at];
    if (message !== undefined && this.cut.has(`${message.from} ${message.to}`)) {
      world.messages.splice(at, 1);
      return;
    }
    if (world.messages.length > 400) world.messages.splice(0, 100);
    const delivered = world.deliver(at, keepsCopy);
    const member = delivered === undefined ? undefined : world.members.get(delivered.to);
    if (member?.isUp === true && random.chance(3, 4)) world.drain(member);
  }

  private propose(member: Member): boolean {
    const proposal = {
      stamp: member.raft.nextStamp(),
      flags: 0,
      kind: 2,
      payload,
      needsQuorum: this.random.chance(1, 2),
    };
    const isTaken = member.raft.propose(proposal).kind === "accepted";
    if (isTaken) this.counts.proposals++;
    return isTaken;
  }

  private change(member: Member): void {
    const { voters, learners } = member.raft.status.configuration;
    if (member.raft.status.role !== "leader") return;
    if (learners.length > 0 && this.random.chance(2, 3)) {
      const promoted = this.random.pick(learners);
      const gone = this.random.pick(voters);
      const next = voters.map((id) => (id === gone ? promoted : id));
      const rest = learners.filter((id) => id !== promoted);
      if (member.raft.change({ voters: next, learners: rest }).kind === "accepted") this.counts.changes++;
      return;
    }
    if (this.nextId > 8) return;
    const id: ReplicaId = replicaId(this.nextId);
    const result = member.raft.change({ voters, learners: [...learners, id] });
    if (result.kind !== "accepted") return;
    this.nextId++;
    this.world.add(id);
    this.counts.changes++;
  }
}

function describe(world: World): string {
  const lines = Array.from(world.members.values(), (member) => {
    const { id, role, term, leader, commit, last, configuration } = member.raft.status;
    return `${id}: ${role} term ${term} leader ${leader} commit ${commit} last ${last} applied ${member.applied} voters ${configuration.voters.join(",")} out ${configuration.outgoing.join(",")} learners ${configuration.learners.join(",")}`;
  });
  assert(lines.length > 0, "an empty world");
  return `\n${lines.join("\n")}`;
}
