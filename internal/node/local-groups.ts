// The replicas that this node hosts: one for each group that the map gives a seat here, on the node's one log and one engine; and
// those that the map gives a seat no more, until all that only they have has its fate (rule 12). What a replica says goes to
// the node where the one lives that is meant; what arrives goes to whoever it names.
//
// Which replicas have something on this disk is noted in the folder (`seats`) before they store anything, until they are erased: what
// the map names no more when a process begins takes its leave all the same, and nobody else begins on what it left.
//
//   map --follow--> opens, retires        tick --> each        message --> replicas of its group
//   replica --send--> whereabouts --> PeerTable --> network

import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import { firstReplicas, groupOf, replicasOf } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapGroup } from "../cluster/cluster-map.ts";
import { nodeParts } from "../cluster/node-folder.ts";
import type { Seat } from "../cluster/node-folder.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log/log.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import { configuration } from "../raft/configuration.ts";
import { raftDefaults } from "../raft/options.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import { openReplica } from "../replica/open-replica.ts";
import type { ReplicaOptions } from "../replica/options.ts";
import type { Replica } from "../replica/replica.ts";
import { openRetired } from "../replica/retired-replica.ts";
import type { RetiredReplica } from "../replica/retired-replica.ts";
import { RepeatedWarnings } from "./repeated-warnings.ts";
import { Whereabouts } from "./whereabouts.ts";

const askMilliseconds = 1000;

/** Of the node's folder. */
export interface SeatStore {
  readonly seats: readonly Seat[];
  /** Resolves when they are durable. */
  changeSeats(change: (present: readonly Seat[]) => readonly Seat[]): Promise<void>;
}

export interface LocalGroupsParts {
  readonly node: NodeId;
  /** The name of this data folder: replicas on another one are not ours, whoever's node they are on. */
  readonly diskName: string;
  readonly folder: string;
  readonly log: Log;
  readonly engine: Engine;
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly random: Prng;
  readonly isSynced: boolean;
  readonly options: Partial<ReplicaOptions>;
  readonly seats: SeatStore;
  send(to: NodeId, group: GroupId, message: ReplicaMessage): void;
  /** Log or engine failed: the process cannot go on. */
  onFailure(failure: Error): void;
}

type Places = ReadonlyMap<GroupId, ReadonlyMap<ReplicaId, NodeId>>;

const placesOf = (map: ClusterMap): Places =>
  new Map(
    map.groups.map((group) => [group.id, new Map(replicasOf(group).map(({ replica, node }) => [replica, node]))]),
  );

export class LocalGroups {
  private readonly parts: LocalGroupsParts;
  private readonly replicas = new Map<GroupId, Replica>();
  private readonly retired = new Map<GroupId, RetiredReplica>();
  private readonly whereabouts = new Whereabouts();
  private map: ClusterMap | undefined;
  /** What the map says of where replicas are: asked for each message and each write. */
  private places: Places = new Map();
  private readonly asked = new Map<GroupId, ReplicaId>();
  private readonly erasing = new Set<Promise<void>>();
  /** Opening and retiring go one after the other. */
  private following: Promise<void> = Promise.resolve();
  /** What replicas have to say goes through it. */
  private readonly warnings: RepeatedWarnings;
  private readonly heartbeatTicks: number;
  private ticks = 0;
  /** One that was opened begins to tick with the heartbeats of the others: so those of all groups share a frame. */
  private ticking: readonly Replica[] = [];
  private isClosed = false;

  constructor(parts: LocalGroupsParts) {
    this.parts = parts;
    this.warnings = new RepeatedWarnings(parts);
    this.heartbeatTicks = parts.options.raft?.heartbeatTicks ?? raftDefaults.heartbeatTicks;
    parts.engine.onFlushed((applied) => {
      for (const replica of this.replicas.values()) {
        const index = applied.get(replica.incarnation);
        if (index !== undefined) replica.flushed(index);
      }
    });
  }

  get(group: GroupId): Replica | undefined {
    return this.replicas.get(group);
  }

  get all(): ReadonlyMap<GroupId, Replica> {
    return this.replicas;
  }

  /** Resolves when every replica that the map names here is open, and those that it does not name any more take their leave. */
  follow(map: ClusterMap): Promise<void> {
    this.map = map;
    this.places = placesOf(map);
    this.following = this.following.then(() => this.followNow());
    return this.following;
  }

  tick(): void {
    if (this.ticks % this.heartbeatTicks === 0) this.ticking = [...this.replicas.values()];
    this.ticks++;
    for (const replica of this.ticking) replica.tick();
    for (const [group, retired] of this.retired) {
      const asked = this.memberToAsk(group);
      if (asked !== undefined && this.asked.get(group) !== asked) {
        this.asked.set(group, asked);
        retired.leaderIs(asked);
      }
      retired.tick();
    }
  }

  receive(from: NodeId, group: GroupId, message: ReplicaMessage): void {
    const replica = this.replicas.get(group);
    const retired = this.retired.get(group);
    if (replica === undefined && retired === undefined) return;
    const seated = this.places.get(group)?.get(message.from);
    if (seated !== undefined && seated !== from) {
      const said = { replica: message.from, type: message.type, from, seated };
      return this.warnings.of(group).warn("a message comes from another node than that of its replica", said);
    }
    this.whereabouts.heard(group, message.from, from);
    if (replica?.id === message.to) return replica.receive(message);
    if (retired?.id === message.to) retired.receive(message);
  }

  /** The last connection to a process of a node is gone. */
  connectionLost(node: NodeId): void {
    for (const [group, replica] of this.replicas) {
      for (const other of this.replicasAt(group, node)) replica.connectionLost(other);
    }
  }

