// A node of a simulated cluster whose clock is wrong: it and the others say so, and all go on.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../../internal/base/prng.ts";
import { clusterLimits } from "./cluster-limits.ts";
import type { Machine } from "./machine.ts";
import { SimWorld } from "./sim-world.ts";

const troubleAt = ({ node }: Machine): string => node?.clocks.trouble ?? "";

describe("a node whose clock differs from its peers' by more than --max-clock-skew", () => {
  it("says so, as they do, until it differs no more", async () => {
    const random = new Prng(5);
    const limits = { ...clusterLimits(random.split("limits")), names: ["n1", "n2", "n3"], diskFaults: false };
    const world = new SimWorld(random.split("world"), limits, undefined);
    const { machines, time } = world;
    const until = async (isSo: () => boolean): Promise<void> => {
      await time.runTo(time.now + 60_000, isSo);
      assert.ok(isSo(), machines.map(troubleAt).join("; "));
    };
    for (const machine of machines) machine.start();
    const [one, two, three] = machines as readonly [Machine, Machine, Machine];
    await until(() => machines.every(({ node }) => node?.clocks.distances.length === 2));
    assert.deepEqual(machines.map(troubleAt), ["", "", ""]);
    world.setClock(two, 2500);
    await until(() => troubleAt(two).endsWith("this node's clock is the one to look at"));
    await until(() => [one, three].every((each) => troubleAt(each).startsWith("n2 is 2")));
    world.heal();
    await until(() => machines.every((each) => troubleAt(each) === ""));
  });
});
