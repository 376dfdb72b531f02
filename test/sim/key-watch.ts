// Versions of keys as replicas apply them. In one replica a key's version never falls, tombstones counted: nothing older comes
// back, neither by a merge nor because it was forgotten that something newer was there. And what any replica has applied
// under a key, a strong read that is asked for later has to see.

import { utf8 } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { neverExpires } from "../../internal/base/stamp.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { Engine } from "../../internal/engine/engine.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import { userRecordKey } from "../../internal/replica/areas.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { compareKnown } from "./history.ts";
import { readStrongly } from "./read-strongly.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";
import { expectThat, Violation } from "./violation.ts";

const watched = [
  "s0",
  "s1",
  "s2",
  "f0",
  "f1",
  "f2",
  "m0",
  "m1",
  "m2",
  "s0/a",
  "s1/b",
  "f0/a",
  "f0/b",
  "f1/a",
  "f1/b",
  "f2/a",
  "m0/a",
  "m0/b",
  "m1/a",
  "m2/b",
].map((name) => ({
  name,
  key: utf8(name),
  record: userRecordKey(utf8(name)),
}));
const strongOnly = watched.filter(({ name }) => name.startsWith("s"));

type Seen = Pick<EngineRecord, "term" | "index" | "tombstone" | "expiry">;

const nameOf = ({ term, index }: Version): string => `${term}.${index}`;

export class KeyWatch {
  private readonly cluster: SimCluster;
  /** By key: the newest that any replica has applied. */
  private readonly newest = new Map<string, Seen>();
  /** By key, for each life of a replica. */
  private readonly seen = new WeakMap<Engine, Map<string, Seen>>();
  private failure: Violation | undefined;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
  }

  /** A replica has applied more, or something else. */
  applied(node: SimNode): void {
    const { engine, replica } = node;
    if (engine === undefined || replica === undefined) return;
    const known = this.seen.get(engine) ?? new Map<string, Seen>();
    this.seen.set(engine, known);
    for (const { name, record: key } of watched) {
      const found = engine.getNow(replica.incarnation, key, { tombstones: true });
      if (typeof found === "string") continue;
      const before = known.get(name);
      const grows = before === undefined || compareKnown(found, before) >= 0;
      expectThat(grows, "versions grow", () => {
        return `node ${node.id} has ${name} of ${nameOf(found)} after ${nameOf(before as Seen)}`;
      });
      known.set(name, found);
      const best = this.newest.get(name);
      if (best === undefined || compareKnown(found, best) > 0) this.newest.set(name, found);
    }
    // Within a turn a leader may have lost its office without having noticed (seed 98639).
    if (replica.status.role !== "leader" && !node.clock.isWithinTurn) this.checkOverlay(node, engine, replica);
  }

  /** Throws what a probe has found. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** From time to time, whoever thinks that it leads is asked, above all one that others have left behind. */
  probe(random: Prng, mostMilliseconds: number): void {
    this.cluster.time.after(random.between(1, mostMilliseconds), () => {
      const leaders = [...this.cluster.nodes.values()].filter((node) => node.replica?.status.role === "leader");
      const { name, key } = random.pick(strongOnly);
      const node = leaders.length > 0 ? random.pick(leaders) : undefined;
      node?.clock.live(() => void this.ask(node, name, key));
      this.probe(random, mostMilliseconds);
    });
  }

  private async ask(node: SimNode, name: string, key: Uint8Array): Promise<void> {
    const { replica } = node;
    const wanted = this.newest.get(name);
    if (replica === undefined || wanted === undefined) return;
    const read = await readStrongly(node, replica, key).catch(() => undefined);
    if (read === undefined || read.kind === "refused") return;
    // That it is absent is wrong only while it was not changed again.
    const isStale =
      read.kind === "record"
        ? compareKnown(read.record, wanted) < 0
        : !wanted.tombstone && wanted.expiry === neverExpires && this.isNewest(node, name, wanted);
    if (!isStale) return;
    const saw = read.kind === "record" ? nameOf(read.record) : "nothing";
    const what = `node ${node.id} answered ${saw} for ${name}, and ${nameOf(wanted)} was applied before`;
    this.failure ??= new Violation("strong reads see what was applied", what);
  }

  private isNewest(node: SimNode, name: string, version: Version): boolean {
    // What was applied in this very moment is not noted yet.
    this.applied(node);
    const newest = this.newest.get(name);
    return newest === undefined || compareKnown(newest, version) <= 0;
  }

  /** Who does not lead shows nothing that it has not applied. */
  private checkOverlay(node: SimNode, engine: Engine, replica: Replica): void {
    const now = replica.state.last.stamp;
    for (const { name, key, record } of watched) {
      const shown = replica.readNow(key, now);
      const stored = engine.getNow(replica.incarnation, record, { now });
      if (shown === "need_io" || stored === "need_io") continue;
      const isSame =
        typeof shown === "string" || typeof stored === "string" ? shown === stored : compareKnown(shown, stored) === 0;
      expectThat(
        isSame,
        "followers show what they applied",
        () => `node ${node.id} shows another ${name} than it holds`,
      );
    }
  }
}
