// Settings of a replica. Nothing here decides what an entry does: on that all replicas have to agree.

import type { RaftOptions } from "../raft/options.ts";

export interface ReplicaOptions {
  readonly raft: Partial<RaftOptions>;
  /** Of one tick of the core. */
  readonly tickMilliseconds: number;
  /** A replica that is away holds the watermark back for at most this long, and a leader without quorum takes fast writes for half of it. */
  readonly salvageWindowMilliseconds: number;
  /** With a quorum, fast writes are refused while the oldest uncommitted entry is older than this. */
  readonly fastBacklogMilliseconds: number;
  /** Without one, up to so many uncommitted entries and bytes. */
  readonly backlogEntriesMax: number;
  readonly backlogBytesMax: number;
  /** Entries of a leader's log that are not applied, and bytes of fast writes among them: beyond, it takes no more writes. */
  readonly unappliedEntriesMax: number;
  readonly overlayBytesMax: number;
  /** Strong reads that wait here, at most; and as many that wait for what their clients have seen. */
  readonly strongReadsMax: number;
  /** A leader takes no fast writes while those that it keeps itself, lost and without a fate, take more than this. */
  readonly salvageBytesMax: number;
  /** How often the leader of an idle group puts an entry that carries only a stamp, and the watermark, into the log, garbage or not. */
  readonly idleTickMilliseconds: number;
  /** Requests whose answers are remembered, at most; beyond, new ones are refused. */
  readonly answersMax: number;
  /** How often a replica looks after what nobody asks for. */
  readonly houseKeepingMilliseconds: number;
  /** Entries that a follower keeps for the case that it becomes the leader. */
  readonly entriesKept: number;
  /** The log keeps entries for a follower that was silent for no longer than this; then it gets a snapshot. */
  readonly awayMilliseconds: number;
  readonly salvageBytesPerMessage: number;
  /** What is read of the log at once for a follower that is behind. */
  readonly loadBytes: number;
  /** Of a snapshot on its way: what travels at once, how fast, and what a prepared table holds. */
  readonly chunkBytes: number;
  readonly snapshotBytesPerSecond: number;
  readonly snapshotTableBytes: number;
  readonly snapshotIdleMilliseconds: number;
  readonly chunkRetryMilliseconds: number;
  /** A fast read waits so long for what clients of this node were answered. */
  readonly ownReadMilliseconds: number;
  /** A voter that hears no more of a snapshot on its way keeps its log for it no longer than this. */
  readonly keepLogMilliseconds: number;
  /** While what is kept for snapshots is more than the log may hold, writers are slowed down to this. */
  readonly slowedBytesPerSecond: number;
}

export const replicaDefaults: ReplicaOptions = {
  raft: {},
  tickMilliseconds: 10,
  salvageWindowMilliseconds: 3_600_000,
  fastBacklogMilliseconds: 250,
  backlogEntriesMax: 10_000,
  backlogBytesMax: 16 * 1024 * 1024,
  unappliedEntriesMax: 20_000,
  overlayBytesMax: 64 * 1024 * 1024,
  strongReadsMax: 16_384,
  salvageBytesMax: 64 * 1024 * 1024,
  idleTickMilliseconds: 60_000,
  answersMax: 65_536,
  houseKeepingMilliseconds: 500,
  entriesKept: 10_000,
  awayMilliseconds: 60_000,
  salvageBytesPerMessage: 256 * 1024,
  loadBytes: 240 * 1024,
  chunkBytes: 240 * 1024,
  snapshotBytesPerSecond: 128 * 1024 * 1024,
  snapshotTableBytes: 8 * 1024 * 1024,
  snapshotIdleMilliseconds: 30_000,
  chunkRetryMilliseconds: 2000,
  ownReadMilliseconds: 50,
  keepLogMilliseconds: 5000,
  slowedBytesPerSecond: 64 * 1024,
};

export const ticksOf = (options: ReplicaOptions, milliseconds: number): number =>
  Math.max(1, Math.round(milliseconds / options.tickMilliseconds));
