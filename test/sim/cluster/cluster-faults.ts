// What goes wrong in a simulated cluster, and when. Each seed switches on some kinds only, for faults that always come together hide
// each other. As long as there is no cluster yet, faults come thicker: a founding is short.

import { groupId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import { nodeOf } from "../../../internal/cluster/cluster-map.ts";
import type { FaultCall } from "../../disk/fault-rules.ts";
import { randomSurvival } from "../../disk/power-cut.ts";
import type { Survival } from "../../disk/power-cut.ts";
import { addressLink } from "../network/wires.ts";
import type { AddressLink, WireWeather } from "../network/wires.ts";
import type { RunPlan } from "../run-plan.ts";
import type { SimDisk } from "../sim-disk.ts";
import type { ClusterWatch } from "./cluster-watch.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";

interface Scene {
  readonly random: Prng;
  readonly any: Machine;
  /** Where some group has its leader, half of the time. */
  readonly target: Machine;
}

type Action = (actions: ClusterFaults, scene: Scene) => boolean;

/** True: it happened. */
const kinds = {
  "node loses power": (faults, { target, random }) => faults.crash(target, random, true),
  "node killed": (faults, { target, random }) => faults.crash(target, random, false),
  "node loses power at an operation": (faults, { target, random }) => faults.crashLater(target, random),
  "all nodes lose power": (faults, { random }) =>
    faults.machines.map((machine) => faults.crash(machine, random, true)).some(Boolean),
  "node stopped": (_, { target, random }) => {
    if (target.node === undefined) return false;
    void target.stop(random.pick([undefined, 500, 3000]));
    return true;
  },
  "node paused": (_, { target, random }) => {
    target.clock.pause(random.between(50, 5000));
    return target.node !== undefined;
  },
  "node away for long": (faults, { any, random }) => faults.away(any, random),
  "node loses its disk": (faults, { any, random }) => faults.loseDisk(any, random),

  "node's log damaged": (faults, { any, random }) => faults.damage(any, random),

  "node cut off": (faults, { target, random }) => faults.cut(faults.linksOf(target), random),
  "nodes cut one way": (faults, { any, random }) => faults.cut([random.pick(faults.linksOf(any))], random),
  "nodes cut": (faults, { any, random }) => {
    const link = random.pick(faults.linksOf(any));
    return faults.cut([link, link.split(" ").toReversed().join(" ")], random);
  },
  "wires lose": (faults, { random }) =>
    faults.weather(
      { lost: random.between(10, 200), doubled: random.between(0, 100), overtaken: random.between(0, 100) },
      random,
    ),
  "wires slow": (faults, { random }) => faults.weather({ delayMost: random.between(5, 300) }, random),
  "wires late": (faults, { random }) => faults.weather({ late: random.between(5, 100) }, random),
  "wire slow": (faults, { any, random }) => faults.slow(random.pick(faults.linksOf(any)), random),
  "connections closed": (faults, { any, random }) => faults.disconnect(any, random, false),
  "connections broken": (faults, { any, random }) => faults.disconnect(any, random, true),

  "node with a slow disk": (faults, { target, random }) => faults.slowDisk(target, random),
  "node with a hung disk": (faults, { target, random }) => {
    target.disk.hang(faults.now + random.between(500, 8000));
    return target.node !== undefined;
  },
  "node with a full disk": (faults, { target, random }) => faults.fill(target, random),
  "node with a failed write": (_, { target, random }) => failOnce(target, random, ["write"]),
  "node with a failed sync": (_, { target, random }) => failOnce(target, random, ["syncData", "syncFolder"]),
  "node with a failed change of names": (_, { target, random }) =>
    failOnce(target, random, ["rename", "remove", "openFile", "link"]),

  "node with its clock off": (faults, { any, random }) => faults.setClock(any, random.between(0, 800) - 400),
  "leadership handed to another node": (faults, { target, random }) => faults.transfer(target, random),
} as const satisfies Record<string, Action>;

export type ClusterFaultKind = keyof typeof kinds;
export const clusterFaultKinds = Object.keys(kinds) as readonly ClusterFaultKind[];

const foundingMilliseconds = [20, 300] as const;
const foundingFaultsMost = 8;
const foundingKinds: readonly ClusterFaultKind[] = [
  "node loses power",
  "node killed",
  "node loses power at an operation",
  "node loses its disk",
];
const operatorMilliseconds = 500;

export class ClusterFaults {
  readonly counts = new Map<ClusterFaultKind, number>();
  readonly made: number[] = [];
  private readonly world: SimWorld;
  private readonly watch: ClusterWatch;
  private readonly plan: RunPlan;
  private readonly schedule: Prng;
  private readonly founding: Prng;
  private readonly kinds: readonly ClusterFaultKind[];
  /** Whose disk is lost, or may be, and is not made good yet: its former name, and which of its disks that was. */
  private readonly lost = new Map<Machine, { readonly disk: string; readonly disks: number }>();
  private readonly damaged = new Set<SimDisk>();
  private number = 0;
  private isStopped = false;

  constructor(parts: { world: SimWorld; watch: ClusterWatch; random: Prng; plan: RunPlan }) {
    const { world, watch, random, plan } = parts;
    this.world = world;
    this.watch = watch;
    this.plan = plan;
    this.schedule = random.split("schedule");
    this.founding = random.split("founding");
    const [some, of] = random.pick([
      [1, 6],
      [1, 3],
      [1, 2],
    ] as const);
    const chosen = clusterFaultKinds.filter((kind) => random.split(kind).chance(some, of));
    this.kinds = chosen.length === 0 ? ["node loses power"] : chosen;
  }

  get total(): number {
    return Array.from(this.counts.values()).reduce((sum, count) => sum + count, 0);
  }

  get now(): number {
    return this.world.time.now;
  }

  get machines(): readonly Machine[] {
    return this.world.machines;
  }

  begin(everyMilliseconds: number): void {
    this.next(everyMilliseconds);
    if (this.founding.chance(1, 2)) this.nextInFounding(foundingFaultsMost, this.founding.pick(foundingMilliseconds));
    this.operate();
  }

  stop(): void {
    this.isStopped = true;
  }

  private next(everyMilliseconds: number): void {
    this.world.time.after(this.schedule.between(1, 2 * everyMilliseconds), () => {
      if (this.isStopped) return;
      this.try(this.schedule.pick(this.kinds));
      this.next(everyMilliseconds);
    });
  }

  private nextInFounding(left: number, within: number): void {
    if (left === 0) return;
    this.world.time.after(this.founding.between(1, within), () => {
      if (this.isStopped || this.watch.newest !== undefined) return;
      const kind = this.founding.pick(foundingKinds);
      if (this.try(kind)) this.world.met.note("founder crashed in the founding");
      this.nextInFounding(left - 1, within);
    });
  }

  /** Makes the next fault, unless the plan leaves it out. */
  private try(kind: ClusterFaultKind): boolean {
    const number = ++this.number;
    const { plan, world } = this;
    if (plan.without.has(kind) || plan.faults?.has(number) === false) return false;
    // A fault has its own chance: leaving one out changes nothing in the others.
    const random = this.schedule.split(`fault ${number}`);
    const any = random.pick(this.machines);
    const leaders = world.up.filter(({ node }) => {
      return [...(node?.groups.all.values() ?? [])].some(({ status }) => status.role === "leader");
    });
    const target = leaders.length > 0 && random.chance(1, 2) ? random.pick(leaders) : any;
    const action: Action = kinds[kind];
    plan.trace?.note(world.time.now, `fault ${number}: ${kind}, at ${any.id} or ${target.id}`);
    if (!action(this, { random, any, target })) return false;
    this.made.push(number);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    return true;
  }

  // --- processes

  crash(machine: Machine, random: Prng, isPowerCut: boolean): boolean {
    if (!machine.isRunning) return false;
    machine.crash(isPowerCut ? this.powerCut(machine, random) : undefined);
    this.world.restartLater(machine, random.between(10, 4000));
    return true;
  }

  crashLater(machine: Machine, random: Prng): boolean {
    if (!machine.isRunning) return false;
    const { life } = machine;
    const only = random.pick([undefined, "create", "rename", "remove", "syncFolder", "syncData"] as const);
    machine.disk.cutPowerIn(random.between(1, only === undefined ? 60 : 3), only, () => {
      // What the process does in the rest of this turn never happened.
      machine.clock.isDead = true;
      queueMicrotask(() => {
        if (life === machine.life) this.crash(machine, random, true);
      });
    });
    return true;
  }

  /** The map may change while it is down. */
  away(machine: Machine, random: Prng): boolean {
    if (this.machines.some(({ isHeldDown }) => isHeldDown) || !machine.isRunning) return false;
    const { epoch } = this.watch;
    machine.isHeldDown = true;
    machine.crash(random.chance(1, 2) ? undefined : this.powerCut(machine, random));
    this.world.time.after(random.between(5000, 20_000), () => {
      machine.isHeldDown = false;
      machine.start();
      if (this.watch.epoch > epoch) this.world.met.note("node came back to a newer map");
    });
    return true;
  }

  /** What the power takes. Where nobody would bear the loss of a node that cannot trust its tail, only the process ends. */
  private powerCut(machine: Machine, random: Prng): Survival | undefined {
    if (machine.isBuffered) {
      if (this.watch.newest !== undefined && !this.mayLose) return undefined;
      this.noteLoss(machine);
    }
    return randomSurvival({ random, withGarbage: random.chance(1, 2) });
  }

  /** What only this disk has may be lost. */
  private noteLoss(machine: Machine): void {
    const { newest } = this.watch;
    this.world.hasLostDisks = true;
    const known = newest && nodeOf(newest, machine.id);
    if (known !== undefined) this.lost.set(machine, { disk: known.disk, disks: machine.disks });
  }

  /** A group bears the loss of one disk at a time, and a cluster that is not founded yet that of any. */
  loseDisk(machine: Machine, random: Prng): boolean {
    const { newest } = this.watch;
    if (newest === undefined ? random.chance(1, 2) : !this.mayLose) return false;
    this.noteLoss(machine);
    machine.loseDisk();
    this.world.met.note("node came back with an empty disk");
    this.world.restartLater(machine, random.between(10, 6000));
    return true;
  }

  /** A bit of its log turns where the log went on since. Once a disk: what was set aside keeps its place. */
  damage(machine: Machine, random: Prng): boolean {
    const { disk, disks } = machine;
    if (machine.node === undefined || this.damaged.has(disk)) return false;
    const before = disk.glance();
    this.later(random.between(1000, 5000), () => {
      if (machine.disk !== disk || machine.disks !== disks || !machine.isRunning || !this.mayLose) return;
      if (!disk.rotBehind(before)) return;
      this.damaged.add(disk);
      this.noteLoss(machine);
      machine.crash(undefined);
      this.world.restartLater(machine, random.between(10, 6000));
    });
    return true;
  }

  /** Whether all that was lost before is made good. */
  get isWhole(): boolean {
    const { newest } = this.watch;
    if (newest === undefined) return this.lost.size === 0;
    if (newest.groups.some(({ exchange }) => exchange !== undefined)) return false;
    for (const [machine, { disk, disks }] of this.lost) {
      // It came back with all that it had.
      if (machine.node !== undefined && machine.disks === disks) {
        this.lost.delete(machine);
        continue;
      }
      const isNamed = newest.groups.some(({ replicas }) => replicas.some((replica) => replica.disk === disk));
      if (isNamed || nodeOf(newest, machine.id)?.disk === disk) return false;
      this.lost.delete(machine);
    }
    return true;
  }

  /** Whether the cluster bears to be without one of its nodes. */
  get mayLose(): boolean {
    return this.isWhole && (this.watch.newest?.ring.length ?? 0) > 0;
  }

  /** Founders that say so are begun anew, when nothing was founded. */
  private operate(): void {
    this.world.time.after(operatorMilliseconds, () => {
      const founders = this.machines.slice(0, 3);
      if (this.watch.newest === undefined && founders.some(({ refusals }) => refusals >= 3)) {
        this.world.met.note("operator emptied the founders");
        for (const machine of founders) {
          machine.refusals = 0;
          machine.loseDisk();
          this.world.restartLater(machine, 10);
        }
      }
      this.operate();
    });
  }

  // --- network

  linksOf({ address }: Machine): AddressLink[] {
    const others = this.machines.filter((other) => other.address !== address);
    return others.flatMap((other) => [addressLink(address, other.address), addressLink(other.address, address)]);
  }

  cut(links: readonly AddressLink[], random: Prng): boolean {
    const { wires } = this.world;
    for (const link of links) wires.cut(link);
    this.later(random.between(100, 6000), () => links.forEach((link) => wires.mend(link)));
    return links.length > 0;
  }

  weather(change: Partial<WireWeather>, random: Prng): boolean {
    this.world.wires.change(change);
    this.later(random.between(500, 5000), () => this.world.wires.change({}));
    return true;
  }

  slow(link: AddressLink, random: Prng): boolean {
    const { slow } = this.world.wires;
    slow.set(link, { milliseconds: random.between(20, 1500), bytesPerMillisecond: random.pick([20, 1000, 500_000]) });
    this.later(random.between(500, 8000), () => slow.delete(link));
    return true;
  }

  disconnect(machine: Machine, random: Prng, loses: boolean): boolean {
    const others = this.machines.filter((other) => other !== machine);
    const chosen = random.chance(1, 2) ? others : [random.pick(others)];
    for (const other of chosen) {
      for (const stream of this.world.wires.between(machine.address, other.address)) {
        if (random.chance(1, 5)) stream.breakHalf(random.chance(1, 2) ? 0 : 1);
        else stream.breakOff(loses);
      }
    }
    return true;
  }

  // --- disks, clocks, leaders

  slowDisk({ disk }: Machine, random: Prng): boolean {
    disk.callMilliseconds = random.between(20, 1000);
    this.later(random.between(500, 5000), () => (disk.callMilliseconds = 1));
    return true;
  }

  fill({ disk }: Machine, random: Prng): boolean {
    if (disk.isFull || !disk.fill(random.pick([0, 1000, 20_000]))) return false;
    this.later(random.between(2000, 15_000), () => disk.fill(Number.POSITIVE_INFINITY));
    return true;
  }

  setClock(machine: Machine, milliseconds: number): boolean {
    this.world.setClock(machine, milliseconds);
    return true;
  }

  transfer({ node }: Machine, random: Prng): boolean {
    const group = groupId(random.below(this.world.limits.groups + 1));
    const replica = node?.groups.get(group);
    if (replica?.status.role !== "leader") return false;
    return replica.transfer(random.pick(replica.status.configuration.voters)) === undefined;
  }

  /** How a fault ends, unless all was healed before. */
  private later(milliseconds: number, end: () => void): void {
    this.world.time.after(milliseconds, () => {
      if (!this.isStopped) end();
    });
  }
}

function failOnce(machine: Machine, random: Prng, calls: readonly FaultCall[]): boolean {
  const when = random.between(1, 12);
  return machine.disk.arm({ calls, when, fault: { kind: "fail", failure: "failed", after: random.chance(1, 2) } });
}
