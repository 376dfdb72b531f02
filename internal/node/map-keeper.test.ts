import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { firstMap, foundersOf } from "../cluster/map-changes.ts";
import { nodeId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { Ring } from "../ring/ring.ts";
import { MapKeeper } from "./map-keeper.ts";

const map = placedMap(["n1", "n2", "n3"].map((id) => mapNode(id)));
const later = (by: number): ClusterMap => ({ ...map, epoch: map.epoch + by });

interface Rig {
  readonly keeper: MapKeeper;
  readonly events: string[];
  readonly failures: Error[];
  /** The disk goes on. */
  write(): void;
}

function rigOf(noteMap?: (map: ClusterMap) => Promise<void>): Rig {
  const events: string[] = [];
  const failures: Error[] = [];
  const writing: (() => void)[] = [];
  const folder = {
    noteMap: async (noted: ClusterMap): Promise<void> => {
      await new Promise<void>((resolve) => writing.push(resolve));
      events.push(`noted ${noted.epoch - map.epoch}`);
    },
  };
  const keeper = new MapKeeper(noteMap === undefined ? folder : { noteMap }, (failure) => void failures.push(failure));
  keeper.onChange((told) => void events.push(`told ${told.epoch - map.epoch}`));
  return { keeper, events, failures, write: () => writing.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the map as a node knows it", () => {
  it("is the newest it heard of, at once; it is durable before anybody lives by it", async () => {
    const { keeper, events, write } = rigOf();
    assert.deepEqual([keeper.map, keeper.epoch, keeper.ring], [undefined, 0, undefined]);
    keeper.adopt(map);
    assert.deepEqual([keeper.map, keeper.epoch], [map, map.epoch]);
    await turn();
    assert.deepEqual(events, []);
    write();
    await keeper.settled();
    assert.deepEqual(events, ["noted 0", "told 0"]);
  });

  it("is no older one, nor the same again", async () => {
    const { keeper, events, write } = rigOf();
    keeper.adopt(later(1));
    await turn();
    write();
    keeper.adopt(later(1));
    keeper.adopt(map);
    await keeper.settled();
    assert.equal(keeper.epoch, map.epoch + 1);
    assert.deepEqual(events, ["noted 1", "told 1"]);
  });

  it("is told in order, and what is outdated when its turn comes is passed over", async () => {
    const { keeper, events, write } = rigOf();
    keeper.adopt(map);
    await turn();
    for (const by of [1, 2, 3]) keeper.adopt(later(by));
    write();
    await turn();
    write();
    await keeper.settled();
    assert.deepEqual(events, ["noted 0", "told 0", "noted 3", "told 3"]);
  });

  it("is of one cluster for ever", () => {
    const { keeper } = rigOf();
    keeper.adopt(map);
    assert.throws(() => keeper.adopt({ ...later(5), cluster: "another" }), { code: "conflict" });
    assert.equal(keeper.map, map);
  });

  it("has a ring once the groups are placed, the same object for each request", () => {
    const { keeper } = rigOf();
    const peers = ["n1", "n2", "n3"].map(nodeId);
    const founders = (foundersOf(peers) ?? []).map((id) => mapNode(id));
    keeper.adopt(firstMap({ cluster: "c1", peers, groups: 4, founders }));
    const ring = (): Ring | undefined => keeper.ring;
    assert.equal(ring(), undefined);
    keeper.adopt(map);
    assert.deepEqual(ring()?.groups, map.ring);
    assert.equal(ring(), ring());
  });

  it("that cannot be made durable is told as a failure, and nobody lives by it", async () => {
    const { keeper, events, failures } = rigOf(() => Promise.reject(new Error("the disk is gone")));
    keeper.adopt(map);
    await keeper.settled();
    assert.deepEqual(
      failures.map(({ message }) => message),
      ["the disk is gone"],
    );
    assert.deepEqual(events, []);
  });

  it("that finds the disk full is made durable and told when there is room", async () => {
    let isFull = true;
    const noted: number[] = [];
    const { keeper, events, failures } = rigOf(async (told) => {
      if (isFull) throw new DiskFailure("full", "write", "/data/map");
      noted.push(told.epoch - map.epoch);
    });
    keeper.adopt(map);
    keeper.adopt(later(1));
    await keeper.settled();
    keeper.look();
    await keeper.settled();
    assert.deepEqual([keeper.epoch, events, failures], [map.epoch + 1, [], []]);
    isFull = false;
    for (let look = 0; look < 3; look++) keeper.look();
    await keeper.settled();
    assert.deepEqual([noted, events], [[1], ["told 1"]]);
  });
});
