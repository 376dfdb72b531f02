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

  constructor(mayScatter = false, isOneSided = false) {
    this.wires = new Wires({ time: this.time, chance: this.random.split("wires"), mayScatter: () => mayScatter });
    this.one = this.start("n1", 1);
    this.other = this.start("n2", 1);
    this.peer = this.one.network.peer(this.other.host.own.node, "n2:1");
    if (!isOneSided) this.other.network.peer(this.one.host.own.node, "n1:1");
  }

  start(name: string, life: number): Side {
    const { time, wires } = this;
    const clock = new NodeClock(time);
    const host = hostOf(name, life);
    const chance = this.random.split(`${name} ${life}`);
    const network = new NodeNetwork({ wires, address: `${name}:1`, clock, chance, limits: { requestsServedMax: 2 } });
    void network.listen(host);
    return { host, clock, network };
  }

  static async up(mayScatter = false, isOneSided = false): Promise<Pair> {
    const pair = new Pair(mayScatter, isOneSided);
    // Until just behind a ping: the next one finds out much.
    await pair.run(1100);
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
    const next = pair.start("n2", 2);
    await pair.run(4000);
    assert.deepEqual(pair.one.host.events, ["up n2 1", "down n2 1", "up n2 2"]);
    pair.end(next, false);
    await pair.run(1000);
    assert.match(pair.peer.trouble ?? "", /nobody listens at n2:1/);
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

  it("the answer to a request of a connection that was given up is no other request's", async () => {
    const pair = await Pair.up(false, true);
    const { one, other, wires } = pair;
    other.host.serve = () => undefined;
    const early = pair.ask();
    await pair.run(10);
    for (const stream of wires.streams) stream.breakHalf(0);
    await pair.run(10);
    assert.deepEqual(early.outcome, { kind: "unknown", why: "lost" });
    pair.peer.close();
    const peer = one.network.peer(other.host.own.node, "n2:1");
    await pair.run(10);
    let outcome: RequestOutcome | undefined;
    void peer.request(utf8("b"), { timeoutMilliseconds: 1000, trace: "" }).then((answered) => {
      outcome = answered;
      return undefined;
    });
    await pair.run(10);
    assert.deepEqual([other.host.events, other.host.requests.length], [["up n1 1"], 2], "the loss was noticed");
    other.host.requests[0]?.answer(utf8("too late"));
    await pair.run(10);
    assert.equal(outcome, undefined);
  });

  it("an answer for which nobody waits makes no room for others", async () => {
    const pair = await Pair.up();
    const { host } = pair.other;
    host.serve = () => undefined;
    pair.ask();
    await pair.run(10);
    for (const stream of pair.wires.streams) stream.breakOff(true);
    await pair.run(200);
    host.requests[0]?.answer(utf8("too late"));
    const asked = [pair.ask(), pair.ask(), pair.ask()];
    await pair.run(10);
    assert.deepEqual(
      asked.map(({ outcome }) => outcome),
      [undefined, undefined, { kind: "refused", why: "busy" }],
    );
  });

  it("a node that only dials is known once, whichever of its processes comes", async () => {
    const pair = await Pair.up(false, true);
    pair.end(pair.one, true);
    const next = pair.start("n1", 2);
    next.network.peer(pair.other.host.own.node, "n2:1");
    await pair.run(10);
    const events = ["up n1 1", "down n1 1", "up n1 2"];
    assert.deepEqual(pair.other.host.events, events);
    for (const stream of pair.wires.streams) if (!stream.ends[0].isDead) stream.breakHalf(0);
    await pair.run(200);
    assert.deepEqual(pair.other.host.events, events, "its connection was replaced");
  });

  it("who holds is told of a loss all the same", async () => {
    const pair = await Pair.up();
    pair.other.host.held = new Promise(() => undefined);
    pair.peer.send("ordinary", utf8("held"));
    await pair.run(10);
    for (const stream of pair.wires.streams) stream.breakOff(false);
    await pair.run(10);
    assert.deepEqual(pair.other.host.events.slice(0, 2), ["up n1 1", "down n1 1"]);
  });

  it("what goes on on another stream is not overtaken", async () => {
    for (let round = 0; round < 10; round++) {
      const pair = await Pair.up();
      await pair.run(round);
      pair.wires.cut(there);
      pair.peer.send("ordinary", utf8("1"));
      await pair.run(1);
      for (const stream of pair.wires.streams) {
        if (stream.ends[1].address === "n1:1") stream.breakHalf(1);
      }
      await pair.run(10);
      pair.peer.send("ordinary", utf8("2"));
      await pair.run(1);
      pair.wires.mend(there);
      await pair.run(1000);
      assert.deepEqual(pair.other.host.texts, ["2"]);
    }
  });

  it("nothing is overtaken while streams break at one end, links are cut, and the receiver holds", async () => {
    const random = new Prng(9);
    for (let round = 0; round < 40; round++) {
      const pair = await Pair.up();
      const { wires, time, other } = pair;
      wires.change({ delayMost: 60 });
      let brokenAt = 0;
      for (let number = 0; number < 600; number++) {
        pair.peer.send("ordinary", utf8(String(number)));
        // The other one has to stand.
        if (random.chance(1, 30) && number > brokenAt + 70 && pair.one.network.streams === 2) {
          brokenAt = number;
          const stream = random.pick(wires.between("n1:1", "n2:1"));
          stream.breakHalf(stream.ends[0].address === "n1:1" ? 0 : 1);
        }
        if (random.chance(1, 200)) {
          wires.cut(there);
          time.after(random.between(1, 60), () => wires.mend(there));
        }
        if (random.chance(1, 60)) {
          other.host.held = new Promise((resolve) => {
            time.after(random.between(1, 200), resolve);
          });
        } else if (random.chance(1, 10)) other.host.held = undefined;
        await pair.run(1);
      }
      await pair.run(500);
      const arrived = other.host.texts.map(Number);
      const behind = arrived.findIndex((number, at) => number < (arrived[at - 1] ?? 0));
      assert.equal(behind, -1, `in round ${round} ${arrived[behind]} came behind ${arrived[behind - 1]}`);
      assert.ok(arrived.length > 100, `${arrived.length} arrived`);
      assert.deepEqual(pair.events[0], ["up n2 1"]);
    }
  });

  it("a stream that comes long after another changes no order", async () => {
    const pair = await Pair.up(false, true);
    pair.wires.change({ delayMost: 100 });
    const sent = Array.from({ length: 500 }, (_, number) => number);
    for (const number of sent) {
      if (number === 20) pair.other.network.peer(pair.one.host.own.node, "n1:1");
      pair.peer.send("ordinary", utf8(String(number)));
      await pair.run(1);
    }
    await pair.run(1000);
    assert.deepEqual(pair.other.host.texts.map(Number), sent);
    assert.equal(pair.one.network.streams, 2);
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
