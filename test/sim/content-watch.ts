// Whether replicas hold what was applied: each is compared with the reference (reference.ts) as of its own applied index, one
// key whenever it has moved, and all of it when it comes up, when it has taken in a snapshot, and now and then. Nothing
// may be missing but garbage that lies behind the horizon of a flush, and nothing may be there that does not belong there.

import { equalBytes } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { decodeCell } from "../../internal/engine/cell.ts";
import type { CellHeader, DecodedCell } from "../../internal/engine/cell.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { keyName } from "../../internal/replica/decide.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { Reference } from "./reference.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";
import { simGroup } from "./sim-node.ts";
import { Violation } from "./violation.ts";

const check = "replicas hold what was applied";
const walkEveryMilliseconds = 2000;
/** The own record of the last entry is written once a batch, and batches differ. */
const lastApplied = "\u0000\u0061";

/** What may have been forgotten: what is stamped, and has expired, at most then. */
interface Horizon {
  readonly watermark: number;
  readonly expiry: number;
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

  constructor(cluster: SimCluster, first: Configuration, random: Prng) {
    this.cluster = cluster;
    this.reference = new Reference(first);
    this.random = random;
  }

  check(node: SimNode): void {
    if (this.failure !== undefined) throw this.failure;
    const { replica, log } = node;
    if (replica === undefined || log === undefined || node.disk.isDamaged) return;
    const { appliedIndex, incarnation } = replica;
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
      this.reference.follow(log.group(simGroup), appliedIndex);
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
    if (this.names.length === 0) this.names = [...this.reference.names].filter((name) => name !== lastApplied);
    const name = this.names.pop();
    if (name === undefined) return;
    const key = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
    const found = node.engine.getNow(replica.incarnation, key, { tombstones: true });
    if (found === "need_io") return;
    const horizon = this.horizonOf(node, replica);
    compare(node, at, name, {
      wanted: this.reference.at(name, at),
      found: found === "absent" ? undefined : found,
      horizon,
    });
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
    if (node.disk.isDamaged || this.reference.index < at) return;
    for (const name of new Set([...this.reference.names, ...found.keys()])) {
      if (name === lastApplied) continue;
      compare(node, at, name, { wanted: this.reference.at(name, at), found: found.get(name), horizon });
    }
    this.cluster.sightings.note("replica compared with what was applied");
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

const laterOf = (left: Horizon, right: Horizon): Horizon => ({
  watermark: Math.max(left.watermark, right.watermark),
  expiry: Math.max(left.expiry, right.expiry),
});

type Found = CellHeader & { readonly payload: Uint8Array };

function compare(
  node: SimNode,
  at: number,
  name: string,
  { wanted, found, horizon }: { wanted: DecodedCell | undefined; found: Found | undefined; horizon: Horizon },
): void {
  const isRight = found === undefined ? wanted === undefined || isGarbage(wanted, horizon) : isSame(wanted, found);
  if (isRight) return;
  const what = `node ${node.id}, applied to ${at}, has under ${JSON.stringify(name)} ${inWords(found)}`;
  throw new Violation(check, `${what}, not ${inWords(wanted)}`);
}

function isGarbage({ tombstone, stamp, expiry }: DecodedCell, horizon: Horizon): boolean {
  return stamp <= horizon.watermark && (tombstone || expiry <= horizon.expiry);
}

function isSame(wanted: DecodedCell | undefined, found: Found): boolean {
  return (
    wanted !== undefined &&
    wanted.term === found.term &&
    wanted.index === found.index &&
    wanted.tombstone === found.tombstone &&
    wanted.stamp === found.stamp &&
    wanted.expiry === found.expiry &&
    equalBytes(wanted.payload, found.payload)
  );
}

function inWords(cell: Found | undefined): string {
  if (cell === undefined) return "nothing";
  const { term, index, tombstone, stamp, expiry, payload } = cell;
  return `${tombstone ? "the end of " : ""}${term}.${index} of ${payload.length} bytes, stamped ${stamp}, until ${expiry}`;
}
