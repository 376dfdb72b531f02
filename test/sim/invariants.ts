// What holds of all replicas at every moment: one leader a term, one entry at each applied index, and, at equal applied index,
// equal state.

import { assert } from "../../internal/base/assert.ts";
import { hashBytes } from "../../internal/base/hash.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { isExpired } from "../../internal/base/stamp.ts";
import { decodeCell } from "../../internal/engine/cell.ts";
import { AppliedWatch } from "./applied-watch.ts";
import { ContentWatch } from "./content-watch.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { FastPromises } from "./fast-promises.ts";
import { KeyWatch } from "./key-watch.ts";
import { LogWatch } from "./log-watch.ts";
import { SalvageClaims } from "./salvage-claims.ts";
import { SalvageWatch } from "./salvage-watch.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";
import { TakenWrites } from "./taken-writes.ts";
import type { Trace } from "./trace.ts";
import { expectThat, Violation } from "./violation.ts";
import { WatermarkWatch } from "./watermark-watch.ts";

const stepsBetweenDeepChecks = 500;

export interface InvariantParts {
  readonly promises: FastPromises;
  /** For so long a replica that is away is waited for. */
  readonly windowMilliseconds: number;
  readonly random: Prng;
  readonly trace: Trace | undefined;
}

export class Invariants {
  private readonly cluster: SimCluster;
  private readonly leaders = new Map<number, number>();
  /** When the leader of each term was first seen. */
  readonly leadersSeen: { readonly term: number; readonly since: number; readonly node: number }[] = [];
  /** Milliseconds by which a node's clock was off, at most. */
  clockError = 1;
  /** Term and stamp of applied entries, by index. */
  private readonly applied = new Map<number, string>();
  private readonly checkedTo = new WeakMap<Replica, number>();
  readonly keys: KeyWatch;
  private readonly logs: LogWatch;
  private readonly contents: ContentWatch;
  private readonly memory = new AppliedWatch();
  readonly taken: TakenWrites;
  private readonly salvage: SalvageWatch;
  private readonly claims = new SalvageClaims();
  private readonly watermarks: WatermarkWatch;
  private readonly trace: Trace | undefined;
  private readonly roles = new Map<number, string>();
  private steps = 0;

  constructor(cluster: SimCluster, parts: InvariantParts) {
    this.cluster = cluster;
    this.trace = parts.trace;
    this.keys = new KeyWatch(cluster);
    this.logs = new LogWatch(cluster);
    this.contents = new ContentWatch(cluster, cluster.first, parts.random);
    this.taken = new TakenWrites(cluster.time, cluster.sightings);
    this.salvage = new SalvageWatch(parts.promises, this.memory);
    this.watermarks = new WatermarkWatch(cluster, this.memory, parts.windowMilliseconds);
    cluster.onSend = (node, message) => {
      this.contents.sent(node, message);
      this.claims.sent(node, message, cluster.time.now);
    };
  }

  get leaderChanges(): number {
    return Math.max(0, this.leaders.size - 1);
  }

  check(): void {
    this.keys.check();
    const isDeep = ++this.steps % stepsBetweenDeepChecks === 0;
    for (const node of this.cluster.nodes.values()) {
      if (node.failure instanceof Violation) throw node.failure;
      if (node.failure !== undefined) throw new Violation("node failure", `node ${node.id} failed`, node.failure);
      this.clockError = Math.max(this.clockError, 1 + Math.abs(node.clockError.at(this.cluster.time.now)));
      if (this.trace !== undefined) this.tell(node, this.trace);
      this.logs.check(node);
      this.watermarks.see(node);
      this.taken.see(node);
      this.checkLeader(node);
      this.checkApplied(node);
      this.contents.check(node);
      this.salvage.check(node);
      if (isDeep) checkDeep(node);
    }
  }

  private tell({ id, replica }: SimNode, trace: Trace): void {
    const { role, term, last, commit } = replica?.status ?? { role: "down", term: 0, last: 0, commit: 0 };
    const known = `${role} ${term}`;
    if (this.roles.get(id) === known) return;
    this.roles.set(id, known);
    const what = replica === undefined ? "is down" : `is ${role} in term ${term}, last ${last}, commit ${commit}`;
    trace.note(this.cluster.time.now, `node ${id} ${what}`);
  }

  private checkLeader(node: SimNode): void {
    const status = node.replica?.status;
    if (status?.role !== "leader") return;
    this.cluster.absences.leads(status.term, this.cluster.time.now);
    const known = this.leaders.get(status.term);
    const isOne = known === undefined || known === node.id;
    expectThat(isOne, "one leader a term", () => `term ${status.term} has the leaders ${known} and ${node.id}`);
    if (known !== undefined) return;
    this.leaders.set(status.term, node.id);
    this.leadersSeen.push({ term: status.term, since: this.cluster.time.now, node: node.id });
    this.logs.leads(node, status.term);
  }

  private checkApplied(node: SimNode): void {
    const { replica } = node;
    if (replica === undefined) return;
    const { term, index, stamp } = replica.state.last;
    if (index === this.checkedTo.get(replica)) return;
    this.checkedTo.set(replica, index);
    const name = `${term} ${stamp}`;
    const known = this.applied.get(index);
    const isOne = known === undefined || known === name;
    expectThat(isOne, "equal applied prefixes", () => `node ${node.id} applied ${index}: ${name}, another: ${known}`);
    this.applied.set(index, name);
    // What is read of a damaged disk shows nothing.
    if (node.disk.isDamaged) return;
    const before = this.memory.furthest;
    if (this.memory.applied(node.id, replica)) this.watermarks.applied(node, before);
    this.keys.applied(node);
  }
}

/** What log, core and engine know of themselves; it walks over all that is in memory. */
function checkDeep({ log, engine, replica, disk }: SimNode): void {
  if (disk.isDamaged) return;
  log?.checkInvariants();
  engine?.checkInvariants();
  replica?.checkInvariants();
}

/** All live records of a replica, and what it remembers, as of its last applied entry: one line each, in order. */
export async function stateOf(node: Pick<SimNode, "id" | "replica" | "engine">): Promise<string[]> {
  const { replica, engine } = node;
  assert(replica !== undefined && engine !== undefined, "the state of a node that is down", { id: node.id });
  const { last } = replica.state;
  const lines = [`applied ${last.term}.${last.index} ${last.stamp}`];
  const walk = engine.iterate(replica.incarnation);
  try {
    while (await walk.nextLoaded()) {
      const { cellBytes, cellStart, cellEnd } = walk.entry;
      const cell = decodeCell(cellBytes, cellStart, cellEnd);
      assert(cell !== undefined, "a record that cannot be read");
      if (isExpired(cell.expiry, last.stamp)) continue;
      const { payload } = cell;
      const content = hashBytes(payload, 0, payload.length);
      const key = Array.from(walk.key(), (byte) => byte.toString(16).padStart(2, "0")).join("");
      // The own record of the last entry is written once a batch, and batches differ: it is compared above.
      if (key === "0061") continue;
      lines.push(`${key} ${cell.term}.${cell.index} ${cell.stamp} ${cell.expiry} ${content}`);
    }
  } finally {
    walk.close();
  }
  return lines;
}
