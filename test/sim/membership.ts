// Whoever runs the group, in the simulator's place: says which replicas belong to it, and goes on, step by step, until it is
// so, whoever leads meanwhile. A replica whose disk is lost is replaced by a new one, which comes as a learner and is made whole.
//
//   voters A B C, wanted A B D:   + learner D  ->  joint A B D | A B C  ->  A B D  ->  + learner C, until it keeps nothing  ->  - C
//                                                                     or, at once:  C retires, brings back what it keeps, is erased
//
// The group survives the loss of one disk at a time: `mayLose` says whether another one would be too many.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { isJoint, membersOf, sameReplicas } from "../../internal/raft/configuration.ts";
import type { Configuration, ConfigurationAt } from "../../internal/raft/configuration.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";

const stepMilliseconds = 150;
const nodesMax = 6;
/** Longer than any turn. */
const turnMilliseconds = 100;

export class Membership {
  private readonly cluster: SimCluster;
  private readonly random: Prng;
  private voters: ReplicaId[];
  private readonly learners = new Set<ReplicaId>();
  /** Were voters; what their logs lost is still to come back through them. */
  private readonly leaving = new Set<ReplicaId>();

  constructor(cluster: SimCluster, random: Prng) {
    this.cluster = cluster;
    this.random = random;
    this.voters = [...cluster.nodes.keys()];
    cluster.isWanted = ({ id }) => this.isWanted(id);
  }

  begin(): void {
    this.cluster.time.after(stepMilliseconds, () => {
      this.step();
      this.begin();
    });
  }

  /** Another replica shall take the seat of this one, or of any. */
  replace(node: SimNode | undefined): boolean {
    const leaves = node !== undefined && this.voters.includes(node.id) ? node.id : this.random.pick(this.voters);
    if (!this.isSettled || this.cluster.nodes.size >= nodesMax) return false;
    this.seat(leaves);
    // Or it goes at once, with what only it has: rule 12.
    if (this.random.chance(1, 2)) this.leaving.add(leaves);
    return true;
  }

  addLearner(): boolean {
    if (this.cluster.nodes.size >= nodesMax) return false;
    this.learners.add(this.cluster.addNew().id);
    return true;
  }

  removeLearner(): boolean {
    const [first] = this.learners;
    return first !== undefined && this.learners.delete(first);
  }

  /** Whether the group, and all it promised, outlives the loss of this node's disk. */
  mayLose(node: SimNode): boolean {
    const present = this.settledConfiguration();
    if (present === undefined || node.isGone) return false;
    const newest = Math.max(...this.configurations().map(({ index }) => index));
    if (present.index < newest) return false;
    return [...present.configuration.voters, ...this.voters].every((id) => {
      const other = this.cluster.nodes.get(id);
      return id === node.id || (other !== undefined && !other.isGone && other.disk.isIntact);
    });
  }

  /** All is as it was wanted, and nobody is gone. */
  get isSettled(): boolean {
    const present = this.settledConfiguration()?.configuration;
    if (present === undefined || !sameReplicas(present.voters, this.voters)) return false;
    const { nodes } = this.cluster;
    return sameReplicas(membersOf(present), [...nodes.keys()]) && [...nodes.values()].every((node) => !node.isGone);
  }

  private step(): void {
    const { cluster } = this;
    this.replaceLost();
    const leader = cluster.leader?.replica;
    if (leader === undefined) return;
    if (!leader.status.hasQuorum) return cluster.sightings.note("leader without quorum");
    const present = leader.status.configuration;
    if (isJoint(present)) return;
    const members = membersOf(present);
    if (present.learners.length > 0) cluster.sightings.note("learner");
    this.letGo(leader, members);
    const learners = this.learnersWanted();
    if (this.voters.some((id) => !members.includes(id))) {
      this.change(leader, { voters: present.voters, learners: learners.filter((id) => !present.voters.includes(id)) });
    } else if (!sameReplicas(present.voters, this.voters)) {
      this.exchange(leader, present);
    } else if (!sameReplicas(present.learners, learners)) {
      this.change(leader, { voters: this.voters, learners });
    } else if (this.isApplied(leader, present)) {
      this.retireOthers(members);
    }
  }

