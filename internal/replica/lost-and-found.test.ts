import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stamp } from "../base/stamp.ts";
import { fateExpiry } from "./fates.ts";
import { foundBytesMax, foundMax, LostAndFound } from "./lost-and-found.ts";

describe("the lost-and-found", () => {
  it("takes no more than its bytes, and goes on when what is there has expired", () => {
    const found = new LostAndFound();
    assert.ok(found.takes(stamp(10), foundBytesMax - 5));
    assert.ok(!found.takes(stamp(20), 6));
    assert.ok(found.takes(stamp(30), 5));
    assert.ok(!found.takes(stamp(fateExpiry(stamp(10)) - 1), 1));
    assert.ok(found.takes(fateExpiry(stamp(10)), foundBytesMax - 5));
    assert.ok(!found.takes(fateExpiry(stamp(10)), 1));
  });

  it("takes no more than its count, and is after a restart as it was", () => {
    const found = new LostAndFound();
    const again = new LostAndFound();
    for (let at = foundMax; at > 0; at--) again.load(stamp(at), 1);
    again.loaded();
    for (let at = 1; at <= foundMax; at++) assert.ok(found.takes(stamp(at), 1));
    for (const each of [found, again]) {
      assert.ok(!each.takes(stamp(foundMax + 1), 1));
      assert.ok(each.takes(fateExpiry(stamp(1)), 1));
      assert.ok(!each.takes(fateExpiry(stamp(1)), 1));
    }
  });
});
