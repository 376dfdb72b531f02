import assert from "node:assert/strict";
import { test } from "node:test";
import { killPoints } from "./kill-points.ts";
import { deathsPerRound, KillRun } from "./kills.ts";

test("a process that is killed, at random and at steps of protocols, keeps every write that it acknowledged", async (t) => {
  const run = new KillRun(1);
  try {
    for (let round = 1; round <= 2; round++) await run.round();
  } finally {
    await run.close();
  }
  const { randomKills, pointKills, acknowledged } = run.counts;
  t.diagnostic(`${randomKills} random kills, ${pointKills} at points, ${acknowledged} writes acknowledged`);
  assert.ok(randomKills + pointKills >= deathsPerRound && pointKills > 0 && acknowledged > 100);
});

test("every point of death has a name of its own", () => {
  assert.equal(new Set(killPoints.map((point) => point.name)).size, killPoints.length);
  assert.ok(killPoints.length > 80);
});
