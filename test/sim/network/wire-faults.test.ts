// Each fault of the simulated wires by itself, and what the processes at both ends get to know of it, when.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../../internal/base/bytes.ts";
import { Prng } from "../../../internal/base/prng.ts";
import type { Peer, RequestOutcome } from "../../../internal/platform/network.ts";
import { hostOf, type RecordingHost } from "../../contract/recording-host.ts";
import { NodeClock, VirtualTime } from "../virtual-time.ts";
import { NodeNetwork } from "./node-network.ts";
import { addressLink, Wires } from "./wires.ts";

interface Side {
  readonly host: RecordingHost;
  readonly clock: NodeClock;
  readonly network: NodeNetwork;
}

const there = addressLink("n1:1", "n2:1");
const back = addressLink("n2:1", "n1:1");

class Pair {
  readonly time = new VirtualTime();
  readonly wires: Wires;
  readonly one: Side;
  readonly other: Side;
  readonly peer: Peer;
  private readonly random = new Prng(1);

  constructor(mayScatter = false) {
    this.wires = new Wires({ time: this.time, chance: this.random.split("wires"), mayScatter: () => mayScatter });
    this.one = this.start("n1", 1);
    this.other = this.start("n2", 1);
    this.peer = this.one.network.peer(this.other.host.own.node, "n2:1");
    this.other.network.peer(this.one.host.own.node, "n1:1");
  }

  start(name: string, life: number): Side {
    const { time, wires } = this;
    const clock = new NodeClock(time);
    const host = hostOf(name, life);
    const chance = this.random.split(`${name} ${life}`);
    const network = new NodeNetwork({ wires, address: `${name}:1`, clock, chance });
    void network.listen(host);
    return { host, clock, network };
  }

  static async up(mayScatter = false): Promise<Pair> {
    const pair = new Pair(mayScatter);
    await pair.run(1000);
    assert.deepEqual(pair.events, [["up n2 1"], ["up n1 1"]]);
    return pair;
  }

  run(milliseconds: number): Promise<void> {
    return this.time.runTo(this.time.now + milliseconds);
  }

  get events(): string[][] {
    return [this.one.host.events, this.other.host.events];
  }

  end(side: Side, isPowerCut: boolean): void {
    side.clock.isDead = true;
    side.network.crash(isPowerCut);
  }

  ask(timeoutMilliseconds = 10_000): { outcome: RequestOutcome | undefined } {
    const asked: { outcome: RequestOutcome | undefined } = { outcome: undefined };
    void this.peer.request(utf8("a"), { timeoutMilliseconds, trace: "" }).then((outcome) => {
      asked.outcome = outcome;
      return undefined;
    });
    return asked;
  }
}

