// The watermark against the logs (rule 2). When it is seen to have risen: it is not later than the stamp of the last entry that
// every voter's log has, and no voter keeps a salvaged write whose merge it would refuse. Of a voter that was not heard for the
// salvage window by who raised it nothing is judged: the watermark may go on without it.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { membersOf } from "../../internal/raft/configuration.ts";
import { fateKey } from "../../internal/replica/group-state.ts";
import type { AppliedWatch, Look } from "./applied-watch.ts";
import { lastAgreed } from "./log-watch.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { simGroup } from "./sim-node.ts";
import type { SimNode } from "./sim-node.ts";
import { expectThat } from "./violation.ts";

const check = "the watermark waits for all";

export class WatermarkWatch {
  private readonly cluster: SimCluster;
  private readonly memory: AppliedWatch;
  private readonly windowMilliseconds: number;
  /** As each log was when it was last seen, crashed or not: no more of it can be on its disk. */
  private readonly logs = new Map<ReplicaId, GroupLog>();

  constructor(cluster: SimCluster, memory: AppliedWatch, windowMilliseconds: number) {
    this.cluster = cluster;
    this.windowMilliseconds = windowMilliseconds;
    this.memory = memory;
  }

  see({ id, log }: SimNode): void {
    const seen = log?.group(simGroup);
    if (seen !== undefined) this.logs.set(id, seen);
  }

  /** This replica is the first that is seen to have applied so much; `before`: what was seen furthest until then. */
  applied(node: SimNode, before: Look | undefined): void {
    const { state } = node.replica ?? {};
    const mine = node.log?.group(simGroup);
    if (state === undefined || mine === undefined || before === undefined) return;
    if (state.watermark <= before.watermark) return;
    // With a configuration that came in between, others may have been asked.
    if (state.configuration.index > before.index) return;
    for (const id of membersOf({ ...state.configuration.configuration, learners: [] })) {
      const theirs = this.logs.get(id);
      if (theirs === undefined || this.cluster.nodes.get(id)?.disk.isDamaged === true) continue;
      if (this.cluster.absences.wasAway(id, before.term, this.windowMilliseconds)) continue;
      this.checkMatched(id, mine, { log: theirs, watermark: state.watermark });
      this.checkSalvage(id, node, { log: theirs, before: before.watermark });
    }
  }

  private checkMatched(id: number, mine: GroupLog, theirs: { log: GroupLog; watermark: Stamp }): void {
    const agreed = theirs.log === mine ? undefined : lastAgreed(mine, theirs.log);
    if (agreed === undefined || agreed >= mine.lastIndex) return;
    // Not earlier than that entry's own.
    const reached = this.memory.atLeast(agreed)?.stamp;
    if (reached === undefined) return;
    expectThat(theirs.watermark <= reached, check, () => {
      return `it is ${theirs.watermark}, and node ${id} has the log up to ${agreed}, not later than ${reached}`;
    });
  }

  private checkSalvage(id: number, { replica, engine }: SimNode, theirs: { log: GroupLog; before: Stamp }): void {
    const { log, before } = theirs;
    if (replica === undefined || engine === undefined || log.salvageBytes === 0) return;
    const { state, incarnation } = replica;
    for (const { term, index } of log.salvage) {
      const known = state.lastOfTerm(term)?.stamp ?? 0;
      // It may have passed that while this voter was away.
      if (before > known) continue;
      if (state.watermark <= known || state.holds(term, index) === true) continue;
      // What has its fate waits only to be dropped.
      if (engine.getNow(incarnation, fateKey(term, index)) !== "absent") continue;
      expectThat(false, check, () => {
        return `it is ${state.watermark}, and node ${id} still keeps ${term}.${index}, which it refuses behind ${known}`;
      });
    }
  }
}
