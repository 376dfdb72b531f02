// What goes wrong in a simulated run: each kind of fault, and how long it lasts.

import type { Prng } from "../../internal/base/prng.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { isJoint } from "../../internal/raft/configuration.ts";
import type { FaultCall } from "../disk/fault-rules.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import type { Survival } from "../disk/power-cut.ts";
import type { Membership } from "./membership.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { linkOf } from "./sim-network.ts";
import type { Link, NetworkWeather } from "./sim-network.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

/** What a fault is made of. */
interface Scene {
  readonly random: Prng;
  readonly any: SimNode;
  readonly leader: SimNode | undefined;
  /** The leader, half of the time. */
  readonly target: SimNode;
}

type Action = (actions: FaultActions, scene: Scene) => boolean;

/** True: it happened. */
const kinds = {
  "crash leader": (actions, { leader, random }) => actions.crash(leader, random),
  "crash new leader": (actions, { leader, random }) => actions.crash(leader, random),
  "crash who promised": (actions, { target, random }) => actions.crash(target, random),
  "crash any": (actions, { any, random }) => actions.crash(any, random),
  "crash all": (actions, { random }) => actions.nodes.map((node) => actions.crash(node, random)).some(Boolean),
  "crash with salvage": (actions, { random }) =>
    actions.crash(
      actions.nodes.find(({ replica }) => replica?.hasSalvage),
      random,
    ),
  "crash at an operation": (actions, { target, random }) => actions.crashLater(target, random, false),
  "crash in a start": (actions, { target, random }) => actions.crashIn(target, random, random.between(1, 40)),
  "crash in an install": (actions, { target, random }) => actions.crashIn(target, random, random.between(1, 25)),
  "crash after a kill": (actions, { target, random }) => actions.crashTwice(target, random),
  kill: (actions, { target, random }) => actions.crash(target, random, true),
  "kill at an operation": (actions, { target, random }) => actions.crashLater(target, random, true),
  pause: (_, { target, random }) => {
    target.clock.pause(random.between(50, 5000));
    return target.isUp;
  },
  "pause within a turn": (_, { target, random }) => {
    target.clock.pauseWithinTurn(random.between(50, 5000), random.between(1, 4));
    return target.isUp;
  },

  "cut leader off": (actions, { leader, random }) =>
    leader !== undefined && actions.cut(actions.linksOf(leader.id), random),
  "cut new leader off": (actions, { leader, random }) =>
    leader !== undefined && actions.cut(actions.linksOf(leader.id), random),
  "cut one way": (actions, { any, random }) => actions.cut([random.pick(actions.linksOf(any.id))], random),
  "cut pair": (actions, { any, random }) => actions.cut(actions.pairOf(any.id, random), random),
  "lose messages": (actions, { random }) =>
    actions.weather({ lost: random.between(10, 200), doubled: random.between(0, 100) }, random),
  "slow network": (actions, { random }) => actions.weather({ delayMost: random.between(5, 300) }, random),
  "late messages": (actions, { random }) => actions.weather({ late: random.between(5, 100) }, random),
  "slow link": (actions, { any, random }) => actions.slowLink(random.pick(actions.linksOf(any.id)), random),
  "connection closed": (actions, { any, random }) => actions.disconnect(any, random, false),
  "connection broken": (actions, { any, random }) => actions.disconnect(any, random, true),

  "slow disk": (actions, { target, random }) => actions.slowDisk(target, random),
  "hung disk": (actions, { target, random }) => actions.hang(target, random),
  "full disk": (actions, { target, random }) => actions.fill(target, random),
  "failed write": (_, { target, random }) => failOnce(target, random, ["write"]),
  "failed sync": (_, { target, random }) => failOnce(target, random, ["syncData", "syncFolder"]),
  "failed change of names": (_, { target, random }) =>
    failOnce(target, random, ["rename", "remove", "openFile", "link"]),
  "short write": (_, { target, random }) => {
    const times = random.between(1, 20);
    return target.disk.arm({ calls: ["write"], when: random.between(1, 20), times, fault: { kind: "short" } });
  },
  "bit flip": (actions, { target, random }) => actions.damage(target, random, { kind: "flip" }),
  "misdirected read": (actions, { target, random }) =>
    actions.damage(target, random, { kind: "misdirect", bytes: random.pick([512, 4096, 65_536]) }),
  rot: (actions, { target, random }) => actions.rot(target, random),
  "rot in the newest segment": (actions, { target, random }) => actions.rotNewest(target, random),
  "disk lost": (actions, { target, random }) => actions.lose(target, random),

  "clock off": (actions, { any, random }) => actions.setClock(any, random.between(0, 800) - 400, 0),
  "clock drifts": (actions, { any, random }) => actions.drift(any, random),
  "clock set back while cut off": (actions, { any, leader, random }) =>
    any !== leader && actions.cutOffAndSetBack(any, random),
  "clock jumps": (actions, { target, random }) => actions.jump(target, random),

  "replica replaced": (actions, { target }) => actions.membership.replace(target),
  "learner added": (actions) => actions.membership.addLearner(),
  "learner removed": (actions) => actions.membership.removeLearner(),
  "crash in a change": (actions, { target, random, leader }) =>
    isInChange(leader) && actions.sight(actions.crash(target, random)),
  "cut in a change": (actions, { target, random, leader }) =>
    isInChange(leader) && actions.cut(actions.linksOf(target.id), random),
  "hand over in a snapshot": (_, { any, leader }) => leader?.replica?.transfer(any.id) === undefined,
  transfer: (_, { any, leader }) => leader?.replica?.transfer(any.id) === undefined,
  flush: (_, { any }) => {
    void any.flush();
    return any.isUp;
  },
} as const satisfies Record<string, Action>;

