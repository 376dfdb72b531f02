// Settings of a core. Time is counted in ticks; a tick is some milliseconds, the driver's choice.

import { assert } from "../base/assert.ts";
import { stampsPerMillisecond } from "../base/stamp.ts";
import type { Window } from "./progress.ts";

export interface RaftOptions {
  /** Silence of a leader after which a follower stands; each time a random length from this to twice this. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** A follower whose connection to its leader closed stands within this many ticks. */
  readonly earlyElectionTicks: number;
  /** One append holds at most this many bytes of entries, unless its first entry alone is larger. */
  readonly appendBytesMax: number;
  /** Appends on their way to one follower. */
  readonly window: Window;
  /** Entries that are not committed, or not durable with the leader: above these it refuses proposals. */
  readonly uncommittedEntriesMax: number;
  readonly uncommittedBytesMax: number;
  /** Reads that wait for their confirmation. */
  readonly readsMax: number;
  /** A learner that lacks more committed entries than this is not made a voter. */
  readonly promotionLagMax: number;
  /** How far ahead of this replica's clock a stamp may lie, in milliseconds. */
  readonly clockOffsetMax: number;
}

export const raftDefaults: RaftOptions = {
  electionTicks: 30,
  heartbeatTicks: 5,
  earlyElectionTicks: 4,
  appendBytesMax: 240 * 1024,
  window: { messagesMax: 64, bytesMax: 4 * 1024 * 1024 },
  uncommittedEntriesMax: 16_384,
  uncommittedBytesMax: 32 * 1024 * 1024,
  readsMax: 16_384,
  promotionLagMax: 1024,
  clockOffsetMax: 10_000,
};

export function checkedOptions(given: Partial<RaftOptions>): RaftOptions {
  const options = { ...raftDefaults, ...given };
  const { electionTicks, heartbeatTicks, earlyElectionTicks } = options;
  assert(heartbeatTicks >= 1, "heartbeats need a tick at least", { heartbeatTicks });
  // Two heartbeats may be lost before a follower stands.
  assert(electionTicks >= 3 * heartbeatTicks, "an election time-out too near the heartbeat", {
    electionTicks,
    heartbeatTicks,
  });
  assert(earlyElectionTicks >= 1 && earlyElectionTicks < electionTicks, "ticks of an early election", {
    earlyElectionTicks,
  });
  return options;
}

export const stampsOfMilliseconds = (milliseconds: number): number => milliseconds * stampsPerMillisecond;
