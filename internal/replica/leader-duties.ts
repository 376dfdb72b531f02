// What a leader does for its group without being asked: it raises the watermark (rule 2), settles what has expired by entries
// that only carry a stamp, and says which entries of the log nobody needs any more.

import { logIndex } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import { stampZero } from "../base/stamp.ts";
import { stampsOfMilliseconds } from "../raft/options.ts";
import type { Raft } from "../raft/raft.ts";
import type { RaftStatus } from "../raft/status.ts";
import { Backlog } from "./backlog.ts";
import { commandKind } from "./command.ts";
import type { Freshness } from "./freshness.ts";
import type { GroupState } from "./group-state.ts";
import type { Moment } from "./moment.ts";
import { ticksOf } from "./options.ts";
import type { ReplicaOptions } from "./options.ts";
import { QuorumAge } from "./quorum-age.ts";
import { encodeTick } from "./tick.ts";
import { StampSamples } from "./watermark.ts";

export class LeaderDuties {
  private readonly raft: Raft;
  private readonly options: ReplicaOptions;
  private readonly samples = new StampSamples();
  private readonly backlog = new Backlog();
  /** Of the last entry that was proposed here only for its stamp. */
  private ticked: Stamp = stampZero;
  private tickedIndex = logIndex(0);
  private readonly quorumAge: QuorumAge;

  constructor(raft: Raft, options: ReplicaOptions, now: Moment) {
    this.raft = raft;
    this.quorumAge = new QuorumAge(now);
    this.options = options;
  }

  /** Entries were appended. */
  sample({ role, last, lastStamp }: RaftStatus): void {
    if (role === "leader") this.samples.add(last, lastStamp);
  }

  newTerm(now: Moment): void {
    this.quorumAge.newTerm(now);
    this.samples.clear();
    this.backlog.clear();
    this.ticked = stampZero;
  }

  /** A turn is over: what was begun in it was sent at `since` or later. `freshness` is told what a quorum has confirmed. */
  endTurn(since: Moment, freshness: Pick<Freshness, "confirmed">): void {
    // The log may have grown, though it may have no room yet to be written down.
    this.backlogMilliseconds(since.monotonic);
    const { round, confirmedRound, status } = this.raft;
    if (!this.quorumAge.isNew(round)) return;
    const leader = this.quorumAge.confirmed(confirmedRound);
    if (leader !== undefined) freshness.confirmed(leader);
    this.quorumAge.began(round, since, { term: status.term, index: status.last });
  }

  /** It may have been without its quorum for so long that what it answers fast now comes back too late to have an effect. */
  isTooLateForFast(now: Moment): boolean {
    const most = this.options.salvageWindowMilliseconds / 2;
    if (this.quorumAge.milliseconds(now) <= most) return false;
    this.quorumAge.confirmed(this.raft.confirmedRound);
    return this.quorumAge.milliseconds(now) > most;
  }

  /** For how long the oldest entry of this leader's log has been waiting to be committed; 0: there is none. */
  backlogMilliseconds(now: number): number {
    const { status } = this.raft;
    return status.role === "leader" ? this.backlog.milliseconds(status, now) : 0;
  }

  /** Puts an entry of the replica's own making into the log, if this is the leader and it may. */
  propose(kind: number, payload: Uint8Array): boolean {
    const stamp = this.raft.nextStamp();
    return this.raft.propose({ stamp, flags: 0, kind, payload, needsQuorum: false }).kind === "accepted";
  }

  /** An entry stamped `until` or later shall be committed soon. */
  settle(until: Stamp, state: GroupState): void {
    if (this.raft.status.lastStamp >= until || this.ticked >= until) return;
    // An entry of now would not do: whoever waits asks again.
    if (this.raft.nextStamp() < until) return;
    this.tick(state.watermark, state);
  }

  /** Raises the watermark when the log has moved, and moves an idle group's log once in a while: nobody knows what expires in it. */
  raiseWatermark(state: GroupState): void {
    const { hasQuorum, last } = this.raft.status;
    if (!hasQuorum) return;
    const awaitedUntil = this.awaitedUntil(state);
    if (awaitedUntil > state.last.stamp && awaitedUntil <= this.raft.hybridNow())
      return this.settle(awaitedUntil, state);
    const matched = this.withAll(state);
    const reached = matched === undefined ? undefined : this.samples.at(matched);
    const isRaised = reached !== undefined && reached > state.watermark;
    const watermark = isRaised ? reached : state.watermark;
    const hasNews = last > this.tickedIndex;
    if (hasNews && watermark > state.watermark) return this.tick(watermark, state);
    // Idle: what has expired meanwhile can go only behind a newer stamp.
    const idle = this.raft.hybridNow() - Math.max(this.ticked, state.last.stamp);
    if (idle > stampsOfMilliseconds(this.options.idleTickMilliseconds)) this.tick(watermark, state);
  }

  /** All voters, and those that left, have the log up to `index` and keep nothing, or the salvage window is over for them. */
  isWithAll(index: LogIndex, state: GroupState): boolean {
    return (this.withAll(state) ?? -1) >= index;
  }

  /** Up to where that is so; undefined: nobody can say. */
  private withAll(state: GroupState): LogIndex | undefined {
    // Who leaves by an entry that is not applied is neither a voter any more nor among those that left.
    if (this.raft.status.configurationIndex > state.last.index) return undefined;
    // One that left may still come with writes that nobody else has. By the time of the log, which a majority believed: a clock
    // that jumps ends nothing.
    if (this.awaitedUntil(state) > state.last.stamp) return undefined;
    return this.raft.matchedByAll(ticksOf(this.options, this.options.salvageWindowMilliseconds));
  }

  private awaitedUntil({ departures }: GroupState): Stamp {
    return departures.awaitedUntil(stampsOfMilliseconds(this.options.salvageWindowMilliseconds));
  }

  /**
   * Entries up to here are needed by nobody who is expected to come back soon. None behind `atMost`: what is applied, or the snapshot
   * behind which the log is kept.
   */
  dispensable(atMost: LogIndex): LogIndex {
    const { role } = this.raft.status;
    if (role !== "leader") return logIndex(Math.max(0, atMost - this.options.entriesKept));
    const away = ticksOf(this.options, this.options.awayMilliseconds);
    let least: number = atMost;
    for (const { match, silentTicks, state } of this.raft.followers()) {
      // Who gets a snapshot needs what comes behind that: the snapshot keeps it.
      if (state === "snapshot" || silentTicks === undefined || silentTicks > away) continue;
      least = Math.min(least, match);
    }
    return logIndex(least);
  }

  private tick(watermark: Stamp, state: GroupState): void {
    if (!this.propose(commandKind.tick, encodeTick(watermark))) return;
    this.ticked = this.raft.status.lastStamp;
    // One that raises nothing is an entry like others: the watermark is to rise behind it, too.
    if (watermark > state.watermark) this.tickedIndex = this.raft.status.last;
  }
}
