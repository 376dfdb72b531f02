// A leader whose process stood still, or whose machine slept, while the others went on without it: it does not know how late it is,
// and what it takes may come back too late to have an effect.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Replica } from "../../internal/replica/replica.ts";
import { accepted, put, Rig } from "./rig.ts";

const windowMilliseconds = 4000;

/** Node 1 leads, and has its quorum as far as it knows. */
async function open(): Promise<{ rig: Rig; sleeper: Replica }> {
  const rig = await Rig.open({ replica: { salvageWindowMilliseconds: windowMilliseconds } });
  const sleeper = await rig.elect(1);
  await rig.level();
  return { rig, sleeper };
}

/** Node 1 stands still for a while; the others do not. */
async function sleep({ rig, sleeper }: { rig: Rig; sleeper: Replica }, milliseconds: number): Promise<void> {
  rig.node(1).replica = undefined;
  await rig.ticks(milliseconds / 10);
  rig.node(1).replica = sleeper;
}

const fast = (replica: Replica): string => {
  const proposed = replica.propose("fast", () => put("a", "1"));
  return proposed.kind === "refused" ? proposed.why : proposed.kind;
};

describe("a leader that has just woken", () => {
  it("rule 10: takes no fast write before anything told it how long it was away", async () => {
    const woken = await open();
    await sleep(woken, 2500);
    assert.equal(woken.sleeper.status.hasQuorum, true);
    assert.equal(fast(woken.sleeper), "no_quorum");
    await woken.rig.close();
  });

  it("rule 10: takes none after its first ticks, or after answers that waited for it", async () => {
    const woken = await open();
    const { rig, sleeper } = woken;
    const waited: Parameters<Replica["receive"]>[0][] = [];
    rig.passes = (message) => {
      if (message.type === "heartbeat_answer" && message.to === 1) waited.push(message);
      return message.to !== 1;
    };
    while (waited.length === 0) await rig.ticks(1);
    await sleep(woken, 2500);
    for (const message of waited) sleeper.receive(message);
    sleeper.tick();
    assert.equal(sleeper.status.hasQuorum, true);
    assert.equal(fast(sleeper), "no_quorum");
    await rig.close();
  });

  it("rule 10: does not answer as done what it took before", async () => {
    const { rig, sleeper } = await open();
    rig.isolate(1);
    const { outcome } = accepted(sleeper.propose("fast", () => put("a", "1")));
    rig.time.now += 2500;
    assert.equal((await rig.answer(outcome)).kind, "unknown");
    await rig.close();
  });

  it("rule 10: goes by the wall clock where the monotonic one stood still, and takes fast writes again with its quorum", async () => {
    const { rig, sleeper } = await open();
    rig.node(1).skew = 2500;
    assert.equal(fast(sleeper), "no_quorum");
    await rig.ticks(20);
    assert.equal(fast(sleeper), "accepted");
    await rig.close();
  });
});
