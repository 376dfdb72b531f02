// Nodes that begin with an empty data folder while their cluster exists: one whose disk was replaced, a founder among them, and one
// that joins. Over real sockets and disks.

import assert from "node:assert/strict";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { nodeId } from "../../internal/base/ids.ts";
import { nodeOf } from "../../internal/cluster/cluster-map.ts";
import type { ClusterMap } from "../../internal/cluster/cluster-map.ts";
import { parseFileName } from "../../internal/engine/file-names.ts";
import { StartWatch } from "../../internal/node/start-watch.ts";
import { systemClock } from "../../internal/os/system-clock.ts";
import { turnABit } from "../support/turned-bit.ts";
import { RealNodes } from "./real-nodes.ts";

const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`);

async function withNodes(count: number, run: (nodes: RealNodes) => Promise<void>): Promise<void> {
  const nodes = await RealNodes.make(count);
  try {
    await nodes.startAll();
    for (const [at, key] of keys.entries()) await nodes.put(`n${1 + (at % 3)}`, key, `value of ${key}`);
    await run(nodes);
    assert.deepEqual(nodes.failures, []);
  } finally {
    await nodes.end();
  }
}

const isExchanged = ({ groups }: ClusterMap, id: string): boolean =>
  groups.every(({ replicas, exchange }) => {
    const own = replicas.find(({ node }) => node === id);
    return exchange === undefined && own?.replica === 4;
  });

/** Every replica on the node `id` is another one than before, and has all there is; until then others are asked. */
async function isWholeAgain(nodes: RealNodes, id: string, others: "have all" | "begin, too"): Promise<void> {
  const node = nodes.node(id);
  const reads = async (key: string): Promise<boolean> => (await nodes.get(id, key, "fast")) === `value of ${key}`;
  const watch = new StartWatch(node.watched, systemClock);
  await node.whenReady();
  watch.allOpen();
  await nodes.until(async () => {
    for (const key of keys) assert.ok((await reads(key)) || others === "begin, too", "it is being filled");
    return watch.look();
  });
  for (const replica of node.groups.all.values()) assert.ok(replica.isWhole && replica.id === 4, "it is ready");
  await nodes.until(() => node.keeper.map !== undefined && isExchanged(node.keeper.map, id));
  await nodes.until(() => [...node.groups.all.values()].length === 5);
  for (const replica of node.groups.all.values()) {
    assert.equal(replica.id, 4, "under its old id it may have voted");
    await nodes.until(() => replica.status.configuration.voters.includes(replica.id));
  }
  for (const key of keys) await nodes.until(() => reads(key));
  // With the other two it is a majority of what was there before, and one is enough beside it now.
  const [first] = ["n1", "n2", "n3"].filter((other) => other !== id);
  assert.ok(first !== undefined);
  await nodes.stop(first);
  for (const key of keys) assert.equal(await nodes.get(id, key, "strong"), `value of ${key}`);
  await nodes.put(id, "afterwards", "too");
}

describe("a node with an empty data folder", () => {
  it("gets replicas under new ids with all that was there, when its disk was lost", async () => {
    await withNodes(3, async (nodes) => {
      await nodes.stop("n2");
      await nodes.start("n2");
      await nodes.node("n2").whenReady();
      await nodes.stop("n2");
      await nodes.wipe("n2");
      await nodes.put("n1", keys[0] ?? "", `value of ${keys[0]}`);
      await nodes.start("n2");
      await isWholeAgain(nodes, "n2", "have all");
    });
  });

  it("is what it gives itself when its log was found damaged: what it had is set aside", async () => {
    await withNodes(3, async (nodes) => {
      await nodes.stop("n2");
      await turnABit(join(nodes.folder, "n2", "log", "00000001.log"));
      await nodes.put("n1", keys[0] ?? "", `value of ${keys[0]}`);
      const before = new Set(await readdir(join(nodes.folder, "n2")));
      await nodes.start("n2");
      const after = new Set(await readdir(join(nodes.folder, "n2")));
      for (const name of ["damaged-log", "damaged-engine", "damaged-trefoil-node"]) {
        assert.ok(!before.has(name) && after.has(name), `${name}: it is not thrown away`);
      }
      await isWholeAgain(nodes, "n2", "have all");
    });
  });

  it("is what it gives itself when a table is damaged: whoever meets that ends the process, and the next one sets aside what there is", async () => {
    await withNodes(3, async (nodes) => {
      await nodes.node("n2").leave(5000);
      await nodes.stop("n2");
      const engine = join(nodes.folder, "n2", "engine");
      const tables = (await readdir(engine)).filter((name) => parseFileName(name)?.kind === "table");
      assert.ok(tables.length > 0, "what is in memory becomes tables when a node stops");
      for (const name of tables) await turnABit(join(engine, name));
      await nodes.start("n2");
      await nodes.untilOneFails();
      await nodes.stop("n2");
      const [failure] = nodes.failures.splice(0);
      assert.match(failure?.message ?? "", /checksum .*; start the node again: it sets aside what it had stored/);
      await nodes.start("n2");
      assert.ok((await readdir(join(nodes.folder, "n2"))).includes("damaged-engine"));
      await isWholeAgain(nodes, "n2", "have all");
    });
  });

  it("is refused when only its log or only its records are gone: under its old ids it would break promises", async () => {
    await withNodes(3, async (nodes) => {
      for (const part of ["log", "engine"]) {
        await nodes.stop("n2");
        const kept = join(nodes.folder, "kept");
        await rename(join(nodes.folder, "n2", part), kept);
        await assert.rejects(nodes.start("n2"), (failure: Error) => failure.message.includes(`n2/${part} is gone`));
        await rename(kept, join(nodes.folder, "n2", part));
        await nodes.start("n2");
        await nodes.node("n2").whenReady();
      }
      for (const key of keys) assert.equal(await nodes.get("n2", key, "strong"), `value of ${key}`);
    });
  });

  it("founds no second cluster when it is a founder, and the others were started anew meanwhile", async () => {
    await withNodes(3, async (nodes) => {
      const cluster = nodes.node("n1").keeper.map?.cluster;
      for (const id of ["n1", "n2", "n3"]) await nodes.stop(id);
      await nodes.wipe("n1");
      await Promise.all(["n1", "n2", "n3"].map((id) => nodes.start(id)));
      await isWholeAgain(nodes, "n1", "begin, too");
      assert.equal(nodes.node("n1").keeper.map?.cluster, cluster);
    });
  });

  it("joins through whoever it is told of, and serves every key", async () => {
    await withNodes(4, async (nodes) => {
      const node = await nodes.start("n4", { peers: new Map(), seeds: [nodes.addressOf("n2")], zone: "b" });
      await node.whenReady();
      for (const id of ["n1", "n2", "n3", "n4"]) {
        await nodes.until(() => {
          const { map } = nodes.node(id).keeper;
          return map !== undefined && nodeOf(map, nodeId("n4"))?.zone === "b";
        });
      }
      for (const key of keys) assert.equal(await nodes.get("n4", key, "strong"), `value of ${key}`);
      await nodes.put("n4", "from the newcomer", "hello");
      assert.equal(await nodes.get("n1", "from the newcomer", "strong"), "hello");
      await nodes.stop("n4");
      await nodes.start("n4", { peers: new Map(), seeds: [nodes.addressOf("n1")], zone: "b" });
      assert.equal(await nodes.get("n4", "from the newcomer", "strong"), "hello");
    });
  });
});
