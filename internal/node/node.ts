// A node: the data folder, one log, one engine, the replicas that the map gives it, its peers, and the coordinator that edges talk to.
//
//   folder --> founding, or a map that is known --> log, engine --> replicas
//      ^                                                  |
//      `------------- map <-- meta group, peers <---------'
//
// What happens again and again happens in `tick`: replicas tick; the meta group is looked at for a new map; whoever leads the meta
// group completes the map, whoever leads a group completes its exchange; a node that the map has wrong registers.

import { TrefoilError } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { valueBytesDefault } from "../base/limits.ts";
import { stampOfMilliseconds } from "../base/stamp.ts";
import { supportedFormats } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapNode } from "../cluster/cluster-map.ts";
import { foundersOf } from "../cluster/map-changes.ts";
import { NodeFolder } from "../cluster/node-folder.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log/log.ts";
import { closeAll } from "../platform/close-all.ts";
import type { Timer } from "../platform/clock.ts";
import type { NetworkHost, NodeIdentity } from "../platform/network.ts";
import { raftDefaults } from "../raft/options.ts";
import type { Addressed } from "../replica/message-codec.ts";
import { replicaDefaults } from "../replica/options.ts";
import { Answering } from "./answering.ts";
import { awaitedOf } from "./awaiting.ts";
import { NodeCoordinator } from "./coordinator.ts";
import { FoundDamage } from "./found-damage.ts";
import { FoundingTalk, mapOfFounders } from "./founding-talk.ts";
import { GroupService } from "./group-service.ts";
import { HandOver } from "./hand-over.ts";
import { Leaderships } from "./leaderships.ts";
import { LocalGroups } from "./local-groups.ts";
import { MapKeeper } from "./map-keeper.ts";
import { MetaGroup } from "./meta-group.ts";
import { NameHolders } from "./name-holders.ts";
import { NodeDuties } from "./node-duties.ts";
import { PeerClocks } from "./peer-clocks.ts";
import type { NodeSeams, NodeSettings } from "./node-settings.ts";
import { PeerTable } from "./peer-table.ts";
import { SeedWords } from "./seed-words.ts";
import type { WatchedNode } from "./start-watch.ts";
import { closeParts, isDamage, openTrusted } from "./trusted-parts.ts";
import type { TrustedParts } from "./trusted-parts.ts";
import { UnfitNodes } from "./unfit-nodes.ts";

export type { NodeSeams, NodeSettings } from "./node-settings.ts";

const metaGroupId = groupId(0);
/** Of clusters and data folders. */
const nameDigits = 16;
const readyMilliseconds = 50;
const clockSkewDefaultMilliseconds = 500;
const leadershipDefaultMilliseconds = 10_000;
/** What was on its way when the others heard of it has come by then. */
const quietMilliseconds = 50;

export class Node {
  readonly coordinator: NodeCoordinator;
  readonly keeper: MapKeeper;
  readonly table: PeerTable;
  readonly groups: LocalGroups;
  readonly clocks: PeerClocks;
  readonly log: Log;
  readonly engine: Engine;
  private readonly seams: NodeSeams;
  private readonly settings: NodeSettings;
  private readonly folder: NodeFolder;
  private readonly duties: NodeDuties;
  private readonly answering: Answering;
  private readonly holders: NameHolders;
  private readonly seedWords: SeedWords;
  private readonly damage: FoundDamage;
  private readonly unfit: UnfitNodes;
  private founding: FoundingTalk | undefined;
  private timer: Timer | undefined;
  /** Resolves when nothing is done any more to found the cluster. */
  private founded: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  private constructor(parts: NodeParts) {
    const { seams, settings, folder, log, engine } = parts;
    this.seams = seams;
    this.settings = settings;
    this.folder = folder;
    this.log = log;
    this.engine = engine;
    const { id } = settings;
    this.holders = new NameHolders(seams.clock);
    this.seedWords = new SeedWords({ ...seams, addresses: settings.seeds ?? [], flag: "--join" });
    this.keeper = new MapKeeper(folder, (failure) => this.fail(failure));
    this.table = new PeerTable({ network: seams.network, codec: seams.codec, self: id, settings: settings.peers });
    this.groups = new LocalGroups({
      ...seams,
      node: id,
      diskName: folder.record.disk,
      folder: folder.path,
      log,
      engine,
      seats: folder,
      isSynced: settings.log.fsync?.kind !== "interval",
      options: settings.replica,
      send: (to, group, message) => this.table.send(to, group, message),
      onFailure: (failure) => this.fail(failure),
    });
    const { clockOffsetMax } = { ...raftDefaults, ...settings.replica.raft };
    const service = new GroupService(
      (group) => this.groups.get(group),
      (group, replica) => this.groups.leaderOf(group, replica),
      () => stampOfMilliseconds(seams.clock.wallMilliseconds() + clockOffsetMax),
    );
    const meta = new MetaGroup(
      () => this.groups.get(metaGroupId),
      (map) => this.adopt(map),
      seams.scheduler,
    );
    const { keeper, table, groups } = this;
    const onFailure = (failure: unknown): void => this.fail(failure);
    const { seeds = [], leadershipMilliseconds = leadershipDefaultMilliseconds } = settings;
    const unfit = new UnfitNodes({ ...seams, table, refusal: () => engine.damage ?? log.refusal ?? engine.trouble });
    this.unfit = unfit;
    this.damage = new FoundDamage({ ...seams, self: id, folder, keeper, table, onEnd: onFailure });
    const leaderships = new Leaderships({ ...seams, groups, table, unfit, milliseconds: leadershipMilliseconds });
    const skewMilliseconds = settings.clockSkewMilliseconds ?? clockSkewDefaultMilliseconds;
    this.clocks = new PeerClocks({ ...seams, table, skewMilliseconds });
    const around = { seeds, seedWords: this.seedWords, clocks: this.clocks };
    const all = { self: this.self, ...around, keeper, table, groups, meta, leaderships, unfit };
    this.duties = new NodeDuties({ ...seams, ...all, onFailure });
    this.answering = new Answering({
      ...seams,
      node: id,
      keeper,
      service,
      duties: this.duties,
      hearFounder: (from, word) => this.founding?.hear(from, word),
      table,
      unfit,
      onFailure,
    });
    const { zone, defaults, valueBytesMax = valueBytesDefault } = settings;
    const awaited = (): string => this.awaited;
    const asked = { unfit, defaults, valueBytesMax, awaited };
    this.coordinator = new NodeCoordinator({ ...seams, node: id, zone, keeper, table, service, ...asked });
    log.onFlushWanted(() => void this.flush());
  }

