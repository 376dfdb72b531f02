// What holds of a whole cluster at every moment: nobody takes part before all three founders hold one beginning, there is one
// cluster, a map of one epoch is the same everywhere, the epochs that a process knows only grow, and each term of each group has one
// leader, and each of its entries that are applied is one.

import type { GroupId } from "../../../internal/base/ids.ts";
import { utf8Text } from "../../../internal/base/bytes.ts";
import { encodeMap } from "../../../internal/cluster/cluster-map.ts";
import type { ClusterMap } from "../../../internal/cluster/cluster-map.ts";
import { parseJson } from "../../../internal/cluster/json-fields.ts";
import { unsealJson } from "../../../internal/cluster/sealed-json.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import { nothingSurvives } from "../../disk/power-cut.ts";
import type { Trace } from "../trace.ts";
import { expectThat, Violation } from "../violation.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";

const stepsBetweenDeepChecks = 1000;
const foundersCount = 3;

export interface LeaderSeen {
  readonly term: number;
  readonly since: number;
}

interface SeenProcess {
  readonly process: string;
  map: ClusterMap;
}

export class ClusterWatch {
  private readonly world: SimWorld;
  private readonly trace: Trace | undefined;
  private readonly maps = new Map<number, string>();
  private readonly seen = new Map<Machine, SeenProcess>();
  private readonly leaders = new Map<GroupId, Map<number, string>>();
  private readonly leadersSeen = new Map<GroupId, LeaderSeen[]>();
  /** Term and stamp of applied entries, by index. */
  private readonly applied = new Map<GroupId, Map<number, string>>();
  private readonly checkedTo = new WeakMap<Replica, number>();
  private cluster: string | undefined;
  private steps = 0;
  /** Of all maps that were seen. */
  epoch = 0;
  newest: ClusterMap | undefined;
  leaderChanges = 0;

  constructor(world: SimWorld, trace: Trace | undefined) {
    this.world = world;
    this.trace = trace;
  }

  /** When each leader of a group was first seen. */
  leadersOf(group: GroupId): readonly LeaderSeen[] {
    return this.leadersSeen.get(group) ?? [];
  }

  check(): void {
    const isDeep = ++this.steps % stepsBetweenDeepChecks === 0;
    this.world.noteClocks();
    for (const machine of this.world.machines) {
      const { failure, node } = machine;
      if (failure instanceof Violation) throw failure;
      if (failure !== undefined) throw new Violation("node failure", `${machine.id} failed`, failure);
      if (node === undefined) continue;
      const { map } = node.keeper;
      if (map !== undefined) this.checkMap(machine, map);
      for (const [group, replica] of node.groups.all) {
        const { role, term } = replica.status;
        if (role === "leader") this.leads(machine, group, term);
        this.checkApplied(machine, group, replica);
      }
      if (isDeep) checkDeep(machine);
    }
  }

  private checkMap(machine: Machine, map: ClusterMap): void {
    const { process, id } = machine;
    const before = this.seen.get(machine);
    if (before?.process === process && before.map === map) return;
    this.trace?.note(this.world.time.now, `${id} has the map of epoch ${map.epoch}`);
    if (this.cluster === undefined) this.founded(map);
    expectThat(
      this.cluster === map.cluster,
      "one founding",
      () => `${id} is of ${map.cluster}, and ${this.cluster} began`,
    );
    if (before?.process === process) {
      const isNewer = map.epoch > before.map.epoch;
      expectThat(isNewer, "maps grow", () => `${id} had epoch ${before.map.epoch}, and went on to ${map.epoch}`);
    }
    const text = utf8Text(encodeMap(map));
    const known = this.maps.get(map.epoch) ?? text;
    expectThat(known === text, "one map an epoch", () => `epoch ${map.epoch} of ${id} is ${text}, elsewhere ${known}`);
    this.maps.set(map.epoch, text);
    this.seen.set(machine, { process, map });
    if (map.epoch <= this.epoch) return;
    const { joiner } = this.world.limits;
    const isNew = joiner !== undefined && this.newest?.nodes.some((node) => node.id === joiner) !== true;
    if (isNew && map.nodes.some((node) => node.id === joiner)) this.world.met.note("node joined");
    this.epoch = map.epoch;
    this.world.epoch = map.epoch;
    this.noteExchanges(this.newest, map);
    this.newest = map;
  }

  private noteExchanges(before: ClusterMap | undefined, map: ClusterMap): void {
    const { met } = this.world;
    for (const { id, exchange } of map.groups) {
      const former = before?.groups.find((group) => group.id === id);
      if (exchange !== undefined && former?.exchange === undefined) met.note("map with an exchange");
      if (exchange === undefined && former?.exchange !== undefined) met.note("exchange completed");
    }
  }

  /** Somebody takes part for the first time: rule 26. */
  private founded({ cluster }: ClusterMap): void {
    this.cluster = cluster;
    this.world.met.note("cluster founded");
    for (const machine of this.world.machines.slice(0, foundersCount)) {
      // What it had recorded is lost, and it never votes under the id of then.
      if (machine.disks > 0) continue;
      const recorded = foundingOn(machine);
      const what = `${machine.id} has recorded ${recorded ?? "nothing"}, and a node takes part in ${cluster}`;
      expectThat(recorded === cluster, "all founders hold the beginning", () => what);
    }
  }

  private checkApplied({ id }: Machine, group: GroupId, replica: Replica): void {
    const { term, index, stamp } = replica.state.last;
    if (index === this.checkedTo.get(replica)) return;
    this.checkedTo.set(replica, index);
    const applied = this.applied.get(group) ?? new Map<number, string>();
    this.applied.set(group, applied);
    const name = `${term} ${stamp}`;
    const known = applied.get(index) ?? name;
    expectThat(known === name, "equal applied prefixes", () => {
      return `${id} applied ${index} of group ${group}: ${name}, another: ${known}`;
    });
    applied.set(index, name);
  }

  private leads({ id }: Machine, group: GroupId, term: number): void {
    const terms = this.leaders.get(group) ?? new Map<number, string>();
    this.leaders.set(group, terms);
    const known = terms.get(term);
    expectThat(known === undefined || known === id, "one leader a term", () => {
      return `term ${term} of group ${group} has the leaders ${known} and ${id}`;
    });
    if (known !== undefined) return;
    terms.set(term, id);
    const { now } = this.world.time;
    const seen = this.leadersSeen.get(group) ?? [];
    this.leadersSeen.set(group, seen);
    seen.push({ term, since: now });
    if (terms.size > 1) this.leaderChanges++;
    this.trace?.note(now, `${id} leads group ${group} in term ${term}`);
  }
}

/** The cluster that a founder's disk would know of if the power went now. */
function foundingOn({ disk }: Machine): string | undefined {
  const file = disk.memory.clone(nothingSurvives()).tree.fileAt("/node/trefoil-node");
  if (file === undefined) return undefined;
  const { founding } = parseJson(unsealJson(file.contents(), "its file"), "the record of a node") as {
    readonly founding: { readonly proposal?: { readonly cluster: string } };
  };
  return founding.proposal?.cluster;
}

/** What log, cores and engine know of themselves; it walks over all that is in memory. */
function checkDeep({ node }: Machine): void {
  node?.log.checkInvariants();
  node?.engine.checkInvariants();
  for (const replica of node?.groups.all.values() ?? []) replica.checkInvariants();
}
