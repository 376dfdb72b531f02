import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ScriptedNetwork } from "../../test/node/scripted-network.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { utf8 } from "../base/bytes.ts";
import { nodeId } from "../base/ids.ts";
import type { FoundingRecord, FoundingWord } from "../cluster/founding.ts";
import { NodeFolder } from "../cluster/node-folder.ts";
import { replicaMessages } from "../grpc/replica-messages.ts";
import { silentLogger } from "../platform/logger.ts";
import { FoundingTalk } from "./founding-talk.ts";
import type { Founded } from "./founding-talk.ts";
import { decodeTalk } from "./peer-talk.ts";
import { PeerTable } from "./peer-table.ts";

const [n1, n2, n3] = [nodeId("n1"), nodeId("n2"), nodeId("n3")];
const peers = [n1, n2, n3];

async function talkOf(says: (from: string, word: FoundingWord) => Uint8Array) {
  const time = new VirtualTime();
  const clock = new NodeClock(time);
  const network = new ScriptedNetwork();
  network.script = (node, payload) => {
    const talk = decodeTalk(payload);
    assert.ok(talk.kind === "found");
    return Promise.resolve({ kind: "answered", payload: says(node, talk.word) });
  };
  const table = new PeerTable({ network, codec: replicaMessages, self: n1 });
  table.follow(new Map(peers.map((id) => [id, `${id}:7400`])));
  const folder = await NodeFolder.open(new MemoryDisk(), "/data", { node: n1, newDisk: "d1", newLife: 1 });
  const world = { folder, table, scheduler: clock, logger: silentLogger };
  const talk = new FoundingTalk({ ...world, self: n1, peers, groups: 4, newCluster: "c" });
  const state: { founded?: Founded | undefined; failure?: unknown } = {};
  const over = talk.run().then(
    (founded) => void (state.founded = founded),
    (failure: unknown) => void (state.failure = failure),
  );
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let step = 0; step < 1000 && !isSo(); step++) await time.runTo(time.now + 10);
    assert.ok(isSo(), "it did not come about");
  };
  return { talk, folder, state, over, until, time };
}

const word = (disk: string, record: FoundingRecord): Uint8Array =>
  utf8(JSON.stringify({ disk, peers, groups: 4, record }));

describe("a founder among the others", () => {
  it("founds the cluster when each of them has recorded what it proposed, and not before", async () => {
    let isHolding = true;
    const { folder, state, until, time } = await talkOf((from, { record }) => {
      const disk = from === n2 ? "d2" : "d3";
      return word(disk, from === n3 && isHolding ? { stage: "empty" } : record);
    });
    await until(() => folder.record.founding.stage === "recorded");
    await time.runTo(time.now + 500);
    assert.ok(!("founded" in state), "one of them has recorded nothing");
    isHolding = false;
    await until(() => state.founded !== undefined);
    assert.ok(state.founded?.kind === "founded");
    assert.deepEqual(state.founded.proposal.disks, ["d1", "d2", "d3"]);
    assert.equal(folder.record.founding.stage, "complete");
    await folder.close();
  });

  it("takes what is no word for silence, and no word from whoever is no founder", async () => {
    let isNoise = true;
    const { talk, folder, state, until, time } = await talkOf((from, { record }) => {
      const disk = from === n2 ? "d2" : "d3";
      if (from === n2 && isNoise) return utf8("{not JSON");
      if (from === n3 && isNoise) return utf8('{"disk":7}');
      return word(disk, record);
    });
    talk.hear(nodeId("n4"), { disk: "d4", peers: [n1], groups: 9, record: { stage: "empty" } });
    await time.runTo(time.now + 500);
    assert.deepEqual([state.failure, folder.record.founding.stage], [undefined, "empty"]);
    isNoise = false;
    await until(() => state.founded !== undefined);
    await folder.close();
  });

  it("ends when it is stopped, whatever it waits for", async () => {
    const { talk, folder, state, over, time } = await talkOf(() => utf8("nothing of use"));
    await time.runTo(200);
    talk.stop();
    await time.runTo(400);
    await over;
    assert.deepEqual([state.founded, state.failure], [undefined, undefined]);
    await folder.close();
  });
});
