// Settings of a simulated node, which each seed chooses.

import type { Prng } from "../../internal/base/prng.ts";
import type { SimNodeOptions } from "./sim-node.ts";

/** Small, so that a run meets full segments, flushes, merges, snapshots and full windows. */
export function tinyLimits(random: Prng): SimNodeOptions {
  const tickMilliseconds = random.pick([10, 20, 30]);
  const turns = random.split("turns");
  return {
    delaysNames: random.split("names").chance(1, 3),
    turns: { milliseconds: turns.pick([0, 0, 0, 2, 10, 30]), drains: turns.chance(1, 2) },
    diskFaults: random.chance(2, 3),
    log: {
      // Acknowledged before it is synced: what a node loses with the power is for its peers to make good.
      fsync: random.chance(1, 5) ? { kind: "interval", milliseconds: random.pick([5, 50, 500]) } : { kind: "always" },
      segmentBytes: random.pick([16_384, 65_536]),
      batchBytesMax: 4096,
      cacheBytesMax: random.pick([16_384, 262_144]),
      flushWantedBytes: random.pick([5000, 20_000, 200_000]),
      logBytesMax: random.pick([50_000, 100_000, 1_000_000]),
    },
    engine: {
      memtableBytes: 131_072,
      blockCacheBytes: 65_536,
      tableBytes: random.pick([4096, 16_384]),
      levelZeroTrigger: random.pick([1, 2, 4]),
      levelBaseBytes: random.pick([16_384, 65_536]),
      levelFactor: random.pick([2, 10]),
      manifestBytesMax: random.pick([1024, 65_536]),
    },
    replica: {
      tickMilliseconds,
      entriesKept: random.pick([10, 1000]),
      chunkBytes: random.pick([200, 4096]),
      // Some snapshots travel for seconds: much happens meanwhile.
      snapshotBytesPerSecond: random.pick([40_000, 100_000, 100_000_000]),
      snapshotTableBytes: random.pick([1000, 65_536]),
      awayMilliseconds: random.pick([500, 5000]),
      snapshotIdleMilliseconds: 5000,
      chunkRetryMilliseconds: 300,
      slowedBytesPerSecond: 2000,
      raft: {
        electionTicks: 300 / tickMilliseconds,
        heartbeatTicks: random.pick([1, 2, 3]),
        earlyElectionTicks: random.pick([1, 2, 4]),
        window: { messagesMax: random.pick([2, 64]), bytesMax: 65_536 },
        appendBytesMax: random.pick([300, 65_536]),
      },
      answersMax: random.pick([30, 65_536]),
      salvageWindowMilliseconds: random.pick([1000, 2000, 20_000, 3_600_000, 3_600_000]),
    },
  };
}
