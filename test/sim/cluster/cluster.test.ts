// A few runs of whole clusters, and what such runs have found, as scenes; `npm run sim` has more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import type { FsyncMode } from "../../../internal/log/options.ts";
import { Prng } from "../../../internal/base/prng.ts";
import { nothingSurvives } from "../../disk/power-cut.ts";
import { wholeRun } from "../run-plan.ts";
import { clusterLimits } from "./cluster-limits.ts";
import { tryCluster } from "./cluster-run.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import { compareGroups, isAtRest, stateInWords } from "./rest.ts";
import { SimWorld } from "./sim-world.ts";

const restMilliseconds = 30_000;

/** Three nodes of which nothing happens to but what a test does. */
class Scene {
  readonly world: SimWorld;
  readonly watch: ClusterWatch;

  constructor(seed: number, fsync: FsyncMode = { kind: "always" }) {
    const random = new Prng(seed);
    const drawn = clusterLimits(random.split("limits"));
    const limits = { ...drawn, names: ["n1", "n2", "n3"], diskFaults: false, log: { ...drawn.log, fsync } };
    // All of the log is there for who comes later.
    const replica = { ...limits.replica, entriesKept: 1000 };
    this.world = new SimWorld(random.split("world"), { ...limits, replica }, undefined);
    this.watch = new ClusterWatch(this.world, undefined);
  }

  machine(number: number) {
    const machine = this.world.machines[number - 1];
    assert.ok(machine !== undefined);
    return machine;
  }

  async run(milliseconds: number, isDone?: () => boolean): Promise<void> {
    const { time } = this.world;
    await time.runTo(time.now + milliseconds, () => {
      this.watch.check();
      return isDone?.() ?? false;
    });
  }

  async rest(): Promise<void> {
    await this.run(restMilliseconds, () => isAtRest(this.world, this.watch));
    assert.ok(isAtRest(this.world, this.watch), stateInWords(this.world, this.watch));
  }
}

describe("a whole cluster", () => {
  it("begins when its last founder has come, and not before", async () => {
    const scene = new Scene(1);
    scene.machine(1).start();
    scene.machine(2).start();
    await scene.run(5000);
    assert.equal(scene.watch.newest, undefined);
    scene.machine(3).start();
    await scene.rest();
    await compareGroups(scene.world, scene.watch);
  });

  it("takes a node whose disk was lost in again, as often as it is, and all replicas hold the same", async () => {
    const scene = new Scene(2);
    for (const machine of scene.world.machines) machine.start();
    await scene.rest();
    for (let times = 1; times <= 2; times++) {
      const { epoch } = scene.watch;
      // The others have met a later process than the first one on the new disk.
      scene.machine(2).crash(undefined);
      scene.machine(2).start();
      await scene.run(1000);
      scene.machine(2).loseDisk();
      scene.machine(2).start();
      await scene.run(restMilliseconds, () => scene.watch.epoch > epoch);
      await scene.rest();
      const replicas = scene.watch.newest?.groups.map(({ replicas: all }) => all.map(({ replica }) => replica));
      for (const ids of replicas ?? []) assert.equal(Math.max(...ids), 3 + times);
      await compareGroups(scene.world, scene.watch);
    }
  });

  it("does not go on with a disk that forgot what the node had said: rule 19", async () => {
    const scene = new Scene(3, { kind: "interval", milliseconds: 50 });
    for (const machine of scene.world.machines) machine.start();
    await scene.rest();
    scene.machine(2).crash(nothingSurvives());
    scene.machine(2).start();
    await scene.run(1000, () => scene.machine(2).isUntrusted);
    assert.ok(scene.machine(2).isUntrusted);
    await scene.rest();
    for (const { replicas } of scene.watch.newest?.groups ?? []) {
      assert.deepEqual(
        replicas.map(({ replica }) => replica),
        [1, 3, 4],
      );
    }
    await compareGroups(scene.world, scene.watch);
  });

  it("keeps its promises under faults", async () => {
    const outcome = await tryCluster(1);
    assert.ok(outcome.kind === "done", JSON.stringify(outcome));
    const { completed, succeeded, faults } = outcome.result;
    assert.ok(completed > 300 && succeeded * 2 > completed && faults > 5, `${completed} operations, ${faults} faults`);
  });

  it("does the same for one seed in another process", async () => {
    const plan = { ...wholeRun, faultMilliseconds: 20_000 };
    const outcome = await tryCluster(3, plan);
    const script = `import { tryCluster } from ${JSON.stringify(new URL("./cluster-run.js", import.meta.url).href)};
      import { wholeRun } from ${JSON.stringify(new URL("../run-plan.js", import.meta.url).href)};
      console.log((await tryCluster(3, { ...wholeRun, faultMilliseconds: 20_000 })).result.trace);`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
    assert.ok(outcome.kind === "done", JSON.stringify(outcome));
    assert.equal(printed.trim(), String(outcome.result.trace));
  });
});
