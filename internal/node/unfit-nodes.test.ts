import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { TrefoilError } from "../base/errors.ts";
import { nodeId } from "../base/ids.ts";
import { decodeTalk } from "./peer-talk.ts";
import { UnfitNodes } from "./unfit-nodes.ts";

const n2 = nodeId("n2");
const full = new TrefoilError("storage_full", "no space");

let time: VirtualTime;
let refusal: TrefoilError | undefined;
/** When it was told. */
let told: number[];
let own: UnfitNodes;
/** Another node, which hears what this one tells. */
let other: UnfitNodes;

beforeEach(() => {
  time = new VirtualTime();
  [refusal, told] = [undefined, []];
  const clock = new NodeClock(time);
  other = new UnfitNodes({ clock, table: { tellAll: () => assert.fail("it can write") }, refusal: () => undefined });
  const tellAll = (payload: Uint8Array): Promise<void> => {
    const talk = decodeTalk(payload);
    assert.ok(talk.kind === "unfit");
    told.push(time.now);
    other.hear(n2, talk.why);
    return Promise.resolve();
  };
  own = new UnfitNodes({ clock, table: { tellAll }, refusal: () => refusal });
});

async function pass(milliseconds: number): Promise<void> {
  for (const end = time.now + milliseconds; time.now < end; time.now += 100)
    await Promise.all([own.look(), other.look()]);
}

describe("a node that cannot write", () => {
  it("is unfit to lead when that has lasted for a second, and says so every second while it lasts", async () => {
    await pass(3000);
    assert.deepEqual([told, own.own, other.of(n2)], [[], undefined, undefined]);
    refusal = full;
    await pass(1000);
    assert.deepEqual([told, own.own], [[], undefined], "it may pass");
    await pass(3000);
    assert.deepEqual([told, own.own, other.of(n2)], [[4000, 5000, 6000], "no space", "no space"]);
    assert.equal(own.ownRefusal?.code, "storage_full");
  });

  it("is so until it could write for three seconds, and for others until they have heard nothing of it for five", async () => {
    refusal = full;
    await pass(2000);
    for (let time = 0; time < 10; time++) {
      refusal = undefined;
      await pass(1000);
      refusal = full;
      await pass(100);
      assert.equal(own.own, "no space", "it had room for a moment");
    }
    refusal = undefined;
    await pass(2900);
    assert.equal(own.own, "no space");
    await pass(300);
    assert.equal(own.own, undefined);
    const last = told.at(-1) ?? 0;
    await pass(last + 4900 - time.now);
    assert.equal(other.of(n2), "no space", "what was said may have been lost on its way");
    await pass(200);
    assert.equal(other.of(n2), undefined);
  });

  it("is not held to what an earlier process of it said, or said over another connection", async () => {
    refusal = full;
    await pass(2000);
    assert.equal(other.of(n2), "no space");
    other.noteArrived(n2);
    assert.equal(other.of(n2), undefined);
    await pass(1000);
    assert.equal(other.of(n2), "no space", "it says it again when it is so still");
  });
});
