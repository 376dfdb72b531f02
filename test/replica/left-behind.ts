// A replica that has missed what the logs of the others do not hold any more, so that only a snapshot brings it up; and what
// replicas that are level have in common.

import type { Replica } from "../../internal/replica/replica.ts";
import { put } from "./rig.ts";
import type { Rig } from "./rig.ts";

/** A log that is let go of soon, and snapshots of many chunks. */
export const tiny = {
  log: { segmentBytes: 4096, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 40_000, flushWantedBytes: 8192 },
  replica: {
    entriesKept: 5,
    awayMilliseconds: 100,
    chunkBytes: 400,
    snapshotTableBytes: 1500,
    chunkRetryMilliseconds: 100,
  },
};

/** All that apply reads beside the records, in words. */
export function stateOf({ state }: Replica): string {
  const { last, watermark, configuration, boundaries, answered, slots, departures } = state;
  const parts = {
    last,
    watermark,
    configuration,
    boundaries,
    answered: [...answered.keys()],
    slots: slots.known.map((slot) => [slot, ...(slots.encode(slot) ?? [])]),
  };
  return JSON.stringify({ ...parts, departures: [...departures.encode()] });
}

export async function fill(rig: Rig, id: number, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await rig.write(id, "strong", put(`key ${String(at).padStart(4, "0")}`, `value ${at} ${"x".repeat(80)}`));
  }
}

/** Node 3 misses so much that the log has not kept it, and everything is flushed. */
export async function leaveBehind(rig: Rig): Promise<void> {
  await rig.elect(1);
  await rig.level();
  rig.isolate(3);
  await rig.ticks(20);
  await fill(rig, 1, 40);
  await flush(rig, 1, 2);
  await rig.ticks(60);
  await fill(rig, 1, 2, 40);
}

export async function flush(rig: Rig, ...ids: number[]): Promise<void> {
  for (const id of ids) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
}
