// Pages of scans that wait for their turn at a node that puts together as many as it may, in virtual time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Caller } from "../../internal/node/requests.ts";
import { Rig, threeNodes } from "./coordinator-rig.ts";

/** As of the bounds that docs/grpc.md and docs/http.md tell. */
const [scansMax, listingsMax, ofScansMax] = [256, 64, 48];
const pageMilliseconds = 200;

class ScanRig extends Rig {
  readonly random = new Prng(342_497);
  private ended = 0;

  constructor() {
    super(threeNodes(1));
    this.milliseconds = pageMilliseconds;
  }

  /** What comes of one page. */
  page(mayWait: boolean, milliseconds = 5000, signal?: AbortSignal): Promise<string> {
    const caller: Caller = { deadline: this.coordinator.now() + milliseconds, signal, trace: "" };
    const request = {
      prefix: utf8(""),
      cursor: undefined,
      limit: 10,
      withValues: false,
      mode: "fast",
      mayWait,
    } as const;
    return this.coordinator.list(request, caller).then(
      () => "done",
      (failure: unknown) => (failure instanceof TrefoilError ? failure.code : String(failure)),
    );
  }

  /** Page after page, as its client takes them. */
  async scan(pages: number): Promise<string> {
    for (let at = 0; at < pages; at++) {
      const said = await this.page(true);
      if (said !== "done") return `${said} at page ${at}`;
      await this.sleep(this.random.below(5));
    }
    return "done";
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(milliseconds, resolve));
  }

  /** How often each came, when all have ended. */
  async counts(asked: readonly Promise<string>[]): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    this.ended = 0;
    for (const each of asked) {
      void each.then((said) => {
        counts[said] = (counts[said] ?? 0) + 1;
        this.ended++;
      });
    }
    await this.time.runTo(this.time.now + 600_000, () => this.ended === asked.length);
    assert.equal(this.ended, asked.length, "some never ended");
    return counts;
  }
}

describe("pages of scans", () => {
  it("have their turn, however many there are: none is refused in its middle", async () => {
    const rig = new ScanRig();
    const scans = Array.from({ length: scansMax }, async () => {
      await rig.sleep(rig.random.below(pageMilliseconds));
      return rig.scan(10);
    });
    assert.deepEqual(await rig.counts(scans), { done: scansMax });
    assert.deepEqual(await rig.counts([rig.page(false)]), { done: 1 }, "all places are free again");
  });

  it("have it in the order in which they came", async () => {
    const rig = new ScanRig();
    const order: number[] = [];
    const asked = Array.from({ length: scansMax }, (_, at) =>
      rig.page(true).then((said) => {
        order.push(at);
        return said;
      }),
    );
    await rig.counts(asked);
    assert.deepEqual(
      order,
      Array.from({ length: scansMax }, (_, at) => at),
    );
  });

  it("leave some places to listings that do not wait, and take those over that such ones leave", async () => {
    const rig = new ScanRig();
    const scans = Array.from({ length: scansMax }, () => rig.page(true));
    const others = Array.from({ length: 20 }, () => rig.page(false));
    const left = listingsMax - ofScansMax;
    assert.deepEqual(await rig.counts(others), { done: left, busy: 20 - left });
    assert.deepEqual(await rig.counts(scans), { done: scansMax });
    const listings = Array.from({ length: listingsMax }, () => rig.page(false));
    const behind = rig.page(true);
    assert.deepEqual(await rig.counts([rig.page(false)]), { busy: 1 });
    assert.deepEqual(await rig.counts([...listings, behind]), { done: listingsMax + 1 });
  });

  it("leave when their time is up, when their client is gone, and when the node stops", async () => {
    const rig = new ScanRig();
    const first = Array.from({ length: ofScansMax }, () => rig.page(true));
    const gone = new AbortController();
    const waiting = [rig.page(true, 100), rig.page(true, 5000, gone.signal), rig.page(true)];
    rig.clock.after(50, () => gone.abort());
    const ends: number[] = [];
    for (const [at, each] of waiting.entries()) void each.then(() => (ends[at] = rig.time.now));
    assert.deepEqual(await rig.counts(waiting.slice(1, 2)), { busy: 1 });
    assert.deepEqual(await rig.counts(waiting.slice(0, 1)), { busy: 1 });
    assert.deepEqual(ends, [100, 50]);
    assert.deepEqual(await rig.counts([rig.page(true, 5000, gone.signal), rig.page(true, 0)]), { busy: 2 }, "at once");
    assert.deepEqual(await rig.counts([...first, ...waiting.slice(2)]), { done: ofScansMax + 1 });
    const again = Array.from({ length: ofScansMax + 3 }, () => rig.page(true));
    const stopsAt = rig.time.now + 50;
    rig.clock.after(50, () => rig.coordinator.stop());
    let toldAt = 0;
    void again.at(-1)?.then(() => (toldAt = rig.time.now));
    assert.deepEqual(await rig.counts(again.slice(ofScansMax)), { stopping: 3 });
    assert.equal(toldAt, stopsAt);
  });

  it("are refused when more wait than there are scans at once", async () => {
    const rig = new ScanRig();
    const asked = Array.from({ length: ofScansMax + scansMax + 7 }, () => rig.page(true));
    assert.deepEqual(await rig.counts(asked), { done: ofScansMax + scansMax, busy: 7 });
  });
});
