// The power goes at every single operation of a replica's disk while it loses fast writes to another leader, is overtaken by a
// snapshot, applies and flushes: nothing that it has said is forgotten, nothing that it has answered is lost.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { entryHeaderBytes, indexOf, kindOf } from "../../internal/log/record.ts";
import { commandKind } from "../../internal/replica/command.ts";
import { decodeMerge } from "../../internal/replica/merge.ts";
import { cutEverywhere } from "../disk/cut-everywhere.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import { put, Rig, theGroup } from "./rig.ts";
import type { RigOptions } from "./rig.ts";

const tiny: RigOptions = {
  log: { segmentBytes: 4096, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 40_000, flushWantedBytes: 8192 },
  replica: {
    entriesKept: 5,
    awayMilliseconds: 100,
    chunkBytes: 600,
    snapshotTableBytes: 2500,
    chunkRetryMilliseconds: 100,
  },
};

/** What node 1 has said to others so far. */
interface Said {
  readonly term: number;
  /** The last entry that it has said to have, and in which term. */
  readonly accepted: { readonly term: number; readonly index: number };
}

function saidBy(rig: Rig): Said {
  let term = 0;
  let accepted = { term: 0, index: 0 };
  for (const message of rig.sent) {
    if (message.from !== 1 || !("term" in message) || message.type.startsWith("chunk")) continue;
    if (message.type !== "pre_vote" && message.type !== "pre_vote_answer") term = Math.max(term, message.term);
    if (message.type !== "append_accepted" || message.term < accepted.term) continue;
    const index = message.term > accepted.term ? message.index : Math.max(message.index, accepted.index);
    accepted = { term: message.term, index };
  }
  return { term, accepted };
}

/** The disk opens, and has all that was said and answered. */
async function check(disk: MemoryDisk, said: Said, answered: readonly Version[]): Promise<void> {
  const rig = new Rig(tiny);
  const node = rig.node(1);
  node.disk = disk;
  await node.start();
  const replica = node.up;
  assert.ok(replica.status.term >= said.term, `term ${replica.status.term}, and ${said.term} was said`);
  const { last } = replica.status;
  assert.ok(last >= said.accepted.index, `the log ends at ${last}, and ${said.accepted.index} was acknowledged`);
  const group = node.log?.group(theGroup);
  for (const version of answered) {
    const { term, index } = version;
    const isHere = group?.termOf(index) === term || group?.isKept(term, index) === true;
    if (isHere || replica.state.holds(term, index) === true) continue;
    // Its merge is in the log, and committed, though nobody has told so since.
    if (group !== undefined && (await hasMerge(group, version))) continue;
    const receipt = await replica.receiptOf(version);
    assert.ok(receipt === "salvaged" || receipt === "superseded", `the fast write ${term}.${index} is ${receipt}`);
  }
  assert.ok(replica.state.last.index <= replica.status.commit);
  assert.deepEqual(await disk.list("/node/snapshot"), []);
  await rig.close();
}

async function hasMerge(group: GroupLog, { term, index }: Version): Promise<boolean> {
  const { lastIndex } = group;
  for (let from = group.firstIndex; from <= lastIndex;) {
    const read = await group.read(from, lastIndex, 100_000);
    if (read.kind !== "entries") return false;
    for (const { bytes, start, end } of read.entries) {
      from = logIndex(indexOf(bytes, start) + 1);
      if (kindOf(bytes, start) !== commandKind.merge) continue;
      const { version } = decodeMerge(bytes, start + entryHeaderBytes, end);
      if (version.term === term && version.index === index) return true;
    }
  }
  return false;
}

async function overtaken(rig: Rig, entries: number): Promise<Version[]> {
  await rig.elect(1);
  await rig.level();
  rig.isolate(1);
  const answered: Version[] = [];
  for (const key of ["a", "b", "c"]) answered.push((await rig.write(1, "fast", put(key, "only here"))).version);
  await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
  const leader = rig.leader as number;
  await rig.elect(leader);
  for (let at = 0; at < entries; at++) {
    await rig.write(leader, "strong", put(at === 3 ? "b" : `key ${at}`, `value ${at} ${"x".repeat(80)}`));
  }
  for (const id of [2, 3]) await rig.answer(rig.node(id).engine?.flush() ?? Promise.resolve());
  await rig.ticks(60);
  await rig.write(leader, "strong", put("last", "1"));
  return answered;
}

async function cutWhileItReturns(
  entries: number,
  awayMilliseconds: number,
): Promise<{ cuts: number; messages: ReadonlySet<string> }> {
  const rig = await Rig.open({ ...tiny, replica: { ...tiny.replica, awayMilliseconds } });
  const answered = await overtaken(rig, entries);
  const node = rig.node(1);
  const { cuts } = await cutEverywhere({
    disk: node.disk,
    random: new Prng(1),
    randomCuts: 1,
    script: async () => {
      rig.rejoin(1);
      await rig.until(() => rig.replica(1).status.leader === rig.leader, "its return");
      await rig.level();
      await rig.until(() => !rig.replica(1).hasSalvage, "fates");
      await rig.answer(node.engine?.flush() ?? Promise.resolve());
      await rig.write(rig.leader as number, "strong", put("after", "1"));
      await rig.level();
    },
    state: () => saidBy(rig),
    check: (left, { state }) => check(left, state, answered),
  });
  await rig.close();
  return { cuts, messages: new Set(rig.sent.map(({ type }) => type)) };
}

describe("a power cut after any disk operation of a replica", () => {
  it("that truncates, salvages, applies and flushes loses nothing said or answered", async () => {
    const { cuts, messages } = await cutWhileItReturns(2, 60_000);
    assert.ok(cuts > 80 && messages.has("salvage") && !messages.has("chunk"), `${cuts} cuts`);
  });

  it("that takes in a snapshot over fast writes of its own loses nothing said or answered", async () => {
    const { cuts, messages } = await cutWhileItReturns(40, 100);
    assert.ok(cuts > 200 && messages.has("salvage") && messages.has("chunk"), `${cuts} cuts`);
  });
});
