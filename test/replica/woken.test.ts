// A leader whose process stood still, or whose machine slept, while the others went on without it: it does not know how late it is,
// and what it takes may come back too late to have an effect.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
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

/** Node 1 stands still until another leads; returns who, and what was sent to node 1 meanwhile. */
async function oversleep(rig: Rig): Promise<{ leader: number; waited: ReplicaMessage[] }> {
  const sleeper = rig.replica(1);
  const waited: ReplicaMessage[] = [];
  rig.passes = (message) => {
    if (message.to === 1) waited.push(message);
    return message.to !== 1;
  };
  rig.node(1).replica = undefined;
  await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
  await rig.ticks(10);
  const leader = rig.leader as number; // what was waited for
  rig.node(1).replica = sleeper;
  return { leader, waited };
}

const turns = async (count: number): Promise<void> => {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
};

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

  it("rule 10: does not answer as done what it slept over because a newer term is heard first", async () => {
    const rig = await Rig.open({ replica: { salvageWindowMilliseconds: windowMilliseconds } });
    rig.node(1).crash("all");
    const faults = new FaultDisk(rig.node(1).disk, { scheduler: rig.time });
    rig.node(1).see = () => faults;
    await rig.node(1).start();
    const sleeper = await rig.elect(1);
    await rig.write(1, "strong", put("a", "before"));
    await rig.level();
    faults.arm({ calls: ["write"], path: /log/, when: 1, times: 1, fault: { kind: "delay", milliseconds: 5600 } });
    const { outcome, version } = accepted(sleeper.propose("fast", () => put("a", "1")));
    const told: string[] = [];
    void outcome.then(({ kind }) => told.push(kind));
    rig.passes = () => false;
    await turns(50);
    const { leader, waited } = await oversleep(rig);
    rig.node(1).replica = undefined;
    for (let count = 0; count < 20; count++) {
      await rig.write(leader, "strong", put("b", String(count)));
      await rig.ticks(25);
    }
    rig.node(1).replica = sleeper;
    const news = waited.findLast(({ type }) => type === "heartbeat");
    assert.ok(news !== undefined);
    sleeper.receive(news);
    await turns(2);
    while (told.length === 0) {
      rig.time.advance(10);
      await turns(50);
    }
    rig.passes = () => true;
    await rig.ticks(300);
    assert.equal(await rig.replica(leader).receiptOf(version), "lost");
    assert.deepEqual(told, ["unknown"]);
    await rig.close();
  });

  it("rule 2: does not hold the watermark for ever when it takes a write and is overtaken in one turn", async () => {
    const { rig, sleeper } = await open();
    const { leader, waited } = await oversleep(rig);
    rig.passes = () => true;
    // It was away for long, so fast ones are refused: a strong one, discarded before the log ever had it.
    accepted(sleeper.propose("strong", () => put("a", "1")));
    for (const message of waited) if (message.type === "append" && message.from === leader) sleeper.receive(message);
    await rig.rest();
    await rig.level();
    const lead = rig.replica(leader);
    const before = lead.state.watermark;
    for (let count = 0; count < 10; count++) {
      await rig.write(leader, "strong", put("b", String(count)));
      await rig.ticks(100);
    }
    assert.equal(sleeper.hasSalvage, false);
    assert.ok(lead.state.watermark > before, "the watermark rises");
    assert.ok(lead.isWithAll(lead.state.last.index), "a seal would be complete");
    await rig.close();
  });
});
