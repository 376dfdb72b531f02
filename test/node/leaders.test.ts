// Leaderships of real nodes come to lie where the map would have them, and come back there when a node does.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeSettings } from "../../internal/node/node.ts";
import { RealNodes } from "./real-nodes.ts";

const soon: Partial<NodeSettings> = { leadershipMilliseconds: 200 };

describe("leaderships of real nodes", () => {
  it("lie where the map would have them, and do again when a node has come back", async () => {
    const nodes = await RealNodes.make();
    try {
      await Promise.all(["n1", "n2", "n3"].map((id) => nodes.start(id, soon)));
      await nodes.until(() => nodes.areLedByTheMap());
      await nodes.put("n1", "key", "value");
      await nodes.stop("n2");
      await nodes.put("n1", "another", "value");
      await nodes.until(() => {
        const { groups } = nodes.node("n1");
        const { groups: others } = nodes.node("n3");
        return [...groups.all].every(
          ([id, { status }]) => status.role === "leader" || others.get(id)?.status.role === "leader",
        );
      });
      await nodes.start("n2", soon);
      await nodes.until(() => nodes.areLedByTheMap());
      assert.equal(await nodes.get("n2", "another", "strong"), "value");
    } finally {
      await nodes.end();
    }
  });
});
