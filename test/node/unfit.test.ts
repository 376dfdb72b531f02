// A node whose log takes nothing more: the others hear of it, lead its groups meanwhile, and give them back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { nodeId } from "../../internal/base/ids.ts";
import type { Gateway } from "../../internal/node/gateway.ts";
import type { Node, NodeSettings } from "../../internal/node/node.ts";
import { openGateway } from "./real-gateway.ts";
import { RealNodes, troublesOf } from "./real-nodes.ts";

const soon: Partial<NodeSettings> = { leadershipMilliseconds: 200 };
const full = new TrefoilError("storage_full", "no space is left");
const word = "node n2 cannot write, and others lead its groups as far as they can: no space is left";

const ledBy = ({ groups }: Node): number =>
  [...groups.all.values()].filter(({ status }) => status.role === "leader").length;

/** It leads what the map has it lead; then its log refuses, until others lead all of that, and all know why. */
async function withUnfitNode(run: (nodes: RealNodes, gateway: Gateway) => Promise<void>): Promise<void> {
  const nodes = await RealNodes.make();
  let gateway: Gateway | undefined;
  try {
    await Promise.all(["n1", "n2", "n3"].map((id) => nodes.start(id, soon)));
    gateway = await openGateway(nodes);
    const seers = [nodes.node("n1"), nodes.node("n2"), gateway];
    await nodes.until(() => nodes.areLedByTheMap() && seers.every(({ keeper }) => keeper.ring !== undefined));
    assert.ok(ledBy(nodes.node("n2")) > 0);
    const { log, groups } = nodes.node("n2");
    Object.defineProperty(log, "refusal", { get: () => full, configurable: true });
    await nodes.until(() => ledBy(nodes.node("n1")) + ledBy(nodes.node("n3")) === [...groups.all].length);
    assert.equal(nodes.node("n2").unfitness, full);
    for (const seer of seers) await nodes.until(async () => (await troublesOf(seer)).includes(word));
    await nodes.put("n2", "key", "value");
    await run(nodes, gateway);
    assert.equal(await nodes.get("n2", "key", "strong"), "value");
    assert.deepEqual(nodes.failures, []);
  } finally {
    await gateway?.close();
    await nodes.end();
  }
}

describe("a real node that cannot write", () => {
  it("leads nothing and is named by every node and gateway, until it can; then it leads what is its own again", async () => {
    await withUnfitNode(async (nodes, gateway) => {
      Reflect.deleteProperty(nodes.node("n2").log, "refusal");
      await nodes.until(() => nodes.areLedByTheMap());
      assert.equal(nodes.node("n2").unfitness, undefined);
      for (const seer of [nodes.node("n1"), nodes.node("n2"), gateway]) {
        await nodes.until(async () => !(await troublesOf(seer)).includes(word));
      }
    });
  });

  it("is forgotten with its process: the next one counts as one that can", async () => {
    await withUnfitNode(async (nodes, gateway) => {
      const seers = [nodes.node("n1"), gateway];
      await nodes.stop("n2");
      await nodes.until(() => seers.every(({ table }) => !table.isConnected(nodeId("n2"))));
      await nodes.start("n2", soon);
      for (const seer of seers) {
        await nodes.until(() => seer.table.isConnected(nodeId("n2")));
        assert.ok(!(await troublesOf(seer)).includes(word), "what the process before it said is of the past");
      }
      await nodes.until(() => nodes.areLedByTheMap());
    });
  });
});
