import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReplicationLag } from "./replication-lag.ts";

describe("the lag of a replica", () => {
  const noted = (): ReplicationLag => {
    const lag = new ReplicationLag();
    const notes = [
      [1000, 40],
      [1250, 40],
      [1500, 57],
      [1750, 90],
    ] as const;
    for (const [at, last] of notes) lag.note(1, last, at);
    return lag;
  };

  it("is the age of the oldest note above what the replica has", () => {
    assert.equal(noted().seconds(1, 57, 1900), 0.15);
    assert.equal(noted().seconds(1, 56, 1900), 0.4);
    assert.equal(noted().seconds(1, 0, 1900), 0.9);
  });

  it("is nothing of whoever has all that was noted, and of groups that nobody noted", () => {
    assert.equal(noted().seconds(1, 90, 1900), 0);
    assert.equal(noted().seconds(2, 0, 1900), 0);
    const lag = noted();
    lag.forget(1);
    assert.equal(lag.seconds(1, 0, 1900), 0);
  });

  it("keeps a bounded number of notes, and tells of the oldest that is left", () => {
    const lag = new ReplicationLag();
    for (let at = 0; at < 10_000; at++) lag.note(1, at + 1, at * 250);
    assert.equal(lag.seconds(1, 0, 10_000 * 250), 480 / 4);
  });
});
