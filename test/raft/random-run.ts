// A run of cores in which chance decides what happens next: ticks, messages late, lost, twice and out of order, slow disks,
// crashes, proposals, changes of members, transfers, snapshots. At the end everything heals, and has to make progress.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, replicaId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { isJoint } from "../../internal/raft/configuration.ts";
import type { Membership } from "../../internal/raft/membership.ts";
import type { Message } from "../../internal/raft/messages.ts";
import { entryKind } from "../../internal/raft/types.ts";
import type { SnapshotOffer } from "../../internal/raft/types.ts";
import { RunWatch } from "./run-watch.ts";
import type { RunCounts } from "./run-watch.ts";
import type { Member, WorldStart } from "./world.ts";
import { World } from "./world.ts";

const payload = new Uint8Array(8);
const idsMax = 24;

export function randomRun(seed: number, steps: number, start?: WorldStart): RunCounts {
  const run = new RandomRun(seed, start);
  run.faults(steps);
  run.heal();
  return run.counts;
}

export class RandomRun {
  readonly world: World;
  private readonly watch: RunWatch;
  private readonly random: Prng;
  private readonly installing = new Map<ReplicaId, SnapshotOffer>();
  private readonly late: Message[] = [];
  private cut = new Set<string>();
  private nextId = 4;
  /** Each seed leans on some kinds of events: all at once hide each other. */
  private readonly weights: { readonly [kind: string]: number };

  constructor(seed: number, start?: WorldStart) {
    this.random = new Prng(seed).split("run");
    this.world = new World(
      seed,
      [1, 2, 3],
      {
        electionTicks: 10,
        heartbeatTicks: 2,
        earlyElectionTicks: 3,
        window: { messagesMax: this.random.between(1, 8), bytesMax: 4096 },
        appendBytesMax: this.random.between(1, 400),
        promotionLagMax: this.random.pick([1, 20]),
        uncommittedEntriesMax: this.random.pick([4, 10_000]),
      },
      start,
    );
    this.watch = new RunWatch(this.world);
    this.weights = weightsOf(this.random);
  }

  get counts(): RunCounts {
    return this.watch.counts;
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
    for (const member of world.members.values()) {
      if (!member.isUp) this.restart(member);
      member.wall = 2_000_000;
    }
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
      const members = leader.raft.status.configuration;
      if (isJoint(members)) continue;
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
    this.beginInstall(member);
    this.finishInstall(member);
    this.watch.look(member);
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
      case "delay":
        return this.delay();
      case "late":
        world.messages.unshift(...this.late.splice(random.below(this.late.length + 1), 1));
        return this.deliver(random.chance(1, 4));
      case "round":
        return this.round();
      case "crash":
        return this.crash(member);
      case "crashInChange":
        if (this.isChanging) this.crash(world.leader ?? member);
        return;
      case "deposeInChange":
        return this.deposeInChange();
      case "restart":
        if (!member.isUp) this.restart(member);
        return;
      default: {
        // What only a leader can do is mostly asked of one.
        const isLeaders = ["change", "transfer", "withdraw", "propose"].includes(kind);
        const actor = isLeaders && random.chance(7, 8) ? (world.leader ?? member) : member;
        if (actor.isUp) this.act(actor, kind);
      }
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
        this.watch.read(member);
        break;
      case "lost":
        this.lose(member, random.pick(others));
        break;
      case "transfer":
        this.transfer(member, random.pick(others));
        break;
      case "change":
        this.change(member);
        break;
      case "compact":
        this.compact(member);
        break;
      case "snapshot":
        this.snapshot(member);
        break;
      case "withdraw":
        if (random.chance(1, 4)) this.withdraw(member);
        break;
      case "salvage":
        member.keepSalvage(random.chance(1, 2));
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
    this.watch.look(member);
    if (random.chance(3, 4)) world.drain(member);
  }

  /** A straggler: it may arrive after elections, crashes and changes. */
  private delay(): void {
    const { world, random, late } = this;
    if (late.length >= 40) return;
    // Orders to stand are few, and what they do late is worth knowing.
    const order = world.messages.findIndex(({ type }) => type === "transfer_now");
    const at = order >= 0 ? order : random.below(world.messages.length + 1);
    late.push(...world.messages.splice(at, 1));
  }

  /** For a moment all goes well: time passes, disks write, and what is on its way arrives. */
  private round(): void {
    const { world } = this;
    for (const member of world.members.values()) {
      if (!member.isUp) continue;
      this.act(member, "tick");
      while (world.drain(member) !== undefined || world.persist(member));
    }
    for (let count = world.messages.length; count > 0; count--) this.deliver(false);
  }

