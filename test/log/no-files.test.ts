// No more files can be opened for a while: nothing was written or synced in vain then, so the log goes on when it has passed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import type { FaultCall } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { append, contents, group1, newWorld, open, rest, smallOptions, until } from "./harness.ts";

const options: Partial<LogOptions> = { ...smallOptions, retryMilliseconds: 10 };
const calls: readonly FaultCall[] = ["openFile", "syncFolder"];

describe("log: no file can be opened", () => {
  for (const call of calls) {
    it(`goes on when it has passed, ${call}, one failure wherever it comes`, async () => {
      let struck = 0;
      for (let when = 1; when <= 30; when++) {
        const memory = new MemoryDisk();
        const disk = new FaultDisk(memory, { random: new Prng(1) });
        const world = newWorld(memory, disk);
        const log = await open(world, options);
        const rule = disk.arm({ calls: [call], when, fault: { kind: "fail", failure: "exhausted" } });
        const group = log.group(group1);
        for (let at = 0; at < 60; at++) {
          const number = append(group, "x".repeat(1000));
          await until(() => (world.time.advance(10), log.written >= number), `entry ${at} after call ${when}`);
          const done = logIndex(Math.max(0, group.lastIndex - 3));
          group.flushed(done);
          group.compact(done);
          await rest(2);
        }
        struck += rule.struck;
        assert.equal(log.failure, undefined);
        await until(() => (world.time.advance(10), log.refusal === undefined), `call ${when} to be over`);
        const lines = await contents(group);
        assert.ok(lines.length > 0);
        await log.close();
        const again = await open(newWorld(memory.cloneAfterKill()), options);
        // What was let go of may be there once more.
        assert.deepEqual((await contents(again.group(group1))).slice(-lines.length), lines);
      }
      assert.ok(struck >= 10, `only ${struck} failures`);
    });
  }

  it("can be closed while it lasts", async () => {
    const memory = new MemoryDisk();
    const disk = new FaultDisk(memory, { random: new Prng(1) });
    const log = await open(newWorld(memory, disk), options);
    const group = log.group(group1);
    disk.arm({ calls, when: 1, times: Number.POSITIVE_INFINITY, fault: { kind: "fail", failure: "exhausted" } });
    while (log.refusal === undefined) {
      append(group, "x".repeat(1000));
      await rest(4);
    }
    assert.equal(log.refusal.code, "busy");
    await log.close();
  });

  it("is told as busy when it is opened", async () => {
    const memory = new MemoryDisk();
    await (await open(newWorld(memory), options)).close();
    const disk = new FaultDisk(memory, { random: new Prng(1) });
    disk.arm({ calls: ["openFile"], when: 1, fault: { kind: "fail", failure: "exhausted" } });
    await assert.rejects(open(newWorld(memory, disk), options), { code: "busy" });
  });
});
