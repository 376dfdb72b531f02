import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { groupId, nodeId, replicaId } from "../../internal/base/ids.ts";
import type { FoundingRecord } from "../../internal/cluster/founding.ts";
import { firstMap } from "../../internal/cluster/map-changes.ts";
import { NodeFolder } from "../../internal/cluster/node-folder.ts";
import { sealJson, unsealJson } from "../../internal/cluster/sealed-json.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { fixedSurvivals, nothingSurvives } from "../disk/power-cut.ts";

const path = "/data";
const n1 = nodeId("n1");
const open = (disk: MemoryDisk, node = n1, newDisk = "d1", newLife = 1) =>
  NodeFolder.open(disk, path, { node, newDisk, newLife });

const peers = ["n1", "n2", "n3"].map(nodeId);
const recorded: FoundingRecord = {
  stage: "recorded",
  proposal: { cluster: "c", peers, groups: 4, disks: ["d1", "d2", "d3"] },
};
const seats = [
  { group: groupId(0), replica: replicaId(2) },
  { group: groupId(7), replica: replicaId(4) },
];
const addresses = { peer: "p", http: "h", resp: "r", grpc: "g", admin: "a" };
const map = firstMap({
  cluster: "c",
  peers,
  groups: 4,
  founders: peers.map((id) => ({ id, zone: "", disk: `d${id}`, addresses, formats: { least: 1, most: 1 } })),
});

async function refusal(opening: Promise<NodeFolder>): Promise<TrefoilError> {
  return opening.then(
    () => assert.fail("it was opened"),
    (failure: unknown) => {
      assert.ok(failure instanceof TrefoilError, String(failure));
      return failure;
    },
  );
}

describe("the data folder of a node", () => {
  it("keeps its name, counts the processes that it was opened by, and remembers", async () => {
    const disk = new MemoryDisk();
    const first = await open(disk);
    assert.deepEqual(first.record, { node: n1, disk: "d1", life: 1, founding: { stage: "empty" }, seats: [] });
    assert.equal(first.map, undefined);
    await Promise.all([
      first.noteFounding(recorded),
      ...seats.map((seat) => first.changeSeats((present) => [...present, seat])),
      first.noteMap(map),
    ]);
    await first.close();
    const second = await open(disk, n1, "another");
    assert.deepEqual(second.record, { node: n1, disk: "d1", life: 2, founding: recorded, seats });
    assert.deepEqual(second.map, map);
    await second.close();
  });

  it("begins with a life that nobody knows: the others refuse processes that are older than one they met", async () => {
    const folder = await open(new MemoryDisk(), n1, "d2", 1_700_000_000_000);
    assert.equal(folder.record.life, 1_700_000_000_000);
    await folder.close();
  });

  it("of another node, with something else in it, in use, or damaged, is refused in words, and left as it is", async () => {
    const disk = new MemoryDisk();
    const held = await open(disk);
    const inUse = await refusal(open(disk));
    assert.equal(inUse.code, "conflict");
    assert.match(inUse.message, /\/data is in use by .*; each node has one of its own \(--data\)$/);
    await held.close();
    assert.match((await refusal(open(disk, nodeId("n2")))).message, /belongs to node n1, and this is n2/);
    const kept = disk.peek(`${path}/trefoil-node`);
    assert.ok(kept !== undefined);
    const text = utf8Text(unsealJson(kept, "it"));
    for (const [bytes, why] of [
      ["{", /not JSON/],
      ['{"format":9}', /format 9; this version reads format 1/],
      [text.replace('"life":1', '"life":-1'), /no whole number/],
      [text.replace('"empty"', '"begun"'), /unknown stage begun/],
    ] as const) {
      disk.put(`${path}/trefoil-node`, sealJson(utf8(bytes)));
      const failure = await refusal(open(disk));
      assert.equal(failure.code, "corruption");
      assert.match(failure.message, why);
    }
    for (const wrong of [text, `${utf8Text(kept)}\n`, utf8Text(kept).replace('"life":1', '"life":2'), ""]) {
      disk.put(`${path}/trefoil-node`, utf8(wrong));
      const failure = await refusal(open(disk));
      assert.equal(failure.code, "corruption");
      assert.match(
        failure.message,
        /^\/data\/trefoil-node is damaged: .*; move the folder away, and start the node with an empty one/,
      );
    }
    disk.put(`${path}/trefoil-node`, kept);
    const folder = await open(disk);
    await folder.changeSeats(() => [{ group: groupId(0), replica: replicaId(1) }]);
    await folder.close();
    assert.match((await refusal(open(disk))).message, /^\/data\/map is gone, and replicas have stored something/);
    const other = new MemoryDisk();
    await other.makeFolder(path);
    other.put(`${path}/photo.jpg`, utf8("x"));
    assert.match((await refusal(open(other))).message, /is no data folder of a node, and holds photo\.jpg/);
    assert.deepEqual(
      (await other.list(path)).filter((name) => !name.startsWith(".lock")),
      ["photo.jpg"],
    );
  });

  it("says what stands in the place of one of its files", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder(`${path}/map`);
    const folder = await open(disk).catch(() => undefined);
    assert.equal(folder, undefined, "a folder without a record is none of a node");
    const taken = new MemoryDisk();
    const mine = await open(taken);
    await taken.makeFolder(`${path}/map`);
    await assert.rejects(
      mine.noteMap(map),
      /^TrefoilError: \/data\/map is a folder, where a file of this node belongs; move it away/,
    );
    await mine.close();
  });

  it("is the old or the new one after a power cut at any operation, and forgets nothing that was durable", async () => {
    let cuts = 0;
    for (let operation = 1; ; operation++) {
      const disk = new MemoryDisk();
      disk.cutPowerAt(operation);
      const done = { life: 0, founding: false, map: false };
      const work = async (): Promise<true> => {
        const folder = await open(disk);
        done.life = folder.record.life;
        await folder.noteFounding(recorded);
        done.founding = true;
        await folder.noteMap(map);
        done.map = true;
        await folder.close();
        const again = await open(disk);
        done.life = again.record.life;
        await again.close();
        return true;
      };
      const ended = await Promise.race([work(), disk.whenCut]);
      if (ended === true) break;
      for (const { name, make } of fixedSurvivals) {
        cuts++;
        const survivor = disk.clone(make());
        const folder = await open(survivor, n1, "d2");
        const { record } = folder;
        assert.ok(record.life > done.life, `${name} at ${operation}: life ${record.life} after ${done.life}`);
        if (done.life > 0) assert.equal(record.disk, "d1");
        if (done.founding) assert.deepEqual(record.founding, recorded);
        if (done.map) assert.deepEqual(folder.map, map);
        await folder.close();
        assert.equal((await open(survivor.clone(nothingSurvives()))).record.life, record.life + 1);
      }
    }
    assert.ok(cuts > 100, `${cuts} cuts`);
  });
});
