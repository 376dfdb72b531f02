// Whether replicas hold what was applied: each is compared with the reference (reference.ts) as of its own applied index, one
// key whenever it has moved, and all of it when it comes up, when it has taken in a snapshot, and now and then. Nothing
// may be missing but garbage that lies behind the horizon of a flush, and nothing may be there that does not belong there.

import type { Prng } from "../../internal/base/prng.ts";
import { decodeCell } from "../../internal/engine/cell.ts";
import type { DecodedCell } from "../../internal/engine/cell.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { keyName } from "../../internal/replica/decide.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { faultOfRecord, laterOf } from "./content-faults.ts";
import type { Horizon } from "./content-faults.ts";
import { Reference } from "./reference.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";
import { simGroup } from "./sim-node.ts";
import { SnapshotWatch } from "./snapshot-watch.ts";
import { Violation } from "./violation.ts";

const check = "replicas hold what was applied";
const walkEveryMilliseconds = 4000;
interface Place {
  readonly at: number;
  readonly name: string;
  readonly horizon: Horizon;
}

interface Seen {
  applied: number;
  incarnation: number;
  nextWalk: number;
  isWalked: boolean;
}

export class ContentWatch {
  private readonly cluster: SimCluster;
  private readonly random: Prng;
  private readonly reference: Reference;
  private readonly seen = new WeakMap<Replica, Seen>();
  /** The greatest of any replica so far. */
  private greatest: Horizon = { watermark: 0, expiry: 0 };
  /** By node and incarnation: how far garbage was gone when its data came there. */
  private readonly origins = new Map<string, Horizon>();
  private names: string[] = [];
  private failure: Violation | undefined;
  private readonly snapshots: SnapshotWatch;

  constructor(cluster: SimCluster, first: Configuration, random: Prng) {
    this.cluster = cluster;
    this.reference = new Reference(first);
    this.random = random;
    this.snapshots = new SnapshotWatch(this.reference, (node) =>
      node.replica === undefined ? this.greatest : this.horizonOf(node, node.replica),
    );
  }

  /** A message is about to leave a node. */
  sent(node: SimNode, message: ReplicaMessage): void {
    try {
      this.snapshots.sent(node, message);
    } catch (violation) {
      if (!(violation instanceof Violation)) throw violation;
      this.failure ??= violation;
    }
  }

  check(node: SimNode): void {
    if (this.failure !== undefined) throw this.failure;
    const { replica, log } = node;
    if (replica === undefined || log === undefined) return;
    const { appliedIndex, incarnation } = replica;
    // Its engine has switched to the data of a snapshot, and it has not heard of that yet: it shows nobody what it had.
    if (node.engine?.placeOf(simGroup)?.incarnation !== incarnation) return;
    const { now } = this.cluster.time;
    const known = this.seen.get(replica);
    if (known !== undefined && known.applied === appliedIndex && now < known.nextWalk) return;
    const seen = known ?? { applied: 0, incarnation: 0, nextWalk: 0, isWalked: false };
    this.seen.set(replica, seen);
    if (appliedIndex < seen.applied) {
      throw new Violation(
        "applied index grows",
        `node ${node.id} had applied ${seen.applied}, and now ${appliedIndex}`,
      );
    }
    if (appliedIndex > seen.applied) {
      seen.applied = appliedIndex;
      if (!node.disk.isDamaged) this.reference.follow(log.group(simGroup), appliedIndex);
      this.checkOne(node, replica);
    }
    if (seen.isWalked || (now < seen.nextWalk && seen.incarnation === incarnation)) return;
    seen.incarnation = incarnation;
    seen.nextWalk = now + this.random.between(1, 2 * walkEveryMilliseconds);
    seen.isWalked = true;
    this.walk(node, replica).then(
      () => (seen.isWalked = false),
      (reason: unknown) => this.failed(node, replica, reason),
    );
  }

  private failed(node: SimNode, replica: Replica, reason: unknown): void {
    if (reason instanceof Violation) this.failure = reason;
    else if (node.replica === replica) node.report(reason);
  }

  private checkOne(node: SimNode, replica: Replica): void {
    const at = replica.appliedIndex;
    if (this.reference.index < at || node.engine === undefined) return;
    if (this.names.length === 0) this.names = [...this.reference.names];
    const name = this.names.pop();
    if (name === undefined) return;
    const key = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
    const found = readNow(node, replica, key);
    if (found === "need_io") return;
    const horizon = this.horizonOf(node, replica);
    this.compare(node, { at, name, horizon }, found === "absent" ? undefined : found);
  }

  /** As of the moment at which it begins. */
  private async walk(node: SimNode, replica: Replica): Promise<void> {
    const { engine } = node;
    if (engine === undefined) return;
    const at = replica.appliedIndex;
    const horizon = this.horizonOf(node, replica);
    const found = new Map<string, DecodedCell>();
    const walk = engine.iterate(replica.incarnation, { tombstones: true });
    try {
      while (await walk.nextLoaded()) {
        const { cellBytes, cellStart, cellEnd } = walk.entry;
        const cell = decodeCell(cellBytes.slice(cellStart, cellEnd), 0, cellEnd - cellStart);
        if (cell !== undefined) found.set(keyName(walk.key()), cell);
      }
    } finally {
      walk.close();
    }
    if (this.reference.index < at) return;
    for (const name of new Set([...this.reference.names, ...found.keys()])) {
      this.compare(node, { at, name, horizon }, found.get(name));
    }
    this.cluster.sightings.note("replica compared with what was applied");
  }

  private compare(node: SimNode, { at, name, horizon }: Place, found: DecodedCell | undefined): void {
    const fault = faultOfRecord(name, { wanted: this.reference.at(name, at), found, horizon });
    if (fault !== undefined) throw new Violation(check, `node ${node.id}, applied to ${at}: ${fault}`);
  }

  /** What its engine may have forgotten by now. */
  private horizonOf(node: SimNode, { incarnation }: Replica): Horizon {
    const own = node.engine?.horizonOf(incarnation);
    const name = `${node.id} ${incarnation}`;
    const origin = this.origins.get(name) ?? this.greatest;
    this.origins.set(name, origin);
    const horizon = laterOf(origin, { watermark: own?.watermark ?? 0, expiry: own?.expiryHorizon ?? 0 });
    this.greatest = laterOf(this.greatest, horizon);
    return horizon;
  }
}

/** What is read of a damaged disk is right, or the damage is noticed. */
function readNow(node: SimNode, { incarnation }: Replica, key: Uint8Array): EngineRecord | "absent" | "need_io" {
  try {
    return node.engine?.getNow(incarnation, key, { tombstones: true }) ?? "need_io";
  } catch (reason) {
    node.report(reason);
    return "need_io";
  }
}
