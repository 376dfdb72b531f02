// What is left of a replica that takes no part any more (rules 12 and 19): its group goes on without it, or what it said may be
// lost with the end of its log. It votes for nothing and acknowledges nothing. Fast writes above its commit index, which
// perhaps nobody else has, go to the group's leader until each has its fate; only then are log and data erased.
//
//   openRetired -> keeps what is fast above the commit index -> salvage to the leader ... settled -> isEmpty -> erase
//
// A crash at any step is no harm: what was done is done again.

import { TrefoilError } from "../base/errors.ts";
import { logIndex, nobody } from "../base/ids.ts";
import type { GroupId, ReplicaId } from "../base/ids.ts";
import type { Engine } from "../engine/engine.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import { addressFault } from "../raft/message-check.ts";
import { keepFast } from "./keep-fast.ts";
import { isOwn, settledFault } from "./message-check.ts";
import type { ReplicaMessage, SalvageMessage } from "./messages.ts";
import { replicaDefaults, ticksOf } from "./options.ts";
import type { ReplicaOptions } from "./options.ts";
import { dropKept, keptWrites } from "./salvager.ts";

export interface RetiredStart {
  readonly group: GroupId;
  readonly id: ReplicaId;
  readonly log: Log;
  readonly engine: Engine;
  readonly options?: Partial<ReplicaOptions>;
  send(message: SalvageMessage): void;
}

/** REQUIRES: nobody else touches the group's log: a replica that ran before has ended. */
export async function openRetired(start: RetiredStart): Promise<RetiredReplica> {
  const { engine, log } = start;
  const group = log.group(start.group);
  const place = engine.placeOf(start.group);
  const applied = place === undefined ? 0 : engine.appliedIndex(place.incarnation);
  const commit = Math.max(group.hardState.commit, applied);
  if (group.lastIndex > commit) {
    await keepFast(group, logIndex(commit + 1));
    await log.whenDurable(log.staged);
  }
  return new RetiredReplica(start, group);
}

export class RetiredReplica {
  readonly id: ReplicaId;
  private readonly start: RetiredStart;
  private readonly group: GroupLog;
  private readonly options: ReplicaOptions;
  private leader = nobody;
  private ticks = 0;
  private isReleased = false;
  private waiting: (() => void)[] = [];

  /** Use openRetired. */
  constructor(start: RetiredStart, group: GroupLog) {
    this.id = start.id;
    this.start = start;
    this.group = group;
    this.options = { ...replicaDefaults, ...start.options };
  }

  /** As the map says, or somebody who was asked in vain. */
  leaderIs(leader: ReplicaId): void {
    this.leader = leader;
    this.remind();
  }

  tick(): void {
    this.ticks++;
    if (this.ticks % ticksOf(this.options, this.options.houseKeepingMilliseconds) === 0) this.remind();
  }

  receive(message: ReplicaMessage): void {
    if (!isOwn(message) || message.type !== "salvage_settled") return;
    // It knows nobody any more but the leader that it asks: what another one decided, that one can tell too.
    if (message.from !== this.leader || (addressFault(message, this.id) ?? settledFault(message)) !== undefined) return;
    for (const { version } of message.fates) dropKept(this.group, version);
    if (message.isReleased) this.isReleased = true;
    if (this.isEmpty) for (const wake of this.waiting.splice(0)) wake();
    else this.remind();
  }

  /** Every write that only this replica had has its fate, and the group waits for no more from it. */
  get isEmpty(): boolean {
    return this.isReleased && this.group.salvageBytes === 0;
  }

  async whenEmpty(): Promise<void> {
    if (!this.isEmpty) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Its log and its data go. REQUIRES: isEmpty. */
  async erase(): Promise<void> {
    if (!this.isEmpty) {
      const detail = `group ${this.group.group}: writes of replica ${this.id} have no fate yet`;
      throw new TrefoilError("conflict", detail);
    }
    const { engine, log, group } = this.start;
    // The log goes last: while it is there, this can be taken up again.
    if (engine.placeOf(group) !== undefined) await engine.dropIncarnation(group);
    await log.whenDurable(log.removeGroup(group));
  }

  private remind(): void {
    if (this.leader === nobody || this.isEmpty) return;
    const { id: from, leader: to, group, options } = this;
    const writes = keptWrites(group, options.salvageBytesPerMessage);
    this.start.send({ type: "salvage", from, to, writes, isLeaving: true });
  }
}
