import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { Prng } from "../base/prng.ts";
import { silentLogger } from "../platform/logger.ts";
import { NodeDuties } from "./node-duties.ts";
import type { DutyParts } from "./node-duties.ts";

const map = placedMap(["n1", "n2", "n3"].map((id) => mapNode(id)));

it("a change of the map that does not come about holds up no other duty, and is begun once", async () => {
  const time = new VirtualTime();
  const done = { changes: 0, spread: 0, elsewhere: 0, gossip: 0 };
  const failures: string[] = [];
  const pending: ((failure: Error) => void)[] = [];
  const change = (): Promise<never> => {
    done.changes++;
    return new Promise((_resolve, reject) => void pending.push(reject));
  };
  const parts = {
    // As the map has it no more: it registers.
    self: mapNode("n1", "moved"),
    keeper: { map, epoch: map.epoch, look: () => undefined },
    table: {
      lookElsewhere: () => void done.elsewhere++,
      strangers: [],
      deniers: [],
      all: new Map([["n2", {}]]),
      isConnected: () => true,
      request: () => {
        done.gossip++;
        return Promise.resolve({ kind: "refused", why: "down" });
      },
    },
    groups: { get: () => undefined },
    meta: { isLeader: true, look: () => Promise.resolve(), found: () => Promise.resolve(), change },
    leaderships: { look: () => void done.spread++ },
    unfit: { look: () => Promise.resolve() },
    clocks: { ask: () => Promise.resolve() },
    clock: new NodeClock(time),
    random: new Prng(1),
    logger: silentLogger,
    onFailure: (failure: unknown) => void failures.push(String(failure)),
  } as unknown as DutyParts;
  const duties = new NodeDuties(parts);
  for (let at = 0; at < 500; at++) {
    duties.tick();
    await turn();
    await time.runTo(time.now + 10);
  }
  assert.equal(done.changes, 2, "the groups' places, and its own");
  assert.ok(done.spread >= 40, `${done.spread} looks at leaderships in 5 s`);
  assert.ok(done.elsewhere >= 3, `${done.elsewhere} looks elsewhere in 5 s`);
  assert.ok(done.gossip >= 4, `${done.gossip} talks in 5 s`);
  let hasEnded = false;
  const ended = duties.ended().then(() => (hasEnded = true));
  await turn();
  assert.ok(!hasEnded, "a change is under way");
  for (const reject of pending) reject(new Error("this is the end"));
  await ended;
  assert.deepEqual(failures, Array(2).fill("Error: this is the end"));
});
