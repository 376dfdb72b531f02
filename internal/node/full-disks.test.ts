import assert from "node:assert/strict";
import { it } from "node:test";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { TrefoilError } from "../base/errors.ts";
import { nodeId } from "../base/ids.ts";
import { FullDisks } from "./full-disks.ts";
import { decodeTalk } from "./peer-talk.ts";

const full = new TrefoilError("storage_full", "no space");
const n2 = nodeId("n2");

it("a node says that its disk is full every second while it is, and is believed until it has not said so for five", async () => {
  const time = new VirtualTime();
  const clock = new NodeClock(time);
  let refusal: TrefoilError | undefined;
  const heard: number[] = [];
  const others = new FullDisks({
    clock,
    table: { tellAll: () => assert.fail("its own is not") },
    refusal: () => undefined,
  });
  const table = {
    tellAll: (payload: Uint8Array) => {
      assert.equal(decodeTalk(payload).kind, "full");
      heard.push(time.now);
      others.hear(n2);
      return Promise.resolve();
    },
  };
  const own = new FullDisks({ clock, table, refusal: () => refusal });
  const pass = async (milliseconds: number): Promise<void> => {
    for (const end = time.now + milliseconds; time.now < end; time.now += 100)
      await Promise.all([own.say(), others.say()]);
  };
  await pass(3000);
  refusal = new TrefoilError("busy", "no file can be opened");
  await pass(3000);
  assert.deepEqual([heard, own.own, others.has(n2)], [[], undefined, false]);
  refusal = full;
  await pass(3000);
  assert.deepEqual([heard, own.own, others.has(n2)], [[6000, 7000, 8000], full, true]);
  refusal = undefined;
  await pass(3900);
  assert.equal(heard.length, 3);
  assert.ok(others.has(n2), "what was said may have been lost on its way");
  await pass(200);
  assert.ok(!others.has(n2));
});
