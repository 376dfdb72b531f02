// The clocks of all nodes were ahead for a while, and are set right: stamps never go back, and what nobody believes nobody leads with.

import assert from "node:assert/strict";
import { it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import type { Node } from "../../internal/node/node.ts";
import { systemClock } from "../../internal/os/system-clock.ts";
import { callerOf, RealNodes, troublesOf } from "./real-nodes.ts";

const aheadMilliseconds = 3 * 3_600_000;

it("a cluster whose clocks were set back says for how long nobody leads, and goes on when its nodes are told to believe what is stored", async (t) => {
  const nodes = await RealNodes.make();
  const all = (): readonly Node[] => ["n1", "n2", "n3"].map((id) => nodes.node(id));
  try {
    const { mock } = t.mock.method(systemClock, "wallMilliseconds", () => Date.now() + aheadMilliseconds);
    await nodes.startAll();
    await nodes.put("n1", "key", "value");
    mock.restore();
    const said = /^group 0: on n1 and n2 and n3 nobody stands for election for another (\d+) s/;
    let words = "";
    await nodes.until(async () => {
      words = (await troublesOf(nodes.node("n2"))).find((trouble) => said.test(trouble)) ?? "";
      return words !== "";
    });
    const seconds = Number(said.exec(words)?.[1]);
    // What is believed without being told so is ten seconds ahead.
    assert.ok(seconds > 0 && seconds <= aheadMilliseconds / 1000 - 10, words);
    assert.ok(words.endsWith(`start the nodes again with a --max-clock-offset that is ${seconds} s longer`), words);
    for (const id of ["n1", "n2", "n3"]) await nodes.stop(id);
    const replica = { raft: { clockOffsetMax: 10_000 + seconds * 1000 } };
    await Promise.all(["n1", "n2", "n3"].map((id) => nodes.start(id, { replica })));
    await Promise.all(all().map((node) => node.whenReady()));
    assert.equal(await nodes.get("n3", "key", "strong"), "value");
    const { coordinator } = nodes.node("n3");
    const plain = { mode: undefined, condition: undefined, requestId: undefined, contentType: "" } as const;
    const put = { kind: "put", key: utf8("key"), value: utf8("another one"), ttl: { kind: "none" }, ...plain } as const;
    assert.equal((await coordinator.write(put, callerOf(nodes.node("n3")))).served.consistency, "strong");
    assert.deepEqual(nodes.failures, []);
  } finally {
    await nodes.end();
  }
});
