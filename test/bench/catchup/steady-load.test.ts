import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Exchange } from "../../e2e/http-client.ts";
import { now } from "../../e2e/moments.ts";
import { faultsIn, p99Of, SteadyLoad } from "./steady-load.ts";
import type { Sample } from "./steady-load.ts";

const sample = (from: number, milliseconds: number, more: Partial<Sample> = {}): Sample => {
  return { kind: "fast read", from, milliseconds, fault: undefined, ...more };
};

describe("what a window of a load cost its clients", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => sample(at, 100 - at));

  it("is the time that 99 of a hundred did not exceed", () => {
    assert.equal(p99Of(hundred, "fast read", { from: 0, to: 100 }), 99);
    assert.equal(p99Of([sample(0, 7)], "fast read", { from: 0, to: 1 }), 7);
  });

  it("is of what was asked in it, whenever that was answered", () => {
    const samples = [sample(9, 900), sample(10, 50), sample(19, 60), sample(20, 800)];
    assert.equal(p99Of(samples, "fast read", { from: 10, to: 20 }), 60);
    assert.equal(p99Of(samples, "fast read", { from: 30, to: 40 }), undefined);
  });

  it("is of one kind, and of what was served", () => {
    const samples = [sample(1, 5), sample(2, 70, { kind: "strong write" }), sample(3, 90, { fault: "silent" })];
    const all = { from: 0, to: 10 };
    assert.equal(p99Of(samples, "fast read", all), 5);
    assert.equal(p99Of(samples, "strong write", all), 70);
    assert.deepEqual(faultsIn(samples, all), ["silent"]);
    assert.deepEqual(faultsIn(samples, { from: 0, to: 3 }), []);
  });
});

describe("a load of so many requests a second", () => {
  const ports = { peer: 1, http: 2, resp: 3, grpc: 4, admin: 5 };
  const places = [{ id: "n1", host: "127.0.0.1", folder: "", peerPort: 1, ports }];
  const served: Exchange = { kind: "answered", status: 200, headers: {}, body: "" };
  /** No machine can keep to that. */
  const tooMany = 10_000_000;

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await pause(1);
  }

  it("lets answers, timers and its end through though it is behind its schedule, and counts from when each was due", async () => {
    const begun = now();
    const http = { ask: () => pause(1, served) };
    const load = new SteadyLoad({ http, places, perSecond: tooMany, keys: 1 });
    await until(() => load.samples.length >= 100);
    await load.stop();
    load.check();
    const { samples } = load;
    const last = samples.at(-1);
    assert.ok(last !== undefined);
    assert.ok(last.from - begun < 1000 && last.from + last.milliseconds <= now());
    const dues = samples.map(({ from }) => from).sort((left, right) => left - right);
    for (const [at, due] of dues.entries()) {
      const expected = (dues[0] ?? 0) + (at * 1000) / tooMany;
      assert.ok(Math.abs(due - expected) < 0.001, "as they were due, however late they were made");
    }
  });

  it("fails when more requests wait for their answers than may", async () => {
    const waiting: ((said: Exchange) => void)[] = [];
    const http = { ask: () => new Promise<Exchange>((resolve) => waiting.push(resolve)) };
    const load = new SteadyLoad({ http, places, perSecond: tooMany, keys: 1, pendingMax: 3 });
    const failed = /^3 requests of clients wait for answers/;
    await until(() => {
      try {
        load.check();
        return false;
      } catch (failure) {
        assert.ok(failure instanceof Error);
        assert.match(failure.message, failed);
        return true;
      }
    });
    assert.equal(waiting.length, 3);
    for (const answer of waiting) answer(served);
    await load.stop();
    assert.throws(() => load.check(), { message: failed }, "it did not ask as it should have");
    assert.equal(load.samples.length, 3);
  });
});
