// A node is closed at whatever it is about: it ends, and nobody waits for it for ever. Over real sockets and disks; the time-out of a
// test is what fails it when something is stuck.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { RealNodes } from "./real-nodes.ts";

async function withNodes(run: (nodes: RealNodes) => Promise<void>): Promise<void> {
  const nodes = await RealNodes.make();
  try {
    await run(nodes);
    assert.deepEqual(nodes.failures, []);
  } finally {
    await nodes.end();
  }
}

describe("a node that is closed", () => {
  it("ends while it waits for the other founders, and so do those who wait for it", async () => {
    await withNodes(async (nodes) => {
      const node = await nodes.start("n1");
      const ready = node.whenReady();
      const write = node.coordinator.explain(new Uint8Array(1), {
        deadline: node.coordinator.now() + 50_000,
        signal: undefined,
        trace: "",
      });
      const refused = assert.rejects(write, { code: "stopping" });
      await nodes.until(() => node.table.all.size === 2);
      await Promise.all([node.close(), node.close()]);
      await ready;
      await refused;
      await node.close();
      await nodes.stop("n1");
      // The lock of its folder is free, and the founding goes on from what it has recorded.
      await nodes.startAll();
    });
  });

  it("ends in the middle of the founding, and the cluster is founded all the same when it is back", async () => {
    await withNodes(async (nodes) => {
      await Promise.all(["n1", "n2", "n3"].map((id) => nodes.start(id)));
      await Promise.all(["n1", "n2"].map((id) => nodes.stop(id)));
      await Promise.all(["n1", "n2"].map((id) => nodes.start(id)));
      await nodes.put("n1", "key", "value");
      assert.equal(await nodes.get("n3", "key", "strong"), "value");
    });
  });

  it("tells twice at the same end: the second caller does not return before it", async () => {
    await withNodes(async (nodes) => {
      const node = await nodes.start("n1");
      void node.close();
      await node.close();
      await nodes.stop("n1");
      await nodes.start("n1");
    });
  });

  it("ends without its peers, and a write that waits for them is told that nobody knows", async () => {
    await withNodes(async (nodes) => {
      await nodes.startAll();
      await nodes.put("n1", "key", "before");
      await Promise.all(["n2", "n3"].map((id) => nodes.stop(id)));
      const writes = Array.from({ length: 20 }, (_, at) => nodes.putOnce("n1", `key ${at}`, "after"));
      const told = Promise.all(writes.map((write) => write.catch((failure: unknown) => failure)));
      await nodes.stop("n1");
      for (const failure of await told) assert.ok(failure instanceof TrefoilError, String(failure));
      await nodes.startAll();
      assert.equal(await nodes.get("n2", "key", "strong"), "before");
    });
  });

  it("ends while replicas are exchanged, and they are exchanged when it is back", async () => {
    await withNodes(async (nodes) => {
      await nodes.startAll();
      for (let at = 0; at < 20; at++) await nodes.put("n1", `key ${at}`, `value ${at}`);
      await nodes.stop("n2");
      await nodes.wipe("n2");
      await nodes.start("n2");
      const isExchanging = (): boolean => nodes.node("n2").keeper.map?.groups.some(({ exchange }) => exchange) === true;
      await nodes.until(isExchanging);
      await Promise.all(["n1", "n2"].map((id) => nodes.stop(id)));
      await Promise.all(["n1", "n2"].map((id) => nodes.start(id)));
      await nodes.until(() => {
        const { map } = nodes.node("n2").keeper;
        return map !== undefined && map.groups.every(({ exchange }) => exchange === undefined);
      });
      for (let at = 0; at < 20; at++) {
        await nodes.until(async () => (await nodes.get("n2", `key ${at}`, "fast")) === `value ${at}`);
      }
    });
  });
});