export type FaultKind = keyof typeof kinds;
export const faultKinds = Object.keys(kinds) as readonly FaultKind[];

const operationsCut = [undefined, "create", "rename", "remove", "remove", "remove", "syncFolder", "syncData"] as const;

export class FaultActions {
  readonly membership: Membership;
  private readonly cluster: SimCluster;
  private isStopped = false;

  constructor(cluster: SimCluster, membership: Membership) {
    this.cluster = cluster;
    this.membership = membership;
  }

  /** `at`: whom it is aimed at. */
  make(kind: FaultKind, random: Prng, at?: SimNode): boolean {
    const { leader } = this.cluster;
    const any = random.pick(this.nodes);
    const target = at ?? (random.chance(1, 2) ? (leader ?? any) : any);
    const action: Action = kinds[kind];
    return action(this, { random, any, leader, target });
  }

  stop(): void {
    this.isStopped = true;
  }

  get nodes(): SimNode[] {
    return [...this.cluster.nodes.values()];
  }

  // --- processes

  crash(node: SimNode | undefined, random: Prng, isKill = false): boolean {
    if (node === undefined || !node.isRunning) return false;
    const survival = isKill ? undefined : this.survivalOf(node, random);
    const others = this.nodes.filter((other) => other !== node);
    node.crash(survival);
    // A kernel that lives closes the connections of its processes.
    if (survival === undefined) for (const other of others) this.cluster.disconnect(node, other, random.chance(1, 2));
    this.cluster.restartLater(node, random.between(10, 4000));
    return true;
  }

  crashLater(node: SimNode, random: Prng, isKill: boolean): boolean {
    if (!node.isRunning) return false;
    const only = random.pick(operationsCut);
    const operations = random.between(1, only === undefined ? 60 : 1);
    node.crashIn(operations, only, isKill ? undefined : this.survivalOf(node, random));
    return true;
  }

  crashIn(node: SimNode, random: Prng, operations: number): boolean {
    if (!node.isRunning) return false;
    // A start that comes to its end without it would count the tail as trusted again.
    const isKill = node.isBuffered && !node.isUp;
    node.crashIn(operations, undefined, isKill ? undefined : this.survivalOf(node, random));
    return true;
  }

