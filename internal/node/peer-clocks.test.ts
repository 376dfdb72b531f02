import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ClockError, NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { utf8 } from "../base/bytes.ts";
import { nodeId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { RequestOutcome } from "../platform/network.ts";
import { PeerClocks } from "./peer-clocks.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";

const [n2, n3] = ["n2", "n3"].map(nodeId) as [NodeId, NodeId];

let time: VirtualTime;
let own: ClockError;
let said: string[];
let away: Set<NodeId>;
let answer: (node: NodeId) => RequestOutcome;
/** How far each clock is ahead of the true time. */
let ahead: Map<NodeId, number>;
/** How long a question and an answer take. */
let ways: readonly [number, number];
let clocks: PeerClocks;

beforeEach(() => {
  time = new VirtualTime();
  own = new ClockError();
  [said, ways] = [[], [1, 1]];
  away = new Set();
  ahead = new Map();
  const clock = new NodeClock(time, own);
  answer = (node) => {
    const wall = new NodeClock(time).wallMilliseconds() + (ahead.get(node) ?? 0);
    return { kind: "answered", payload: encodeTalk({ kind: "clock", wall }) };
  };
  const request = async (node: NodeId, payload: Uint8Array): Promise<RequestOutcome> => {
    assert.equal(decodeTalk(payload).kind, "clock");
    time.now += ways[0];
    const outcome = answer(node);
    time.now += ways[1];
    return outcome;
  };
  const note =
    (level: string) =>
    (_text: string, fields: object = {}): void =>
      void said.push(`${level} ${JSON.stringify(fields)}`);
  const logger = { info: note("info"), warn: note("warn"), error: note("error") };
  const table = { request, isConnected: (node: NodeId) => !away.has(node) };
  clocks = new PeerClocks({ table, clock, logger, skewMilliseconds: 500 });
});

describe("the clocks of other nodes", () => {
  it("are as far apart as they are believed to be, or that is said: once, and once when it is over", async () => {
    ahead.set(n2, 400).set(n3, -400);
    for (const node of [n2, n3]) await clocks.ask(node);
    assert.deepEqual(
      clocks.distances.map(({ node, aheadMilliseconds }) => [node, aheadMilliseconds]),
      [
        ["n2", 400],
        ["n3", -400],
      ],
    );
    assert.deepEqual([said, clocks.trouble], [[], undefined]);
    ahead.set(n2, -2000);
    for (let time = 0; time < 3; time++) await clocks.ask(n2);
    assert.deepEqual(said, ['warn {"node":"n2","aheadMilliseconds":-2000,"maxMilliseconds":500}']);
    assert.equal(clocks.trouble, "n2 is 2000 ms behind, and --max-clock-skew is 500 ms: one of the clocks is wrong");
    ahead.set(n2, 0);
    await clocks.ask(n2);
    assert.deepEqual(said.slice(1), ['info {"node":"n2","aheadMilliseconds":0,"maxMilliseconds":500}']);
    assert.equal(clocks.trouble, undefined);
  });

  it("point at this node's own, when most are far from it", async () => {
    own.set(0, 3000);
    for (const node of [n2, n3]) await clocks.ask(node);
    assert.match(
      clocks.trouble ?? "",
      /^n2 is 3000 ms behind, n3 is 3000 ms behind, .*this node's clock is the one to look at$/,
    );
  });

  it("are not judged by what is not certain: a long way, a machine that slept, nobody's answer", async () => {
    ahead.set(n2, 600);
    ways = [0, 900];
    await clocks.ask(n2);
    ahead.set(n2, -600);
    ways = [900, 0];
    await clocks.ask(n2);
    assert.deepEqual([said, clocks.trouble], [[], undefined]);
    ahead.set(n2, 0);
    ways = [1, 1];
    const honest = answer;
    answer = (node) => {
      const outcome = honest(node);
      // The monotonic clock stood still.
      own.set(time.now, own.at(time.now) + 60_000);
      return outcome;
    };
    await clocks.ask(n2);
    assert.deepEqual([said, clocks.trouble], [[], undefined]);
    const before = clocks.distances;
    for (const outcome of [
      { kind: "refused", why: "busy" },
      { kind: "answered", payload: utf8("noise") },
      { kind: "answered", payload: encodeTalk({ kind: "clock", wall: undefined }) },
    ] as const) {
      answer = () => outcome;
      await clocks.ask(n2);
    }
    assert.deepEqual(clocks.distances, before);
  });

  it("that were apart stay so until it is certain that they are not", async () => {
    ahead.set(n2, 800);
    await clocks.ask(n2);
    ways = [0, 900];
    ahead.set(n2, 300);
    await clocks.ask(n2);
    assert.ok(clocks.trouble !== undefined);
    ways = [1, 1];
    await clocks.ask(n2);
    assert.equal(clocks.trouble, undefined);
  });

  it("of those who are not there are not told", async () => {
    ahead.set(n2, 800);
    await clocks.ask(n2);
    away.add(n2);
    assert.deepEqual([clocks.distances, clocks.trouble], [[], undefined]);
  });
});
