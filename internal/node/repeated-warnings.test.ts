import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId } from "../base/ids.ts";
import type { LogFields } from "../platform/logger.ts";
import { silentLogger } from "../platform/logger.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { RepeatedWarnings } from "./repeated-warnings.ts";

function opened() {
  const time = new VirtualTime();
  const lines: [string, LogFields | undefined][] = [];
  const logger = { ...silentLogger, warn: (message: string, fields?: LogFields) => void lines.push([message, fields]) };
  const warnings = new RepeatedWarnings({ logger, scheduler: new NodeClock(time) });
  return { time, warnings, taken: () => lines.splice(0) };
}

describe("warnings of replicas", () => {
  it("come once for each cause and peer, and after a while with the count of what was left out", async () => {
    const { time, warnings, taken } = opened();
    for (let at = 1; at <= 1000; at++) {
      warnings.warn("refused", { from: 2, why: `append: entry ${at} behind ${at}` });
      if (at % 2 === 0) warnings.warn("refused", { from: 3, why: "a second leader in one term" });
    }
    assert.deepEqual(taken(), [
      ["refused", { from: 2, why: "append: entry 1 behind 1" }],
      ["refused", { from: 3, why: "a second leader in one term" }],
    ]);
    await time.runTo(10_000);
    assert.deepEqual(taken(), [
      ["refused", { from: 2, why: "append: entry 1000 behind 1000", repeated: 999 }],
      ["refused", { from: 3, why: "a second leader in one term", repeated: 499 }],
    ]);
    warnings.warn("refused", { from: 3, why: "a second leader in one term" });
    await time.runTo(20_000);
    assert.deepEqual(taken(), [["refused", { from: 3, why: "a second leader in one term", repeated: 1 }]]);
    await time.runTo(40_000);
    assert.deepEqual(taken(), [], "what has ended is not told again");
    warnings.warn("refused", { from: 3, why: "a second leader in one term" });
    assert.equal(taken().length, 1, "and begins anew");
  });

  it("are told for each group by itself, and name it", () => {
    const { warnings, taken } = opened();
    for (const group of [0, 3]) {
      for (let at = 0; at < 3; at++) warnings.of(groupId(group)).warn("refused", { from: 1 });
    }
    assert.deepEqual(taken(), [
      ["refused", { group: 0, from: 1 }],
      ["refused", { group: 3, from: 1 }],
    ]);
    warnings.close();
    assert.deepEqual(taken(), [
      ["refused", { group: 0, from: 1, repeated: 2 }],
      ["refused", { group: 3, from: 1, repeated: 2 }],
    ]);
  });

  it("have a bound, however many causes there are", () => {
    const { warnings, taken } = opened();
    for (let from = 0; from < 10_000; from++) warnings.warn("refused", { from });
    assert.ok(taken().length <= 257);
    warnings.close();
    assert.deepEqual(taken(), [["refused", { from: 9999, repeated: 10_000 - 257 }]]);
  });
});
