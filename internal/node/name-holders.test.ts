import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { nodeId } from "../base/ids.ts";
import { registerNode } from "../cluster/map-changes.ts";
import { ofAnotherProcess } from "../platform/network.ts";
import { absentMilliseconds, NameHolders } from "./name-holders.ts";

const map = placedMap(["n1", "n2", "n3"].map((id) => mapNode(id)));
const n2 = nodeId("n2");
const identity = (disk: string, node = n2) => ({ node, cluster: "c1", life: 7, disk });

let time: VirtualTime;
let holders: NameHolders;

beforeEach(async () => {
  time = new VirtualTime();
  holders = new NameHolders(new NodeClock(time));
  await time.runTo(absentMilliseconds);
});

describe("a name that a node goes by", () => {
  it("is not another folder's while its process is connected, and that one is told where it is and what to do", () => {
    holders.up(n2, "disk of n2");
    const why = holders.refusal(identity("another"), map) ?? "";
    assert.ok(why.startsWith(ofAnotherProcess));
    assert.match(why, /node n2 .* at n2:7400, .* another --id, or stop that one first/);
    assert.equal(holders.refusal(identity("disk of n2"), map), undefined, "its own next process");
    assert.equal(
      holders.refusal(identity("another"), undefined)?.startsWith(ofAnotherProcess),
      true,
      "in a founding, too",
    );
  });

  it("is another folder's when nobody of that name has been connected for a while, since this process began", async () => {
    const began = new NameHolders(new NodeClock(time));
    holders.up(n2, "disk of n2");
    holders.down(n2);
    for (const each of [began, holders]) {
      const why = each.refusal(identity("another"), map) ?? "";
      assert.ok(/for 5000 ms/.test(why) && !why.startsWith(ofAnotherProcess), "it is waited for, and need not end");
    }
    await time.runTo(2 * absentMilliseconds - 1);
    assert.notEqual(holders.refusal(identity("another"), map), undefined);
    await time.runTo(2 * absentMilliseconds);
    for (const each of [began, holders]) assert.equal(each.refusal(identity("another"), map), undefined);
  });

  it("is that of the folder in the map, whoever is connected", () => {
    const changed = registerNode(map, mapNode("n2", "", "another"));
    holders.up(n2, "disk of n2");
    assert.equal(holders.refusal(identity("another"), changed), undefined);
    holders.up(n2, "another");
    assert.notEqual(holders.refusal(identity("disk of n2"), changed), undefined, "it is the one to end");
  });

  it("is free when no node has it, and nothing that goes without a folder, as gateways do, is held against it", () => {
    assert.equal(holders.refusal(identity("disk of n4", nodeId("n4")), map), undefined);
    holders.up(nodeId("gateway"), "");
    assert.equal(holders.refusal(identity("", nodeId("gateway")), map), undefined);
    assert.equal(holders.refusal(identity("disk", nodeId("gateway")), map), undefined);
  });
});
