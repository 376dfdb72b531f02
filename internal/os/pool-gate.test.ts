import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PoolGate } from "./pool-gate.ts";

describe("pool gate", () => {
  it("lets as many through as it may, and the rest in order as places come free", async () => {
    const gate = new PoolGate(2);
    const entered: number[] = [];
    const pass = async (number: number): Promise<void> => {
      if (!gate.tryEnter()) await gate.turn();
      entered.push(number);
    };
    const passes = Array.from({ length: 5 }, (_, number) => pass(number));
    assert.deepEqual(entered, [0, 1]);
    assert.equal(gate.waitingCount, 3);
    gate.leave();
    await passes[2];
    assert.deepEqual(entered, [0, 1, 2]);
    assert.equal(gate.inFlightCount, 2);
    gate.leave();
    gate.leave();
    await Promise.all(passes);
    assert.deepEqual(entered, [0, 1, 2, 3, 4]);
    gate.leave();
    gate.leave();
    assert.equal(gate.inFlightCount, 0);
    assert.ok(gate.tryEnter());
  });

  it("keeps its order and its bound through thousands of waiters", async () => {
    const gate = new PoolGate(3);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const work = async (number: number): Promise<void> => {
      if (!gate.tryEnter()) await gate.turn();
      order.push(number);
      most = Math.max(most, ++running);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      running--;
      gate.leave();
    };
    await Promise.all(Array.from({ length: 5000 }, (_, number) => work(number)));
    assert.equal(most, 3);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.equal(gate.inFlightCount, 0);
    assert.equal(gate.waitingCount, 0);
  });
});
