// Whoever waits for nodes that have ended is told so, and why, and does not wait in vain.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { NodeProcesses } from "./node-processes.ts";

describe("waiting for processes to be ready", () => {
  let cluster: NodeProcesses;

  before(async () => {
    cluster = await NodeProcesses.make();
  });
  after(() => cluster.remove());

  it("ends when one of them has ended, with what that had written", async () => {
    const refused = cluster.start(1, "--groups=none");
    await refused.ended;
    const began = performance.now();
    await assert.rejects(cluster.whenReady(1), /n1 has ended \(\{"code":2,"signal":null\}\)[^]*--groups: "none"/);
    assert.ok(performance.now() - began < 5000);
  });

  it("ends when one ends meanwhile that is not asked yet", async () => {
    cluster.start(1);
    const second = cluster.start(2);
    const waiting = assert.rejects(
      cluster.whenReady(1, 2),
      /^Error: n2 has ended \(\{"code":null,"signal":"SIGKILL"\}\)/,
    );
    second.signal("SIGKILL");
    await waiting;
  });
});
