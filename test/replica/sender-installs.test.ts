// A replica that is sending a snapshot and takes one in itself: what it was sending is gone with its data.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { replicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { put, Rig } from "./rig.ts";

const tiny = {
  log: {
    segmentBytes: 4096,
    batchBytesMax: 2048,
    cacheBytesMax: 8192,
    logBytesMax: 1_000_000,
    flushWantedBytes: 8192,
  },
  replica: {
    entriesKept: 1000,
    awayMilliseconds: 100,
    chunkBytes: 400,
    snapshotTableBytes: 1500,
    chunkRetryMilliseconds: 100,
    // Whoever is cut off from the sender lets go of its log at once.
    keepLogMilliseconds: 100,
  },
};

const keyOf = (at: number): string => `key ${String(at).padStart(4, "0")}`;

async function fill(rig: Rig, id: number, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) await rig.write(id, "strong", put(keyOf(at), "x".repeat(80)));
}

async function flush(rig: Rig, ...ids: number[]): Promise<void> {
  for (const id of ids) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
}

/** Node 1 sends a snapshot to the learner 4, slowly, while the others go on without them, and then takes in theirs. */
async function replaceTheSender(rig: Rig): Promise<{ readonly passes: (message: ReplicaMessage) => boolean }> {
  const lead = await rig.elect(1);
  await rig.level();
  await fill(rig, 1, 0, 60);
  await flush(rig, 1, 2, 3);
  await rig.ticks(120);
  await fill(rig, 1, 60, 62);
  await flush(rig, 1, 2, 3);
  await rig.ticks(60);
  await rig.add(4).start();
  let chunks = 0;
  rig.passes = (message) => message.type !== "chunk" || ++chunks <= 5;
  assert.equal(lead.change({ voters: [1, 2, 3].map(replicaId), learners: [replicaId(4)] }).kind, "accepted");
  await rig.until(() => chunks >= 5, "a snapshot on its way");
  let last = 0;
  const isSlow = ({ type, from }: ReplicaMessage): boolean => {
    if (type !== "chunk" || from !== 1) return true;
    if (rig.time.now - last < 250) return false;
    last = rig.time.now;
    return true;
  };
  const side = (id: number): boolean => id === 1 || id === 4;
  rig.passes = (message) => side(message.from) === side(message.to) && isSlow(message);
  await rig.until(() => rig.leader === 2 || rig.leader === 3, "another leader");
  const other = rig.leader as number; // what was waited for
  await fill(rig, other, 62, 82);
  await flush(rig, 2, 3);
  await rig.ticks(40);
  await fill(rig, other, 82, 83);
  await flush(rig, 2, 3);
  await rig.ticks(20);
  const { incarnation } = rig.replica(1);
  // 4 hears of nobody but 1.
  const passes = (message: ReplicaMessage): boolean =>
    isSlow(message) && (message.from !== 4 || message.to === 1) && (message.to !== 4 || message.from === 1);
  rig.passes = passes;
  await rig.until(() => rig.replica(1).incarnation !== incarnation, "the sender takes one in");
  await flush(rig, 1);
  await rig.answer(rig.node(1).engine?.settle() ?? Promise.resolve());
  return { passes };
}

describe("a snapshot whose sender takes one in", () => {
  it("rule 23: is gone with the data that it showed: nobody gets the rest of it", async () => {
    const rig = await Rig.open(tiny);
    await replaceTheSender(rig);
    await rig.ticks(1000);
    rig.passes = () => true;
    await rig.elect(5 - (rig.leader as number)); // 2 or 3 leads: the other one takes over
    await rig.level();
    const missing: string[] = [];
    for (let at = 0; at < 83; at++) {
      if ((await rig.replica(4).readFast(utf8(keyOf(at)))) === undefined) missing.push(keyOf(at));
    }
    assert.deepEqual(missing, []);
    const { numbers } = rig.replica(1);
    assert.ok(
      numbers.installed === 1 && numbers.made > 0 && numbers.sentBytes > 0 && numbers.receivedBytes > 0,
      JSON.stringify(numbers),
    );
    assert.deepEqual(rig.replica(1).snapshotsUnderWay, { sending: 0, receiving: 0 });
    assert.deepEqual(rig.node(4).failures, []);
    await rig.close();
  });

  it("rule 23: is not offered when the sender leads again, with a log that begins behind it", async () => {
    const rig = await Rig.open(tiny);
    await replaceTheSender(rig);
    rig.passes = ({ type }) => type !== "chunk";
    await rig.elect(1);
    await rig.ticks(100);
    assert.deepEqual(rig.node(1).failures, []);
    rig.passes = () => true;
    await rig.level();
    await rig.close();
  });
});