  /** Where a replica lives, as far as anybody here knows. */
  nodeOf(group: GroupId, replica: ReplicaId): NodeId | undefined {
    return this.places.get(group)?.get(replica) ?? this.whereabouts.of(group, replica);
  }

  /** Where the leader lives that a replica here knows. */
  leaderOf(group: GroupId, replica: Replica): NodeId | undefined {
    const { leader } = replica.status;
    return leader === 0 ? undefined : this.nodeOf(group, leader);
  }

  /** Takes no more work. Log and engine stay open until `ended`. */
  close(): void {
    this.isClosed = true;
    for (const replica of this.replicas.values()) replica.close();
    this.warnings.close();
  }

  async ended(): Promise<void> {
    await this.following.catch(() => undefined);
    for (const replica of this.replicas.values()) await replica.ended();
    await Promise.all(this.erasing);
  }

  private async followNow(): Promise<void> {
    const { map } = this;
    if (map === undefined) return;
    await this.leaveOthers(map);
    await this.noteSeats(map);
    for (const group of map.groups) {
      if (this.isClosed) return;
      const own = this.seatIn(group);
      const isTaken = this.replicas.has(group.id) || this.retired.has(group.id);
      if (own !== undefined && !isTaken) await this.open(group, own);
    }
  }

  /** What has a seat here and is not named by the map takes its leave: what runs, and what an earlier process left. */
  private async leaveOthers(map: ClusterMap): Promise<void> {
    for (const { group, replica } of this.parts.seats.seats) {
      if (this.isClosed) return;
      const placed = groupOf(map, group);
      const own = placed && this.seatIn(placed);
      if (own !== replica && !this.retired.has(group)) await this.retire(group, replica);
    }
  }

  /** A group whose former replica is not erased yet has its seat still. */
  private async noteSeats(map: ClusterMap): Promise<void> {
    const store = this.parts.seats;
    const known = new Set(store.seats.map(({ group }) => group));
    const added = map.groups.flatMap((group): Seat[] => {
      const replica = this.seatIn(group);
      return replica === undefined || known.has(group.id) ? [] : [{ group: group.id, replica }];
    });
    if (added.length > 0) await store.changeSeats((present) => [...present, ...added]);
  }

  private seatIn(group: MapGroup): ReplicaId | undefined {
    const { node, diskName } = this.parts;
    return replicasOf(group).find((seat) => seat.node === node && seat.disk === diskName)?.replica;
  }

  private async open(group: MapGroup, id: ReplicaId): Promise<void> {
    const { parts } = this;
    const replica = await openReplica({
      group: group.id,
      id,
      first: configuration(firstReplicas),
      log: parts.log,
      engine: parts.engine,
      seams: {
        clock: parts.clock,
        scheduler: parts.scheduler,
        logger: this.warnings.of(group.id),
        send: (message) => this.send(group.id, message),
        onFailure: (failure) => parts.onFailure(failure),
      },
      random: parts.random.split(`group ${group.id} replica ${id}`),
      isSynced: parts.isSynced,
      disk: parts.disk,
      background: parts.background,
      snapshotFolder: `${parts.folder}/${nodeParts.snapshots}/${group.id}`,
      options: parts.options,
    });
    if (this.isClosed) {
      replica.close();
      return;
    }
    this.replicas.set(group.id, replica);
    parts.logger.info("a replica is open", { group: group.id, replica: id, applied: replica.appliedIndex });
  }

  /** The group goes on without it: what only it has goes to the leader, then it is erased. */
  private async retire(group: GroupId, id: ReplicaId): Promise<void> {
    const { log, engine, options, logger } = this.parts;
    const replica = this.replicas.get(group);
    this.replicas.delete(group);
    replica?.close();
    await replica?.ended();
    const send = (message: ReplicaMessage): void => this.send(group, message);
    const retired = await openRetired({ group, id, log, engine, options, send });
    this.retired.set(group, retired);
    logger.info("a replica takes its leave", { group, replica: id });
    const gone = this.eraseWhenEmpty(group, retired).catch((failure: unknown) => {
      if (!this.isClosed) this.parts.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
    });
    void gone;
  }

  private async eraseWhenEmpty(group: GroupId, retired: RetiredReplica): Promise<void> {
    await retired.whenEmpty();
    if (this.isClosed) return;
    const erased = this.erase(group, retired);
    this.erasing.add(erased);
    await erased.finally(() => this.erasing.delete(erased));
    this.parts.logger.info("a replica was erased", { group, replica: retired.id });
    // It may have a successor here.
    if (this.map !== undefined && !this.isClosed) await this.follow(this.map);
  }

  private async erase(group: GroupId, retired: RetiredReplica): Promise<void> {
    await retired.erase();
    await this.parts.seats.changeSeats((present) => present.filter((seat) => seat.group !== group));
    this.retired.delete(group);
    this.asked.delete(group);
  }

  private send(group: GroupId, message: ReplicaMessage): void {
    const node = this.nodeOf(group, message.to);
    if (node === this.parts.node) this.receive(node, group, message);
    else if (node !== undefined) this.parts.send(node, group, message);
  }

  private replicasAt(group: GroupId, node: NodeId): readonly ReplicaId[] {
    const placed = this.map === undefined ? undefined : groupOf(this.map, group);
    const seats = placed === undefined ? [] : replicasOf(placed).filter((seat) => seat.node === node);
    return seats.map(({ replica }) => replica);
  }

  /** Nobody tells a replica that has left who leads: it asks one after the other, and who leads answers. */
  private memberToAsk(group: GroupId): ReplicaId | undefined {
    const members = this.map === undefined ? undefined : groupOf(this.map, group)?.replicas;
    const turn = Math.floor(this.parts.clock.monotonicMilliseconds() / askMilliseconds);
    return members?.[turn % members.length]?.replica;
  }
}