  /** Opens what the data folder holds, and begins to take part. Resolves before there is a cluster: see `whenReady`. */
  static async open(seams: NodeSeams, settings: NodeSettings): Promise<Node> {
    const { disk, random, clock } = seams;
    const newDisk = random.split("disk").hexDigits(nameDigits);
    const newLife = clock.wallMilliseconds();
    const folder = await NodeFolder.open(disk, settings.folder, { node: settings.id, newDisk, newLife });
    let parts: TrustedParts | undefined;
    try {
      parts = await openTrusted(seams, settings, folder, random.split("disk after damage").hexDigits(nameDigits));
      const node = new Node({ seams, settings, folder, ...parts });
      await node.begin();
      return node;
    } catch (failure) {
      // Why it could not be opened counts, whatever else goes wrong now.
      await closeAll(
        () => closeParts(parts ?? {}),
        () => folder.close(),
      ).catch(() => undefined);
      throw failure;
    }
  }

  /** Resolves when the groups are placed and each replica here is open; or when it was closed. */
  async whenReady(): Promise<void> {
    while (this.keeper.ring === undefined && this.closing === undefined) {
      await new Promise<void>((resolve) => {
        this.seams.scheduler.after(readyMilliseconds, resolve);
      });
    }
    await this.keeper.settled();
  }

  /** For whom it waits, while the cluster has not begun. */
  get awaited(): string {
    const { settings, table, keeper, seedWords } = this;
    return awaitedOf({ self: settings.id, map: keeper.map, peers: [...settings.peers.keys()], seedWords, table });
  }

  /** Why this node cannot write now; undefined: it can. */
  get unfitness(): TrefoilError | undefined {
    return this.unfit.ownRefusal;
  }

  /** What there is to look at for whoever asks whether it may be given work. */
  get watched(): WatchedNode {
    const { settings, folder, keeper, groups } = this;
    const awaited = (): string => this.awaited;
    return {
      id: settings.id,
      disk: folder.record.disk,
      get map() {
        return keeper.map;
      },
      get awaited() {
        return awaited();
      },
      replicaOf: (group) => groups.get(group),
      nodeOf: (group, replica) => groups.nodeOf(group, replica),
    };
  }

  /**
   * Before `close`, while others go on: tells them, so that they ask nothing more of this node; hands leaderships over, for so long at
   * most; writes memory to tables, so that the next process has less to read. Requests are served meanwhile, and other nodes' clients
   * have the answers of their writes when it resolves: with the groups that nobody has taken.
   */
  async leave(milliseconds: number): Promise<readonly GroupId[]> {
    const { groups, table, unfit } = this;
    const { clock, scheduler } = this.seams;
    const until = clock.monotonicMilliseconds() + milliseconds;
    const [left] = await Promise.all([
      new HandOver({ groups, table, unfit, clock, scheduler }).run(milliseconds),
      this.duties.tellLeaving(milliseconds),
      this.flush(),
    ]);
    while (this.answering.quietMilliseconds < quietMilliseconds && clock.monotonicMilliseconds() < until) {
      await new Promise<void>((resolve) => {
        scheduler.after(quietMilliseconds / 2, resolve);
      });
    }
    return left;
  }

