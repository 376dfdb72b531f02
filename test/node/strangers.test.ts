// A node that had met somebody before it belonged to a cluster, and he to another one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeId } from "../../internal/base/ids.ts";
import { GrpcNetwork } from "../../internal/grpc/grpc-network.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { hostOf } from "../contract/recording-host.ts";
import { RealNodes } from "./real-nodes.ts";

describe("a node whose cluster begins", () => {
  it("refuses those of another one that it had taken in", async () => {
    const nodes = await RealNodes.make();
    const seams = { clock: systemClock, scheduler: systemScheduler, logger: silentLogger };
    const network = new GrpcNetwork({ ...seams, address: undefined });
    try {
      const stranger = hostOf("n7", 1, "another");
      await network.listen(stranger);
      await nodes.start("n1");
      const met = network.peer(nodeId("n1"), nodes.addressOf("n1"));
      await nodes.until(() => met.life !== undefined);
      await Promise.all([nodes.start("n2"), nodes.start("n3")]);
      await nodes.until(() => /n1 belongs to cluster \w+, node n7 to "another"/.test(met.trouble ?? ""));
      assert.deepEqual(stranger.events.slice(1), [stranger.events[0]?.replace("up", "down")]);
    } finally {
      await network.close();
      await nodes.end();
    }
  });
});
