// Turns of a simulated process: what meets in one, and what does not.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NodeClock, VirtualTime } from "./virtual-time.ts";
import type { Turns } from "./virtual-time.ts";

/** What a process does at moments that are given; "end" stands at the end of each of its turns. */
async function told(
  turns: Turns | undefined,
  moments: readonly number[],
  also?: (clock: NodeClock, time: VirtualTime) => void,
): Promise<string> {
  const time = new VirtualTime();
  const clock = new NodeClock(time, undefined, turns);
  const seen: string[] = [];
  let isEndDue = false;
  const act = (name: string): void => {
    seen.push(name);
    void Promise.resolve().then(() => seen.push(`${name}'`));
    if (isEndDue) return;
    isEndDue = true;
    clock.afterTurn(() => {
      isEndDue = false;
      seen.push(`end at ${time.now}`);
    });
  };
  for (const moment of moments) time.at(moment, () => clock.live(() => act(String(moment))));
  also?.(clock, time);
  await time.runTo(1000);
  await time.settle();
  return seen.join(" ");
}

describe("turns of a simulated process", () => {
  it("are one for each event where they take no time", async () => {
    assert.equal(await told(undefined, [1, 2]), "1 1' end at 1 2 2' end at 2");
  });

  it("take in what came during the one before, with promises that drain at their end or in between", async () => {
    const moments = [1, 2, 3, 20];
    const together = await told({ milliseconds: 10, drains: false }, moments);
    assert.equal(together, "1 1' end at 1 2 3 2' 3' end at 11 20 20' end at 21");
    const apart = await told({ milliseconds: 10, drains: true }, moments);
    assert.equal(apart, "1 1' end at 1 2 2' 3 3' end at 11 20 20' end at 21");
  });

  it("take in all that a pause held back, in the order in which it came", async () => {
    const paused = await told(undefined, [1, 3, 4, 50], (clock, time) => time.at(2, () => clock.pause(48)));
    assert.equal(paused, "1 1' end at 1 3 4 50 3' 4' 50' end at 50");
  });

  it("go on after a pause that came within them", async () => {
    const paused = await told(undefined, [1, 5], (clock) => clock.pauseWithinTurn(30, 9));
    assert.equal(paused, "1 1' end at 31 5 5' end at 31");
    const turns = { milliseconds: 10, drains: false };
    const between = await told(turns, [1, 2, 3, 4, 6, 20], (clock, time) =>
      time.at(5, () => clock.pauseWithinTurn(30, 2)),
    );
    assert.equal(between, "1 1' end at 1 2 3 2' 3' 4 6 4' 6' end at 41 20 20' end at 51");
  });

  it("are none for a process that has ended, and leave out timers that they cancel", async () => {
    const ended = await told({ milliseconds: 10, drains: false }, [1, 2], (clock, time) =>
      time.at(5, () => (clock.isDead = true)),
    );
    assert.equal(ended, "1 1' end at 1");
    const time = new VirtualTime();
    const clock = new NodeClock(time, undefined, { milliseconds: 10, drains: false });
    const seen: string[] = [];
    clock.live(() => seen.push("begin"));
    time.at(2, () => clock.live(() => timer.cancel()));
    const timer = clock.after(3, () => seen.push("timer"));
    await time.runTo(100);
    assert.deepEqual(seen, ["begin"]);
  });
});

describe("the simulator's time", () => {
  it("does not go on with what makes more and more of itself", async () => {
    const time = new VirtualTime();
    const breed = (): void => {
      // Without the bound it ends all the same, and the test fails.
      if (time.events > 500_000) return;
      time.after(0.1, breed);
      time.after(0.1, breed);
    };
    breed();
    await assert.rejects(time.runTo(60_000), /storm: more than \d+ events in second 0/);
  });
});
