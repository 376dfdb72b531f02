import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnswerWatch } from "./answer-watch.ts";
import type { PlannedNode } from "./plan.ts";

const planned = (id: string): PlannedNode => ({
  id,
  ports: { http: 1, resp: 2, grpc: 3, peer: 4, admin: 5 },
  flags: [],
});

describe("the watch over nodes that run", () => {
  const one = { plan: planned("n1"), pid: 11, isReady: true };
  const other = { plan: planned("n2"), pid: 22, isReady: true };
  let silent: readonly string[] = [];
  let meanwhile = (): void => undefined;
  const said: string[] = [];
  const watch = new AnswerWatch({
    nodes: [one, other],
    answers: (plan) => {
      meanwhile();
      return Promise.resolve(!silent.includes(plan.id));
    },
    say: (words) => said.push(words),
  });
  const saidBy = async (looks: number): Promise<string[]> => {
    for (let at = 0; at < looks; at++) await watch.look();
    return said.splice(0);
  };

  it("says once that a node does not answer, and once that it does again; one look in vain is no news", async () => {
    assert.deepEqual(await saidBy(3), []);
    silent = ["n2"];
    assert.deepEqual(await saidBy(1), []);
    silent = [];
    assert.deepEqual(await saidBy(1), []);
    silent = ["n2"];
    const [words = "", ...more] = await saidBy(5);
    assert.match(words, /^n2 does not answer: process 22 is paused \(kill -CONT 22 /);
    assert.deepEqual(more, []);
    silent = [];
    assert.deepEqual(await saidBy(3), ["n2 answers again."]);
  });

  it("leaves it to others to tell of processes that have ended, and knows nothing of a new one", async () => {
    silent = ["n1", "n2"];
    other.isReady = false;
    assert.equal((await saidBy(4)).length, 1);
    [other.isReady, other.pid] = [true, 23];
    meanwhile = () => (one.pid = 12);
    assert.deepEqual(await saidBy(1), []);
    meanwhile = () => undefined;
    silent = [];
    assert.deepEqual(await saidBy(2), []);
  });
});
