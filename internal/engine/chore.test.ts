import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionFailure, assert as invariant } from "../base/assert.ts";
import { FaultRig } from "../../test/engine/fault-rig.ts";
import { compactionJob } from "./compaction/compaction-job.ts";

describe("chores", () => {
  it("end the process on a bug instead of taking it for trouble with the disk", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    const { run } = rig.seams.background;
    rig.seams.background.run = (job, input) => {
      if (job.name === compactionJob.name) invariant(false, "a planted bug");
      return run(job, input);
    };
    const stopped = nextUnhandled();
    await rig.table(3);
    await rig.table(3);
    const reason = await stopped;
    assert.ok(reason instanceof AssertionFailure, String(reason));
    // Where somebody keeps the process from ending, writers are told, and it can be closed.
    assert.equal(rig.engine.trouble?.code, "internal");
    await rig.engine.close();
  });
});

/** What would end the process. */
function nextUnhandled(): Promise<unknown> {
  const others = process.rawListeners("unhandledRejection") as ((reason: unknown) => void)[];
  process.removeAllListeners("unhandledRejection");
  return new Promise((resolve) => {
    process.once("unhandledRejection", (reason) => {
      for (const other of others) process.on("unhandledRejection", other);
      resolve(reason);
    });
  });
}
