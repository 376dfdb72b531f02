// What a node has answered as a fast write it has, at every moment: in its log, or kept as salvage, or it knows its fate (rule 8).
// When a fate is known: a merge from before the watermark took no effect (rule 3); one that did take effect is stamped for the
// garbage collection as its merge was, and its request is remembered (rules 3, 17).

import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Engine } from "../../internal/engine/engine.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { userRecordKey } from "../../internal/replica/areas.ts";
import { decodeFate } from "../../internal/replica/fates.ts";
import { fateKey } from "../../internal/replica/group-state.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { AppliedWatch } from "./applied-watch.ts";
import type { FastPromise, FastPromises } from "./fast-promises.ts";
import { compareKnown, versionName } from "./history.ts";
import { simGroup } from "./sim-node.ts";
import type { SimNode } from "./sim-node.ts";
import { expectThat } from "./violation.ts";

interface Watched {
  life: number;
  open: FastPromise[];
  /** As its log, its salvage and what it had applied were when it was last looked at. */
  looked: string;
  /** The most that the node may ever have had applied, which its log holds: started again, it is behind for a while. */
  appliedMost: number;
}

interface Parts {
  readonly log: GroupLog;
  readonly replica: Replica;
  readonly engine: Engine;
}

type Standing = "here" | "settled" | "unknown" | EngineRecord;

export class SalvageWatch {
  private readonly promises: FastPromises;
  private readonly applied: AppliedWatch;
  private readonly nodes = new Map<ReplicaId, Watched>();

  constructor(promises: FastPromises, applied: AppliedWatch) {
    this.promises = promises;
    this.applied = applied;
  }

  check(node: SimNode): void {
    const { replica, engine } = node;
    const log = node.log?.group(simGroup);
    if (replica === undefined || engine === undefined || log === undefined || node.disk.isDamaged) return;
    const watched = this.nodes.get(node.id) ?? { life: 0, open: [], looked: "", appliedMost: 0 };
    this.nodes.set(node.id, watched);
    for (const promise of this.promises.takeNew(node.id)) if (!promise.isRetried) watched.open.push(promise);
    const { last } = replica.state;
    watched.appliedMost = Math.max(watched.appliedMost, last.index, node.life === watched.life ? 0 : log.lastIndex);
    watched.life = node.life;
    const looked = `${node.life} ${log.lastTerm}.${log.lastIndex} ${log.base.index} ${log.salvageBytes} ${replica.appliedIndex}`;
    if (looked === watched.looked) return;
    watched.looked = looked;
    const isBehind = last.index < watched.appliedMost || replica.appliedIndex < last.index;
    watched.open = watched.open.filter((promise) => {
      const standing = standingOf(promise, { log, replica, engine });
      if (standing === "here" || standing === "settled" || (standing === "unknown" && isBehind)) {
        return standing !== "settled";
      }
      const name = `${versionName(promise.version)} of ${promise.key}`;
      expectThat(standing !== "unknown", "fast writes are kept until they have a fate", () => {
        return `node ${node.id} answered ${name}, and has it neither in its log nor as salvage, and knows no fate`;
      });
      if (standing !== "unknown") this.judge(promise, standing, { log, replica, engine });
      return false;
    });
  }

  private judge({ version, key, request }: FastPromise, record: EngineRecord, { replica, engine }: Parts): void {
    const { fate, mergedAt } = decodeFate(record.payload);
    const before = this.applied.before(mergedAt.index);
    if (fate === "lost" || before === undefined) return;
    const { state, incarnation } = replica;
    const isKnown = request === undefined || state.answeredAt(utf8(request)) !== undefined;
    expectThat(
      isKnown,
      "merges record their requests",
      () => `${versionName(version)} of ${key} was ${fate}, and request ${request} is not known`,
    );
    if (fate !== "salvaged") return;
    const name = `${versionName(version)} of ${key}`;
    const known = state.lastOfTerm(term(version.term));
    const isInTime = known === undefined || known.term === state.last.term || before.watermark <= known.stamp;
    expectThat(isInTime, "merges from before the watermark are refused", () => {
      return `${name} was merged at ${versionName(mergedAt)}: the watermark was ${before.watermark}, its log ended at ${known?.stamp}`;
    });
    const merged = engine.getNow(incarnation, userRecordKey(utf8(key)), { tombstones: true });
    if (typeof merged === "string" || compareKnown(merged, version) !== 0) return;
    expectThat(merged.stamp > before.stamp, "merges are stamped as they are merged", () => {
      return `${name} is stamped ${merged.stamp}, and was merged behind ${before.stamp}`;
    });
  }
}

/** A record: its fate. */
function standingOf({ version }: FastPromise, { log, replica, engine }: Parts): Standing {
  const of = term(version.term);
  const index = logIndex(version.index);
  if (replica.state.holds(of, index) === true) return "settled";
  if (index > log.base.index && log.termOf(index) === of) return "here";
  if (log.isKept(of, index)) return "here";
  const fate = engine.getNow(replica.incarnation, fateKey(of, index));
  if (fate === "need_io") return "here";
  return fate === "absent" ? "unknown" : fate;
}