  private learnersWanted(): ReplicaId[] {
    const { leader } = this.cluster;
    const voters = leader?.replica?.status.configuration.voters ?? [];
    const wanted = new Set([...this.learners, ...this.leaving, ...this.voters.filter((id) => !voters.includes(id))]);
    for (const id of this.voters) if (voters.includes(id)) wanted.delete(id);
    return [...wanted];
  }

  private exchange(leader: Replica, present: Configuration): void {
    if (!this.voters.includes(leader.id)) {
      const heirs = this.voters.filter((id) => present.voters.includes(id));
      const heir = this.random.pick(heirs);
      this.inTurn(leader, () => {
        if (leader.transfer(heir) === undefined) this.cluster.sightings.note("leader hands over before it leaves");
      });
      return;
    }
    const learners = present.learners.filter((id) => !this.voters.includes(id));
    this.change(leader, { voters: this.voters, learners });
  }

  private change(leader: Replica, wanted: { voters: readonly ReplicaId[]; learners: readonly ReplicaId[] }): void {
    this.inTurn(leader, () => {
      const { kind } = leader.change(wanted);
      if (kind === "refused") this.cluster.sightings.note("change refused");
    });
  }

  /** Unless its process has ended by then, or was paused: what is wanted may be something else when it goes on. */
  private inTurn(leader: Replica, act: () => void): void {
    const node = this.cluster.nodes.get(leader.id);
    const { time } = this.cluster;
    const last = time.now + turnMilliseconds;
    node?.clock.live(() => {
      if (node.replica === leader && time.now <= last) act();
    });
  }

  private replaceLost(): void {
    for (const node of Array.from(this.cluster.nodes.values())) {
      if (!node.isGone) continue;
      this.learners.delete(node.id);
      this.leaving.delete(node.id);
      if (this.voters.includes(node.id)) {
        this.seat(node.id);
        this.cluster.sightings.note("replica made whole on a new disk");
      }
    }
  }

  private seat(leaves: ReplicaId): void {
    const comes = this.cluster.addNew().id;
    this.voters = this.voters.map((id) => (id === leaves ? comes : id));
  }

  /** A former voter goes when it has everything and keeps nothing. */
  private letGo(leader: Replica, members: readonly ReplicaId[]): void {
    for (const id of this.leaving) {
      if (this.voters.includes(id) || !members.includes(id)) continue;
      const replica = this.cluster.nodes.get(id)?.replica;
      if (replica === undefined || replica.hasSalvage || leader.status.configuration.voters.includes(id)) continue;
      if (replica.appliedIndex < leader.appliedIndex || replica.status.term !== leader.status.term) continue;
      this.leaving.delete(id);
      this.cluster.sightings.note("voter removed");
    }
  }

  private isWanted(id: ReplicaId): boolean {
    return this.voters.includes(id) || this.learners.has(id) || this.leaving.has(id);
  }

  private retireOthers(members: readonly ReplicaId[]): void {
    for (const node of Array.from(this.cluster.nodes.values())) {
      if (this.isWanted(node.id) || members.includes(node.id)) continue;
      if (node.isGone) this.cluster.retire(node);
      // It may have learned it by itself.
      else if (this.random.chance(1, 10)) node.retire();
    }
  }

  /** The leader's configuration, when it is committed and not joint. */
  private settledConfiguration(): ConfigurationAt | undefined {
    const leader = this.cluster.leader?.replica;
    if (leader === undefined || !leader.status.hasQuorum) return undefined;
    const present = leader.status.configuration;
    return isJoint(present) || !this.isApplied(leader, present) ? undefined : leader.state.configuration;
  }

  private configurations(): ConfigurationAt[] {
    return [...this.cluster.nodes.values()].flatMap(({ replica }) => replica?.state.configuration ?? []);
  }

  private isApplied(leader: Replica, present: Configuration): boolean {
    const applied = leader.state.configuration.configuration;
    return sameReplicas(applied.voters, present.voters) && sameReplicas(membersOf(applied), membersOf(present));
  }
}
