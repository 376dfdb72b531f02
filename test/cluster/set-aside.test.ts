// What a node does with its data folder when something in it was found damaged.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { groupId, nodeId, replicaId } from "../../internal/base/ids.ts";
import { firstMap } from "../../internal/cluster/map-changes.ts";
import { NodeFolder } from "../../internal/cluster/node-folder.ts";
import { unsealJson } from "../../internal/cluster/sealed-json.ts";
import { writeFully } from "../../internal/platform/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { fixedSurvivals } from "../disk/power-cut.ts";

const path = "/data";
const n1 = nodeId("n1");
const peers = ["n1", "n2", "n3"].map(nodeId);
const proposal = { cluster: "c", peers, groups: 4, disks: ["d1", "d2", "d3"] };
const addresses = { peer: "p", http: "h", resp: "r", grpc: "g", admin: "a" };
const founders = peers.map((id) => ({ id, zone: "", disk: `d${id}`, addresses, formats: { least: 1, most: 1 } }));
const map = firstMap({ cluster: "c", peers, groups: 4, founders });
const seats = [{ group: groupId(0), replica: replicaId(1) }];
const files = ["log/00000001.log", "engine/7.table", "snapshots/1/part"];
const damage = "a batch is damaged";

const open = (disk: MemoryDisk): Promise<NodeFolder> =>
  NodeFolder.open(disk, path, { node: n1, newDisk: "first", newLife: 1 });

/** A folder that has been in use for a while, all of it durable. */
async function used(hasMap = true): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const folder = await open(disk);
  await folder.noteFounding({ stage: "complete", proposal });
  if (hasMap) await folder.noteMap(map);
  if (hasMap) await folder.changeSeats(() => seats);
  for (const name of files) {
    const inside = `${path}/${name}`.split("/").slice(0, -1).join("/");
    await disk.makeFolder(inside);
    const file = await disk.openFile(`${path}/${name}`, { access: "write", create: "must" });
    await writeFully(file, utf8(name), 0);
    await file.syncData();
    await file.close();
    for (let up = inside; up.length >= path.length; up = up.slice(0, up.lastIndexOf("/"))) await disk.syncFolder(up);
  }
  await folder.close();
  return disk;
}

/** As a process does that finds damage, or that an earlier one noted it. */
async function begin(disk: MemoryDisk, finds: boolean): Promise<NodeFolder> {
  const folder = await open(disk);
  const why = folder.record.damage ?? (finds ? damage : undefined);
  if (why !== undefined) await folder.setAside(why, "second");
  return folder;
}

async function work(disk: MemoryDisk): Promise<true> {
  await (await begin(disk, true)).close();
  return true;
}

function contents(disk: MemoryDisk, prefix = ""): readonly (string | undefined)[] {
  return files.map((name) => {
    const bytes = disk.peek(`${path}/${prefix}${name}`);
    return bytes === undefined ? undefined : utf8Text(bytes);
  });
}

const nothing = files.map(() => undefined);

async function refusal(doing: Promise<unknown>): Promise<string> {
  const failure = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(failure instanceof TrefoilError && failure.code === "conflict", String(failure));
  return failure.message;
}

describe("a data folder in which something is damaged", () => {
  it("is set aside with its record, and the node begins anew under another name of the folder, with the map that it had", async () => {
    const disk = await used();
    const folder = await begin(disk, true);
    const { life, ...record } = folder.record;
    assert.deepEqual(record, { node: n1, disk: "second", founding: { stage: "complete", proposal }, seats: [] });
    assert.deepEqual(contents(disk), nothing);
    assert.deepEqual(contents(disk, "damaged-"), files);
    const kept = JSON.parse(
      utf8Text(unsealJson(disk.peek(`${path}/damaged-trefoil-node`) ?? utf8(""), "it")),
    ) as unknown;
    assert.deepEqual(kept, { format: 1, ...record, disk: "first", seats, life });
    await folder.close();
    const again = await open(disk);
    assert.deepEqual(again.record, { ...record, life: life + 1 });
    assert.deepEqual(again.map, map);
    await again.close();
  });

  it("is as it was, or set aside by the next process, after a power cut at any operation", async () => {
    const before = await used();
    let cuts = 0;
    for (let operation = 1; ; operation++) {
      const disk = before.clone(fixedSurvivals[0]?.make() ?? assert.fail("no survival"));
      disk.cutPowerAt(operation);
      const ended = await Promise.race([work(disk), disk.whenCut]);
      for (const { name, make } of fixedSurvivals) {
        cuts++;
        const survivor = disk.clone(make());
        const folder = await begin(survivor, false);
        const where = `${name} at ${operation}`;
        if (folder.record.disk === "first") {
          assert.deepEqual(contents(survivor), files, where);
          assert.deepEqual(folder.record.seats, seats, where);
        } else {
          assert.deepEqual(contents(survivor), nothing, where);
          assert.deepEqual(contents(survivor, "damaged-"), files, where);
          assert.deepEqual(folder.record.seats, [], where);
        }
        assert.equal(folder.record.damage, undefined, where);
        assert.deepEqual(folder.map, map, where);
        await folder.close();
      }
      if (ended === true) break;
    }
    assert.ok(cuts > 100, `${cuts} cuts`);
  });

  it("is not set aside a second time: a disk that damages again and again is not to be trusted", async () => {
    const disk = await used();
    await (await begin(disk, true)).close();
    const folder = await open(disk);
    const words = await refusal(folder.setAside("another batch is damaged", "third"));
    assert.match(
      words,
      /^another batch is damaged; and \/data\/damaged-\* holds what was set aside .* remove \/data\/damaged-\*/,
    );
    assert.equal(folder.record.disk, "second");
    await folder.close();
  });

  it("is left alone when it holds no map: the node might found another cluster with an empty one", async () => {
    const disk = await used(false);
    const folder = await open(disk);
    assert.match(await refusal(folder.setAside(damage, "second")), /\/data holds no cluster map/);
    await folder.noteDamage(damage);
    await folder.close();
    assert.match(await refusal(open(disk)), /\/data holds no cluster map/);
    assert.deepEqual(contents(disk), files);
  });
});
