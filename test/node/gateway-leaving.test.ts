// A gateway in front of nodes of which one stops in order, and comes back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { nodeId } from "../../internal/base/ids.ts";
import type { Gateway } from "../../internal/node/gateway.ts";
import { openGateway } from "./real-gateway.ts";
import { RealNodes } from "./real-nodes.ts";

const two = nodeId("n2");

describe("a gateway", () => {
  it("is told that a node leaves before the node does, as the other nodes are", async () => {
    const nodes = await RealNodes.make();
    let gateway: Gateway | undefined;
    try {
      await nodes.startAll();
      gateway = await openGateway(nodes);
      const { table } = gateway;
      const all = ["n1", "n2", "n3"].map((id) => nodeId(id));
      await nodes.until(() => all.every((node) => table.isConnected(node)));
      await nodes.node("n2").leave(5000);
      assert.deepEqual(
        all.filter((node) => table.isLeaving(node)),
        [two],
      );
      assert.ok(table.isConnected(two), "it is there still, and answers what was asked before");
      await nodes.stop("n2");
      await nodes.start("n2");
      await nodes.until(() => table.isConnected(two));
      assert.ok(!table.isLeaving(two), "another process of it does not leave");
    } finally {
      await gateway?.close();
      await nodes.end();
    }
  });

  it("tells requests that it reaches no node when all have stopped in order", async () => {
    const nodes = await RealNodes.make();
    let gateway: Gateway | undefined;
    try {
      await nodes.startAll();
      gateway = await openGateway(nodes);
      const { coordinator, table, keeper } = gateway;
      await nodes.until(() => keeper.ring !== undefined && table.connected.length === 3);
      for (const id of ["n1", "n2", "n3"]) {
        await nodes.node(id).leave(500);
        await nodes.stop(id);
      }
      await nodes.until(() => table.connected.length === 0);
      assert.ok(!gateway.isReady);
      const caller = { deadline: coordinator.now() + 300, signal: undefined, trace: "" };
      await assert.rejects(coordinator.get({ key: utf8("key"), mode: undefined }, caller), {
        code: "no_leader",
        message: "this gateway reaches no node of its cluster; try again when one is back",
      });
    } finally {
      await gateway?.close();
      await nodes.end();
    }
  });
});
