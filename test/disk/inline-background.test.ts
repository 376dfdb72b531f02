import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import { utf8 } from "../../internal/base/bytes.ts";
import { describeBackground, type BackgroundUnderTest } from "./background-conformance.ts";
import { InlineBackground, type InlineBackgroundOptions } from "./inline-background.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { nothingSurvives } from "./power-cut.ts";
import { copyJob, echoJob, plainSetJob, urgentSetJob } from "./test-jobs.ts";

function make(options: InlineBackgroundOptions): () => Promise<BackgroundUnderTest> {
  return async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder("/data");
    return {
      background: new InlineBackground(disk.jobs, options),
      disk,
      folder: "/data",
      dispose: async () => undefined,
    };
  };
}

const inTurns: InlineBackgroundOptions = { random: new Prng(5), schedule: (step) => void setImmediate(step) };

describeBackground("inline, sliced by a seed", make(inTurns), { interleaves: true });
describeBackground("inline, each to its end", make({}), { interleaves: false });
describeBackground("inline, sliced between microtasks", make({ random: new Prng(5) }), { interleaves: false });

describe("inline background", () => {
  it("the seed decides the order of steps, and nothing else does", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const first = await orderOf(seed);
      assert.equal(await orderOf(seed), first, `seed ${seed}`);
      orders.add(first);
    }
    assert.ok(orders.size > 5, `${orders.size} orders`);
  });

  it("urgent jobs end first, whatever the seed", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const background = new InlineBackground(new MemoryDisk().jobs, { random: new Prng(seed) });
      const cells = new Int32Array(4);
      await Promise.all([
        background.run(plainSetJob, { cells, at: 1 }),
        background.run(urgentSetJob, { cells, at: 2 }),
        background.run(plainSetJob, { cells, at: 3 }),
      ]);
      assert.equal(background.finished[0], "urgent-set");
      assert.equal(background.bytesWritten, 9 * 2 ** 30);
    }
  });

  it("holds jobs until it is told to go on", async () => {
    const background = new InlineBackground(new MemoryDisk().jobs);
    background.hold();
    const run = background.run(echoJob, { text: "late", bytes: new Uint8Array(0), numbers: [] });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.equal(background.runningCount, 1);
    background.resume();
    assert.equal((await run).text, "late");
    assert.equal(background.runningCount, 0);
  });

  it("when the power goes its jobs stop where they are, and nothing comes back", async () => {
    for (const options of [{}, { random: new Prng(1) }]) {
      const disk = new MemoryDisk();
      disk.put("/a", new Uint8Array(10_000).fill(1));
      disk.cutPowerAt(4);
      const background = new InlineBackground(disk.jobs, options);
      const ends: string[] = [];
      const watch = (run: Promise<unknown>): void => {
        run.then(
          () => ends.push("done"),
          () => ends.push("failed"),
        );
      };
      watch(background.run(copyJob, { from: "/a", to: "/b", stepBytes: 1000 }));
      watch(background.run(copyJob, { from: "/a", to: "/c", stepBytes: 1000 }));
      await disk.whenCut;
      watch(background.run(echoJob, { text: "", bytes: utf8(""), numbers: [] }));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      assert.deepEqual(ends, []);
      assert.equal(disk.operations, 4);
      assert.deepEqual(await disk.clone(nothingSurvives()).list("/"), ["a"]);
    }
  });
});

async function orderOf(seed: number): Promise<string> {
  const disk = new MemoryDisk();
  disk.put("/a", new Uint8Array(50));
  disk.startTrace("/");
  const background = new InlineBackground(disk.jobs, { random: new Prng(seed) });
  const copies = ["/b", "/c", "/d"].map((to) => background.run(copyJob, { from: "/a", to, stepBytes: 20 }));
  await Promise.all(copies);
  return disk.takeTrace().join("; ");
}