  /** The leader's newest configuration is joint, or not committed. */
  private get isChanging(): boolean {
    const { leader } = this.world;
    if (leader === undefined) return false;
    const { configuration, commit } = leader.raft.status;
    const newest = leader.staged.entries.findLast((entry) => entry.kind === entryKind.configuration);
    return isJoint(configuration) || (newest !== undefined && newest.index > commit);
  }

  /** A change that only its leader ever hears of: others elect one that does not have it. */
  private deposeInChange(): void {
    const { world } = this;
    this.cut.clear();
    // It takes a learner that has caught up.
    if (world.leader?.raft.status.configuration.learners.length === 0) this.change(world.leader);
    this.rounds(10);
    const { leader } = world;
    if (leader === undefined) return;
    this.change(leader);
    const isWith = (member: Member): boolean => isJoint(member.raft.status.configuration);
    if (!isWith(leader) || [...world.members.values()].some((member) => member !== leader && isWith(member))) return;
    if (this.random.chance(1, 8)) return this.crash(leader);
    if (this.random.chance(1, 2)) return this.leaverLeads(leader);
    for (const id of world.members.keys()) {
      this.cut.add(`${leader.id} ${id}`);
      this.cut.add(`${id} ${leader.id}`);
    }
    this.rounds(40);
    this.cut.clear();
    this.rounds(5);
  }

  /** All have heard of the change when its leader is lost, and who leaves by it is the first to notice. */
  private leaverLeads(leader: Member): void {
    const { voters, outgoing } = leader.raft.status.configuration;
    const id = outgoing.find((voter) => !voters.includes(voter));
    this.rounds(1);
    const leaver = id === undefined ? undefined : this.world.members.get(id);
    this.crash(leader);
    if (leaver?.isUp === true) this.lose(leaver, leader.id);
    this.rounds(8);
  }

  private rounds(count: number): void {
    for (let done = 0; done < count; done++) {
      this.round();
      this.world.check();
    }
  }

  private crash(member: Member): void {
    if (!member.isUp) return;
    this.watch.crashing(member);
    if (this.installing.delete(member.id)) this.counts.crashesWhileInstalling++;
    member.crash(this.random.below(member.writing.length + 1));
  }

  private restart(member: Member): void {
    member.restart();
    member.keepSalvage(member.keepsSalvage);
  }

  private lose(member: Member, other: ReplicaId): void {
    const { role, leader } = member.raft.status;
    if (role === "follower" && leader === other) this.counts.earlyElections++;
    member.raft.connectionLost(other);
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
    const receiver = message === undefined ? undefined : world.members.get(message.to);
    if (message !== undefined && receiver?.isUp === true) {
      this.watch.arriving(receiver, message);
      if (message.type === "append" && this.installing.has(receiver.id)) this.counts.appendsWhileInstalling++;
    }
    const delivered = world.deliver(at, keepsCopy);
    const member = delivered === undefined ? undefined : world.members.get(delivered.to);
    if (member?.isUp === true && random.chance(3, 4)) world.drain(member);
  }

  private propose(member: Member): boolean {
    const { counts } = this;
    const fixed = { flags: 0, kind: 2, payload, needsQuorum: this.random.chance(1, 2) };
    const result = member.raft.propose({ stamp: member.raft.nextStamp(), ...fixed });
    if (result.kind === "accepted") counts.proposals++;
    else if (result.why === "busy") counts.proposalsBusy++;
    else if (result.why === "no_quorum") counts.proposalsWithoutQuorum++;
    else if (result.why === "transferring") counts.proposalsWhileTransferring++;
    return result.kind === "accepted";
  }

  private transfer(member: Member, heir: ReplicaId): void {
    const follower = member.raft.followers().find(({ id }) => id === heir);
    if (member.raft.transfer(heir) !== undefined) return;
    this.counts.transfersBegun++;
    if (follower !== undefined && follower.match < member.raft.status.last) this.counts.transfersToLagging++;
  }

  // --- changes of members