  /** What the first life had written and not synced, the second one believes: then the power goes. */
  crashTwice(node: SimNode, random: Prng): boolean {
    if (!node.isRunning) return false;
    node.crash(undefined);
    this.cluster.restartLater(node, 10);
    this.later(random.between(15, 300), () => void this.crash(node, random));
    return true;
  }

  sight(happened: boolean): boolean {
    if (happened) this.cluster.sightings.note("crash in a joint configuration");
    return happened;
  }

  /** What the power takes. Where the group would not bear the loss of a tail that cannot be trusted, only the process ends. */
  private survivalOf(node: SimNode, random: Prng): Survival | undefined {
    if (node.isBuffered && !this.membership.mayLose(node)) return undefined;
    if (node.isBuffered) node.disk.isTailAtRisk = true;
    return randomSurvival({ random, withGarbage: random.chance(1, 2) });
  }

  // --- network

  cut(links: readonly Link[], random: Prng): boolean {
    const { network } = this.cluster;
    for (const link of links) network.cuts.add(link);
    this.later(random.between(100, 6000), () => links.forEach((link) => network.cuts.delete(link)));
    return links.length > 0;
  }

  weather(change: Partial<NetworkWeather>, random: Prng): boolean {
    this.cluster.network.change(change);
    this.later(random.between(500, 5000), () => this.cluster.network.change({}));
    return true;
  }

  slowLink(link: Link, random: Prng): boolean {
    const { slow } = this.cluster.network;
    slow.set(link, random.between(20, 1500));
    this.later(random.between(500, 8000), () => slow.delete(link));
    return true;
  }

  disconnect(node: SimNode, random: Prng, loses: boolean): boolean {
    const others = this.nodes.filter((other) => other !== node);
    const chosen = random.chance(1, 2) ? others : [random.pick(others)];
    for (const other of chosen) this.cluster.disconnect(node, other, loses);
    return true;
  }

  linksOf(id: ReplicaId): Link[] {
    const others = [...this.cluster.nodes.keys()].filter((other) => other !== id);
    return others.flatMap((other) => [linkOf(id, other), linkOf(other, id)]);
  }

  pairOf(id: ReplicaId, random: Prng): Link[] {
    const other = random.pick([...this.cluster.nodes.keys()].filter((known) => known !== id));
    return [linkOf(id, other), linkOf(other, id)];
  }

  // --- disks

  slowDisk({ disk }: SimNode, random: Prng): boolean {
    disk.callMilliseconds = random.between(20, 1000);
    this.later(random.between(500, 5000), () => (disk.callMilliseconds = 1));
    return true;
  }

  /** A leader gives up when its disk does not answer. */
  hang(node: SimNode, random: Prng): boolean {
    const { cluster } = this;
    const milliseconds = random.between(500, 8000);
    const begun = cluster.time.now;
    const { role, term = 0 } = node.replica?.status ?? {};
    node.disk.hang(cluster.time.now + milliseconds);
    if (role !== "leader" || milliseconds < 4000) return node.isUp;
    const { clock } = node;
    this.later(milliseconds - 1, () => {
      const now = node.replica?.status;
      if (clock !== node.clock || now === undefined) return;
      if (now.role !== "leader" || now.term > term) {
        cluster.sightings.note("leader steps down with a hung disk");
      } else if (now.last > now.persisted && hungSince(node) && !clock.wasPausedSince(begun)) {
        node.report(new Violation("a hung leader steps down", `node ${node.id} led for ${milliseconds} ms on`));
      }
    });
    // What waits by then must have waited for long when the disk goes on.
    let waiting = 0;
    this.later(1500, () => (waiting = node.replica?.status.last ?? 0));
    const hungSince = ({ replica }: SimNode): boolean => (replica?.status.persisted ?? 0) < waiting;
    return true;
  }

