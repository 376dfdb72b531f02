import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { describeBackground } from "../../test/disk/background-conformance.ts";
import { dieJob, echoJob, spinJob, urgentSetJob } from "../../test/disk/test-jobs.ts";

import { WorkerDied } from "../platform/background.ts";
import type { Job } from "../platform/background.ts";
import type { Clock } from "../platform/clock.ts";
import { RealDisk } from "./real-disk.ts";
import { WorkerBackground } from "./worker-background.ts";

const entry = new URL("../../test/disk/test-worker.js", import.meta.url);
const anything = { text: "", bytes: new Uint8Array(0), numbers: [] };

describeBackground(
  "worker thread",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-jobs-"));
    const dispose = (): Promise<void> => rm(folder, { recursive: true });
    return { background: new WorkerBackground({ entry }), disk: new RealDisk(), folder, dispose };
  },
  { interleaves: true },
);

describe("worker background", () => {
  it("holds jobs to the rate, but not urgent ones; a new rate acts at once", async () => {
    await using background = closing(new WorkerBackground({ entry }));
    const cells = new Int32Array(new SharedArrayBuffer(12));
    // One step of a gigabyte at this rate is paid for in days.
    background.limitRate(2048);
    const spin = background.run(spinJob, { cells, bytes: 2 ** 30 });
    await until(() => Atomics.load(cells, 0) === 1);
    for (let round = 0; round < 5; round++) {
      await background.run(urgentSetJob, { cells, at: 2 });
      assert.equal(Atomics.load(cells, 0), 1, "no second step under the limit");
    }
    background.limitRate(Number.POSITIVE_INFINITY);
    await until(() => Atomics.load(cells, 0) > 10);
    Atomics.store(cells, 1, 1);
    await spin;
  });

  it("a dead worker fails its jobs with an error that says so, and the next job gets a new one", async () => {
    await using background = closing(new WorkerBackground({ entry }));
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const spin = background.run(spinJob, { cells, bytes: 0 });
    const died = /background worker died while it had job (spin|die) to do: it exited with code 3/;
    await Promise.all([
      assert.rejects(spin, { name: "WorkerDied", message: died }),
      assert.rejects(background.run(dieJob, {}), { name: "WorkerDied", message: died }),
    ]);
    assert.equal((await background.run(echoJob, { ...anything, text: "alive" })).text, "alive");
  });

  it("a worker that dies again and again is left dead for a while", async () => {
    let now = 0;
    const clock: Clock = { wallMilliseconds: () => 0, monotonicMilliseconds: () => now };
    await using background = closing(new WorkerBackground({ entry, clock, deathsMax: 2 }));
    await assert.rejects(background.run(dieJob, {}), /died while/);
    now += 30_000;
    await assert.rejects(background.run(dieJob, {}), /died while/);
    await assert.rejects(background.run(echoJob, anything), (reason) => {
      assert.ok(reason instanceof WorkerDied);
      assert.match(reason.message, /died 2 times within a minute.*exited with code 3/);
      return true;
    });
    now += 30_000;
    await background.run(echoJob, anything);
  });

  it("a worker that cannot start, and a job that it does not know, are errors that say so", async () => {
    await using lost = closing(new WorkerBackground({ entry: new URL("./no-such-worker.js", import.meta.url) }));
    await assert.rejects(lost.run(echoJob, anything), /died while.*no-such-worker/);
    await using background = closing(new WorkerBackground({ entry }));
    const unknown: Job<object, void> = { name: "unknown", urgent: false, run: () => assert.fail("not here") };
    await assert.rejects(background.run(unknown, {}), /knows no such job \(name=unknown\)/);
  });
});

function closing(background: WorkerBackground): WorkerBackground & AsyncDisposable {
  return Object.assign(background, { [Symbol.asyncDispose]: () => background.close() });
}

/** Waits for a condition, turn by turn; the test runner's own limit bounds it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
