// Two processes of one name, over real sockets and disks: one has a data folder that the cluster knows, the other an empty one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeId } from "../../internal/base/ids.ts";
import { nodeOf } from "../../internal/cluster/cluster-map.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { RealNodes } from "./real-nodes.ts";

describe("a second process under a node's --id, with an empty folder", () => {
  it("is refused while the first one is connected, is told where that is and what to do, and ends", async () => {
    const nodes = await RealNodes.make(4);
    try {
      await nodes.startAll();
      const { map } = nodes.node("n1").keeper;
      const known = map && nodeOf(map, nodeId("n2"));
      assert.ok(known !== undefined);
      const failures = await nodes.startAs("n2", "n4");
      const isReplaced = (): boolean => {
        const now = nodes.node("n1").keeper.map;
        return (now && nodeOf(now, nodeId("n2"))?.disk) !== known.disk;
      };
      await nodes.until(() => failures.length > 0 || isReplaced());
      assert.ok(!isReplaced());
      const [failure] = failures;
      assert.ok(failure instanceof TrefoilError && failure.code === "conflict");
      const where = nodes.addressOf("n2").replaceAll(".", "\\.");
      assert.match(failure.message, new RegExp(`process of node n2 .* at ${where}, .* another --id, or stop that one`));
      for (const id of ["n1", "n2", "n3"]) {
        const now = nodes.node(id).keeper.map;
        assert.equal(now && nodeOf(now, nodeId("n2"))?.disk, known.disk, `${id} goes by the first one`);
        assert.ok(now?.groups.every(({ exchange }) => exchange === undefined));
      }
      await nodes.put("n2", "key", "value");
      assert.equal(await nodes.get("n3", "key", "strong"), "value");
      assert.deepEqual(nodes.failures, []);
    } finally {
      await nodes.end();
    }
  });
});