  fill(node: SimNode, random: Prng): boolean {
    const { disk } = node;
    if (disk.isFull || !disk.fill(random.pick([0, 1000, 20_000]))) return false;
    // Somebody who needs space at once.
    void node.flush();
    this.later(random.between(2000, 15_000), () => disk.fill(Number.POSITIVE_INFINITY));
    return true;
  }

  /** What it finds of that, it must not believe: rule 21. */
  damage(node: SimNode, random: Prng, fault: { kind: "flip" } | { kind: "misdirect"; bytes: number }): boolean {
    if (!node.isUp || !this.membership.mayLose(node)) return false;
    const [when, times] = [random.between(1, 10), random.between(1, 5)];
    if (!node.disk.arm({ calls: ["read"], path: /\.(table|log)$/, when, times, fault })) return false;
    node.disk.isDamaged = true;
    this.doAwayWith(node, random);
    return true;
  }

  /** What lay there for long is not what it was; a start of the process, or a merge, may find that. */
  rot(node: SimNode, random: Prng): boolean {
    if (!this.membership.mayLose(node) || !node.disk.rot()) return false;
    if (random.chance(1, 2)) this.crash(node, random, true);
    this.doAwayWith(node, random);
    return true;
  }

  /** Where the log says that it had been synced, and goes on: no torn tail looks like that. */
  rotNewest(node: SimNode, random: Prng): boolean {
    if (!node.isUp || node.isBuffered) return false;
    const { life, disk } = node;
    const before = disk.glance();
    this.later(random.between(300, 2000), () => {
      if (life !== node.life || !node.isRunning || !this.membership.mayLose(node) || !disk.rotBehind(before)) return;
      this.crash(node, random, true);
      this.doAwayWith(node, random);
    });
    return true;
  }

  /** Whether or not anything was found: nobody keeps such a disk. */
  private doAwayWith(node: SimNode, random: Prng): void {
    this.later(random.between(1000, 8000), () => {
      if (this.cluster.nodes.has(node.id) && !node.isGone) node.lose();
    });
  }

  lose(node: SimNode, random: Prng): boolean {
    if (random.chance(1, 2) || !this.membership.mayLose(node)) return false;
    node.lose();
    return true;
  }

  // --- clocks

  setClock(node: SimNode, milliseconds: number, driftPerMille: number): boolean {
    this.cluster.setClock(node, milliseconds, driftPerMille);
    return true;
  }

  drift(node: SimNode, random: Prng): boolean {
    this.later(random.between(1000, 6000), () => this.cluster.setClock(node, 0));
    return this.setClock(node, 0, random.between(0, 120) - 60);
  }

  /** What it knows grows old, and its wall clock does not show it. */
  cutOffAndSetBack(node: SimNode, random: Prng): boolean {
    const back = random.between(500, 3000);
    this.later(random.between(50, 500), () => this.cluster.setClock(node, -back));
    this.later(random.between(2000, 6000), () => this.cluster.setClock(node, 0));
    return this.cut(this.linksOf(node.id), random);
  }

  /** Far: nobody may believe it. Not so far: everybody has to. */
  jump(node: SimNode, random: Prng): boolean {
    const far = random.pick([500, 9000, 25_000]);
    this.later(random.between(500, 6000), () => this.cluster.setClock(node, 0));
    return this.setClock(node, random.between(0, 2 * far) - far, 0);
  }

  /** How a fault ends, unless all was healed before. */
  private later(milliseconds: number, end: () => void): void {
    this.cluster.time.after(milliseconds, () => {
      if (!this.isStopped) end();
    });
  }
}

function isInChange(leader: SimNode | undefined): boolean {
  const configuration = leader?.replica?.status.configuration;
  return configuration !== undefined && isJoint(configuration);
}

function failOnce(node: SimNode, random: Prng, calls: readonly FaultCall[]): boolean {
  const when = random.between(1, 12);
  return node.disk.arm({ calls, when, fault: { kind: "fail", failure: "failed", after: random.chance(1, 2) } });
}