  private change(member: Member): void {
    if (member.raft.status.role !== "leader") return;
    const { voters, learners } = member.raft.status.configuration;
    const { random } = this;
    if (learners.length > 0 && random.chance(3, 4)) {
      const promoted = random.pick(learners);
      const gone = random.pick(voters);
      const rest = learners.filter((id) => id !== promoted);
      const isDropped = random.chance(1, 6);
      const next = isDropped ? voters : voters.map((id) => (id === gone ? promoted : id));
      if (this.ask(member, { voters: next, learners: rest })) {
        if (isDropped) this.counts.learnersDropped++;
        else this.counts.exchangesBegun++;
      }
      return;
    }
    if (this.nextId > idsMax || learners.length >= 2) return;
    const id = replicaId(this.nextId);
    if (!this.ask(member, { voters, learners: [...learners, id] })) return;
    this.nextId++;
    this.world.add(id);
    this.counts.learnersAdded++;
  }

  private ask(member: Member, wanted: Membership): boolean {
    const { counts } = this;
    const result = member.raft.change(wanted);
    if (result.kind === "accepted") return true;
    if (result.why === "not_caught_up") counts.promotionsTooEarly++;
    if (result.why === "leader_leaves") counts.changesOfTheLeaderItself++;
    if (result.why === "changing") counts.changesWhileChanging++;
    return false;
  }

  // --- snapshots

  private compact(member: Member): void {
    const { random } = this;
    const kept = member.applied - member.staged.base.index;
    this.world.compact(member, logIndex(member.applied - (random.chance(1, 2) ? 0 : random.between(0, kept))));
    member.cachedFrom = member.applied - random.between(0, kept);
  }

  /** One step of whatever a member has to do with snapshots. */
  private snapshot(member: Member): void {
    this.world.offerSnapshots(member);
    const offer = this.installing.get(member.id);
    if (offer === undefined) {
      // Fetching it takes a while, in which things go on.
      if (this.random.chance(1, 6)) this.beginInstall(member);
    } else if (this.random.chance(1, 8)) {
      this.installing.delete(member.id);
      member.raft.snapshotFailed(offer.index);
      this.counts.snapshotsFailed++;
    } else if (this.random.chance(1, 3)) {
      this.finishInstall(member);
    }
  }

  private beginInstall(member: Member): void {
    const { incoming } = member;
    if (incoming === undefined || this.installing.has(member.id)) return;
    member.incoming = undefined;
    if (member.raft.beginInstall(incoming)) this.installing.set(member.id, incoming);
    else this.counts.snapshotsNotWanted++;
  }

  private finishInstall(member: Member): void {
    const offer = this.installing.get(member.id);
    if (offer === undefined) return;
    this.installing.delete(member.id);
    this.world.finishInstall(member, offer);
    this.counts.snapshotsInstalled++;
  }

  private withdraw(member: Member): void {
    const receiver = member.raft.followers().find(({ state }) => state === "snapshot");
    if (receiver === undefined) return;
    member.raft.withdrawSnapshot(receiver.id);
    this.counts.snapshotsWithdrawn++;
  }
}

/** How often what happens. Half of the kinds are left out, and one group of them comes often. */
function weightsOf(random: Prng): { readonly [kind: string]: number } {
  const some = (weight: number): number => (random.chance(1, 2) ? weight : 0);
  const focus = random.pick(["none", "members", "snapshots", "transfers"]);
  const leant = (name: string, weight: number): number => (focus === name ? 3 * weight : some(weight));
  return {
    tick: 40,
    round: random.pick([3, 20]),
    deliver: 60,
    persist: 40,
    propose: 20,
    read: 5,
    lose: some(8),
    double: some(5),
    crash: some(2),
    restart: 3,
    delay: some(6),
    late: 3,
    cut: some(2),
    mend: 2,
    lost: some(2),
    transfer: leant("transfers", 2),
    change: leant("members", 4),
    crashInChange: focus === "members" ? random.pick([0, 2, 12]) : 0,
    deposeInChange: focus === "members" ? random.pick([1, 5]) : 0,
    compact: leant("snapshots", 3),
    snapshot: 6,
    withdraw: leant("snapshots", 1),
    salvage: some(2),
    clock: some(2),
    jump: random.chance(1, 6) ? 1 : 0,
  };
}

function describe(world: World): string {
  const lines = Array.from(world.members.values(), (member) => {
    const { id, role, term, leader, commit, last, configuration } = member.raft.status;
    return `${id}: ${role} term ${term} leader ${leader} commit ${commit} last ${last} applied ${member.applied} voters ${configuration.voters.join(",")} out ${configuration.outgoing.join(",")} learners ${configuration.learners.join(",")}`;
  });
  assert(lines.length > 0, "an empty world");
  return `\n${lines.join("\n")}`;
}
