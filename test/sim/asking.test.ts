import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Replica } from "../../internal/replica/replica.ts";
import { PowerCut } from "../disk/power-cut.ts";
import { ask } from "./asking.ts";
import { NodeClock, VirtualTime } from "./virtual-time.ts";

/** What a client is told of a call that comes to `action`, and when. */
async function told(
  action: (clock: NodeClock) => Promise<string>,
  explains: (reason: unknown) => boolean = () => false,
): Promise<string> {
  const time = new VirtualTime();
  const clock = new NodeClock(time);
  const replica: Partial<Replica> = {};
  const seen = ask({ time, explains }, { clock, replica: replica as Replica }, () => action(clock)).then(
    (answer) => `${answer} at ${time.now}`,
    (reason: unknown) => `${String(reason)} at ${time.now}`,
  );
  await time.runTo(5000);
  return seen;
}

describe("what a client asks of a replica", () => {
  it("is answered, or fails, when the replica says so", async () => {
    assert.equal(await told(() => Promise.resolve("here")), "here at 0");
    assert.equal(await told(() => Promise.reject(new Error("broken"))), "Error: broken at 0");
    const failing = (): Promise<string> => Promise.reject(new Error("done to its disk"));
    assert.equal(await told(failing, () => true), "late at 0");
  });

  it("is late when its process has ended meanwhile, be it by the very call that it made (seed 143354)", async () => {
    const cutBy = (clock: NodeClock): Promise<string> => {
      clock.isDead = true;
      return Promise.reject(new PowerCut("read", "/a"));
    };
    assert.equal(await told(cutBy), "late at 2000");
    const answeredBy = (clock: NodeClock): Promise<string> => {
      clock.isDead = true;
      return Promise.resolve("too late");
    };
    assert.equal(await told(answeredBy), "late at 2000");
    assert.equal(await told(() => new Promise(() => undefined)), "late at 2000");
  });
});