describe("faults of the simulated wires", () => {
  it("a process that is killed is told as down at once", async () => {
    const pair = await Pair.up();
    pair.end(pair.other, false);
    await pair.run(25);
    assert.deepEqual(pair.one.host.events, ["up n2 1", "down n2 1"]);
    await pair.run(1000);
    assert.match(pair.peer.trouble ?? "", /nobody listens at n2:1/);
  });

  it("a machine without power is told as down when its silence is noticed, and so is nobody's answer", async () => {
    const pair = await Pair.up();
    pair.end(pair.other, true);
    await pair.run(1400);
    assert.deepEqual(pair.one.host.events, ["up n2 1"]);
    await pair.run(1200);
    assert.deepEqual(pair.one.host.events, ["up n2 1", "down n2 1"]);
    await pair.run(6000);
    assert.match(pair.peer.trouble ?? "", /no answer from n2:1 within 3000 ms/);
    pair.start("n2", 2);
    await pair.run(4000);
    assert.deepEqual(pair.one.host.events, ["up n2 1", "down n2 1", "up n2 2"]);
  });

  it("the connections of a process that is back at once are no longer believed in when it is heard of", async () => {
    const pair = await Pair.up();
    pair.end(pair.other, true);
    const next = pair.start("n2", 2);
    next.network.peer(pair.one.host.own.node, "n1:1");
    await pair.run(100);
    assert.deepEqual(pair.one.host.events, ["up n2 1", "down n2 1", "up n2 2"]);
  });

  for (const loses of [false, true]) {
    it(`of two streams one may break ${loses ? "with" : "behind"} what is on its way, and nobody is down`, async () => {
      const pair = await Pair.up();
      const streams = pair.wires.between("n1:1", "n2:1");
      assert.equal(streams.length, 2);
      for (const stream of streams) {
        stream.breakOff(loses);
        await pair.run(100);
        assert.equal(pair.wires.between("n1:1", "n2:1").length, 2, "it was not dialled again");
      }
      assert.deepEqual(pair.events, [["up n2 1"], ["up n1 1"]]);
      const asked = pair.ask();
      await pair.run(10);
      assert.equal(asked.outcome?.kind, "answered");
    });
  }

  it("whoever alone loses its connections is back before the other one knows", async () => {
    const pair = await Pair.up();
    for (const stream of pair.wires.streams) stream.breakHalf(stream.ends[0].address === "n1:1" ? 0 : 1);
    await pair.run(200);
    assert.equal(pair.wires.counts.get("replaced"), 1);
    assert.deepEqual(pair.events, [["up n2 1", "down n2 1", "up n2 1"], ["up n1 1"]]);
    await pair.run(4000);
    assert.deepEqual(pair.other.host.events, ["up n1 1"]);
    assert.equal(pair.wires.streams.size, 2);
  });

  it("a broken connection takes what is on its way, or what comes behind it", async () => {
    const arrived: number[] = [];
    for (const loses of [false, true]) {
      const pair = await Pair.up();
      pair.peer.send("ordinary", utf8("on its way"));
      await pair.run(0);
      for (const stream of pair.wires.streams) stream.breakOff(loses);
      pair.peer.send("ordinary", utf8("behind it"));
      await pair.run(100);
      arrived.push(pair.other.host.messages.length);
      assert.equal(pair.one.host.events.length, 3);
    }
    assert.deepEqual(arrived, [1, 0]);
  });

  it("a short cut delays what is said, and takes nothing", async () => {
    const pair = await Pair.up();
    pair.wires.cut(there);
    for (let number = 0; number < 100; number++) {
      pair.peer.send("ordinary", utf8(String(number)));
      await pair.run(10);
    }
    const asked = pair.ask();
    await pair.run(100);
    assert.deepEqual([pair.other.host.messages.length, asked.outcome], [0, undefined]);
    pair.wires.mend(there);
    await pair.run(300);
    assert.deepEqual(
      pair.other.host.texts.map(Number),
      Array.from({ length: 100 }, (_, number) => number),
    );
    assert.equal(asked.outcome?.kind, "answered");
    assert.deepEqual(pair.events, [["up n2 1"], ["up n1 1"]]);
  });

  for (const links of [[there], [back], [there, back]]) {
    it(`a long cut of ${links.join(" and ")} is told to both, and mends`, async () => {
      const pair = await Pair.up();
      const asked = [pair.ask(), pair.ask(100)];
      for (const link of links) pair.wires.cut(link);
      await pair.run(3200);
      assert.deepEqual(pair.events, [
        ["up n2 1", "down n2 1"],
        ["up n1 1", "down n1 1"],
      ]);
      assert.deepEqual(
        asked.map(({ outcome }) => outcome),
        [
          { kind: "unknown", why: "lost" },
          { kind: "unknown", why: "late" },
        ],
      );
      for (const link of links) pair.wires.mend(link);
      await pair.run(6000);
      assert.deepEqual(
        pair.events.map((events) => events.length),
        [3, 3],
      );
    });
  }

  it("a process that is paused for a moment is not lost, and for long it is", async () => {
    const pair = await Pair.up();
    pair.other.clock.pause(1000);
    const asked = pair.ask();
    const kinds = [];
    for (const milliseconds of [990, 20]) {
      await pair.run(milliseconds);
      kinds.push(asked.outcome?.kind);
    }
    assert.deepEqual(kinds, [undefined, "answered"]);
    assert.equal(pair.one.host.events.length, 1);
    pair.other.clock.pause(4000);
    await pair.run(2600);
    assert.deepEqual(pair.events, [["up n2 1", "down n2 1"], ["up n1 1"]]);
    await pair.run(6000);
    assert.deepEqual(pair.events, [
      ["up n2 1", "down n2 1", "up n2 1"],
      ["up n1 1", "down n1 1", "up n1 1"],
    ]);
  });

  it("a slow link takes its time for a large message, and other links do not", async () => {
    const pair = await Pair.up();
    pair.wires.slow.set(there, { milliseconds: 50, bytesPerMillisecond: 1000 });
    pair.peer.send("ordinary", new Uint8Array(1_000_000));
    const before = pair.other.host.messages.length;
    await pair.run(1000);
    assert.equal(pair.other.host.messages.length, before);
    await pair.run(100);
    assert.equal(pair.other.host.messages.length, before + 1);
  });

  for (const mayScatter of [true, false]) {
    it(`messages that ${mayScatter ? "may be scattered are" : "may not are never"} doubled, overtaken and late`, async () => {
      const pair = await Pair.up(mayScatter);
      pair.wires.change({ doubled: 200, overtaken: 200, late: 200 });
      const sent = Array.from({ length: 100 }, (_, number) => number);
      for (const number of sent) {
        pair.peer.send("ordinary", utf8(String(number)));
        await pair.run(1);
      }
      await pair.run(20_000);
      const arrived = pair.other.host.texts.map(Number);
      assert.deepEqual(arrived.length > 130, mayScatter, `${arrived.length} arrived`);
      assert.deepEqual(
        [...new Set(arrived)].toSorted((left, right) => left - right),
        sent,
      );
      if (!mayScatter) assert.deepEqual(arrived, sent);
    });
  }
});