  /** Ends everything in order. What is acknowledged stays. Whoever calls it again waits for the same end. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const { seams, keeper, groups, duties, engine, log, folder } = this;
    this.timer?.cancel();
    this.founding?.stop();
    this.coordinator.stop();
    groups.close();
    await closeAll(
      () => seams.network.close(),
      () => duties.ended(),
      () => this.founded,
      () => keeper.settled(),
      () => groups.ended(),
      () => engine.close(),
      () => log.close(),
      () => folder.close(),
    );
  }

  private async begin(): Promise<void> {
    const { seams, settings, folder, keeper, groups, table } = this;
    keeper.onChange((map) => {
      seams.network.judgeAgain();
      table.follow(new Map(map.nodes.map(({ id, addresses }) => [id, addresses.peer])));
      return groups.follow(map);
    });
    keeper.onChange((map) => this.duties.spread(map));
    // Whoever has heard of the map need not found the cluster any more.
    keeper.onChange(() => this.founding?.stop());
    await seams.network.listen(this.host());
    table.follow(settings.peers);
    if (folder.map !== undefined) this.adopt(folder.map);
    else this.startFounding();
    this.scheduleTick();
  }

  private startFounding(): void {
    const { settings, folder, table, seams } = this;
    const peers = [...settings.peers.keys()].sort((left, right) => (left < right ? -1 : 1));
    if (foundersOf(peers)?.includes(settings.id) !== true) return;
    const newCluster = seams.random.split("cluster").hexDigits(nameDigits);
    const { scheduler, logger } = seams;
    const { id: self, groups } = settings;
    this.founding = new FoundingTalk({ self, peers, groups, newCluster, folder, table, scheduler, logger });
    this.founded = this.founding.run().then(
      (founded) => {
        if (founded?.kind === "founded") this.adopt(mapOfFounders(founded.proposal, settings.peers));
      },
      (failure: unknown) => this.fail(failure),
    );
  }

  private scheduleTick(): void {
    if (this.closing !== undefined) return;
    const milliseconds = this.settings.replica.tickMilliseconds ?? replicaDefaults.tickMilliseconds;
    this.timer = this.seams.scheduler.after(milliseconds, () => {
      this.tick();
      this.scheduleTick();
    });
  }

  private tick(): void {
    this.groups.tick();
    const { damage, trouble } = this.engine;
    if (damage !== undefined) this.damage.meet(damage);
    else if (trouble !== undefined && trouble.code !== "busy" && trouble.code !== "storage_full")
      return this.fail(trouble);
    this.duties.tick();
  }

  private host(): NetworkHost {
    return {
      identity: () => this.identity,
      refusal: (other) => this.holders.refusal(other, this.keeper.map),
      message: (from, payload) => this.receive(from, payload),
      request: (from, request) => this.answering.serve(from, request),
      visit: (from, request) => this.answering.serveVisitor(from.node, request),
      up: (node, _life, disk) => {
        this.holders.up(node, disk);
        this.table.noteArrived(node);
        this.unfit.noteArrived(node);
        const { map } = this.keeper;
        if (map !== undefined) this.duties.tellMap(node, map);
      },
      down: (node) => {
        this.holders.down(node);
        this.groups.connectionLost(node);
      },
    };
  }

  /** What cannot be read is lost, as messages may be. */
  private receive(from: NodeId, payload: Uint8Array): void {
    const addressed = this.decoded(from, payload);
    if (addressed !== undefined) this.groups.receive(from, addressed.group, addressed.message);
  }

  private decoded(from: NodeId, payload: Uint8Array): Addressed | undefined {
    try {
      return this.seams.codec.decode(payload);
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.seams.logger.warn("a message of another node cannot be read", { from, why: failure.message });
      return undefined;
    }
  }

  /** Of which cluster it is stands in the folder before the map is looked at: nobody of another one may get in meanwhile. */
  private get identity(): NodeIdentity {
    const { record, map } = this.folder;
    const { founding } = record;
    const founded = founding.stage === "complete" ? founding.proposal.cluster : "";
    const cluster = this.keeper.map?.cluster ?? map?.cluster ?? founded;
    return { node: record.node, cluster, life: record.life, disk: record.disk };
  }

  private get self(): MapNode {
    const { id, zone, addresses } = this.settings;
    return { id, zone, disk: this.folder.record.disk, addresses, formats: supportedFormats };
  }

  private adopt(map: ClusterMap): void {
    try {
      this.keeper.adopt(map);
    } catch (failure) {
      this.fail(failure);
    }
  }

  private async flush(): Promise<void> {
    try {
      await this.engine.flush();
    } catch (failure) {
      // A full disk passes, and writes are refused meanwhile.
      if (!(failure instanceof TrefoilError) || failure.code !== "storage_full") this.fail(failure);
    }
  }

  private fail(failure: unknown): void {
    if (this.closing !== undefined) return;
    const { damage } = this.engine;
    if (damage !== undefined && isDamage(failure)) return this.damage.meet(damage);
    this.seams.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
  }
}

interface NodeParts {
  readonly seams: NodeSeams;
  readonly settings: NodeSettings;
  readonly folder: NodeFolder;
  readonly log: Log;
  readonly engine: Engine;
}
