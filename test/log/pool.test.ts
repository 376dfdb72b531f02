// The log on a real disk whose thread pool is busy with other jobs: what the log writes and syncs goes past
// them, in every mode.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { FsyncMode } from "../../internal/log/options.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { append, contents, group1 } from "./harness.ts";

const modes: readonly FsyncMode[] = [{ kind: "always" }, { kind: "interval", milliseconds: 5 }];
/** A log that waits for the other jobs would wait for ever: then they end, and the test says what it saw. */
const patienceMilliseconds = 10_000;

describe("log: a busy thread pool", () => {
  for (const fsync of modes) {
    it(`does not hold up commits and syncs, fsync ${fsync.kind}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "trefoil-log-"));
      // One job other than the log's at a time.
      const disk = new RealDisk({ poolThreads: 3 });
      const seams = {
        disk,
        clock: systemClock,
        scheduler: systemScheduler,
        background: new InlineBackground(disk.jobs),
      };
      const log = await openLog(`${folder}/log`, seams, { fsync, segmentBytes: 65_536 });
      const group = log.group(group1);
      await log.whenDurable(append(group, "before"));
      const jam = jamPool(disk, folder);
      const patience = setTimeout(jam.release, patienceMilliseconds);
      for (let round = 0; round < 3; round++) {
        await log.whenDurable(append(group, `entry ${round}`));
        await log.whenWritten(group.setHardState({ term: term(round + 2), vote: 1, commit: logIndex(0) }));
      }
      assert.equal(jam.isOver(), false, "the log waited for other jobs");
      clearTimeout(patience);
      jam.release();
      await jam.ended;
      assert.equal((await contents(group)).length, 4);
      await log.close();
      await rm(folder, { recursive: true });
    });
  }
});

interface Jam {
  isOver(): boolean;
  release(): void;
  readonly ended: Promise<unknown>;
}

/** A job in the pool that does not end, and more behind it: a pipe is opened only when its other end is. */
function jamPool(disk: RealDisk, folder: string): Jam {
  const pipe = `${folder}/pipe`;
  execFileSync("mkfifo", [pipe]);
  let isOver = false;
  const reader = disk.openFile(pipe, { access: "read", create: "may" }).then(async (file) => {
    isOver = true;
    await file.close();
  });
  const crowd = Array.from({ length: 20 }, () => disk.sizeOf(folder));
  return {
    isOver: () => isOver,
    release: () => closeSync(openSync(pipe, "w")),
    ended: Promise.all([reader, ...crowd]),
  };
}
