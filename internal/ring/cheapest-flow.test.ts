import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FlowNetwork } from "./cheapest-flow.ts";
import type { Arc } from "./cheapest-flow.ts";
import { VertexQueue } from "./vertex-queue.ts";

const vertices = 5;
const source = 0;
const sink = vertices - 1;

const someArc: fc.Arbitrary<Arc> = fc
  .record({
    from: fc.nat(vertices - 1),
    to: fc.nat(vertices - 1),
    capacity: fc.nat(2),
    cost: fc.nat(4),
    steeper: fc.nat(2),
  })
  .filter(({ from, to }) => from !== to && to !== source && from !== sink);

function costOfFlow(arcs: readonly Arc[], carried: readonly number[]): number {
  let sum = 0;
  for (const [at, { cost, steeper }] of arcs.entries()) {
    for (let unit = 0; unit < (carried[at] as number); unit++) sum += cost + steeper * unit;
  }
  return sum;
}

/** What arrives at the sink; undefined when some vertex between does not pass on what it gets. */
function arriving(arcs: readonly Arc[], carried: readonly number[]): number | undefined {
  const balance = Array.from({ length: vertices }, () => 0);
  for (const [at, { from, to }] of arcs.entries()) {
    balance[from] = (balance[from] as number) - (carried[at] as number);
    balance[to] = (balance[to] as number) + (carried[at] as number);
  }
  return balance.slice(1, -1).some((value) => value !== 0) ? undefined : balance[sink];
}

/** For each number of units the least cost, by trying every flow. */
function leastCosts(arcs: readonly Arc[]): Map<number, number> {
  const least = new Map<number, number>();
  const carried = arcs.map(() => 0);
  for (;;) {
    const units = arriving(arcs, carried);
    if (units !== undefined) {
      least.set(units, Math.min(least.get(units) ?? Number.POSITIVE_INFINITY, costOfFlow(arcs, carried)));
    }
    const next = carried.findIndex((count, at) => count < (arcs[at] as Arc).capacity);
    if (next < 0) return least;
    carried.fill(0, 0, next);
    carried[next] = (carried[next] as number) + 1;
  }
}

describe("the cheapest flow", () => {
  it("is as large as it can be, and as cheap, as trying every flow shows", () => {
    fc.assert(
      fc.property(fc.array(someArc, { maxLength: 7 }), fc.integer({ min: 1, max: 5 }), (arcs, units) => {
        const network = new FlowNetwork();
        for (let vertex = 0; vertex < vertices; vertex++) network.addVertex();
        const indexes = arcs.map((arc) => network.addArc(arc));
        const sent = network.send(source, sink, units);
        const carried = indexes.map((index) => network.carries(index));
        const least = leastCosts(arcs);
        assert.equal(sent, Math.min(units, Math.max(...least.keys())));
        assert.equal(arriving(arcs, carried), sent);
        for (const [at, count] of carried.entries()) assert.ok(count >= 0 && count <= (arcs[at] as Arc).capacity);
        assert.equal(costOfFlow(arcs, carried), least.get(sent));
      }),
      { numRuns: 400 },
    );
  });

  it("takes earlier units back where that is cheaper for all", () => {
    const network = new FlowNetwork();
    for (let vertex = 0; vertex < 6; vertex++) network.addVertex();
    const arc = (from: number, to: number, cost: number): number =>
      network.addArc({ from, to, capacity: 1, cost, steeper: 0 });
    const cheapMiddle = [arc(0, 1, 0), arc(1, 4, 1), arc(4, 5, 0)];
    const around = [arc(1, 3, 5), arc(3, 5, 0), arc(0, 2, 0), arc(2, 4, 1)];
    assert.equal(network.send(0, 5, 2), 2);
    assert.deepEqual(
      [...cheapMiddle, ...around].map((index) => network.carries(index)),
      [1, 0, 1, 1, 1, 1, 1],
    );
  });
});

describe("the queue of vertices", () => {
  it("gives them in the order of their costs", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 40 }), fc.array(fc.boolean()), (costs, takes) => {
        const queue = new VertexQueue();
        const waiting: number[] = [];
        const take = (): void => {
          const vertex = queue.takeLeast();
          const least = waiting.length === 0 ? undefined : Math.min(...waiting.map((at) => costs[at] as number));
          assert.equal(vertex === undefined ? undefined : costs[vertex], least);
          if (vertex !== undefined) waiting.splice(waiting.indexOf(vertex), 1);
        };
        for (const [at, cost] of costs.entries()) {
          queue.add(at, cost);
          waiting.push(at);
          if (takes[at] === true) take();
        }
        while (waiting.length > 0) take();
        assert.equal(queue.takeLeast(), undefined);
      }),
      { numRuns: 200 },
    );
  });
});
