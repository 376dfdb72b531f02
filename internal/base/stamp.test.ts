import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isExpired,
  millisecondsOfStamp,
  neverExpires,
  stamp,
  stampMax,
  stampOfMilliseconds,
  stampsPerMillisecond,
  stampZero,
} from "./stamp.ts";

const milliseconds = fc.nat({ max: millisecondsOfStamp(stampMax) });

test("milliseconds come back from a stamp, whatever was counted within them", () => {
  fc.assert(
    fc.property(milliseconds, fc.nat(stampsPerMillisecond - 1), (time, count) => {
      const first = stampOfMilliseconds(time);
      assert.equal(millisecondsOfStamp(first), time);
      assert.equal(millisecondsOfStamp(stamp(Math.min(first + count, stampMax))), time);
    }),
  );
});

test("a count that overflows carries into the milliseconds", () => {
  assert.equal(stamp(stampOfMilliseconds(7) + stampsPerMillisecond), stampOfMilliseconds(8));
});

test("stamps reach into the year 2248, exactly", () => {
  const last = millisecondsOfStamp(stampMax);
  assert.equal(new Date(last).getUTCFullYear(), 2248);
  assert.ok(Number.isSafeInteger(stampOfMilliseconds(last)));
  assert.ok(stampOfMilliseconds(last + 1) > stampMax);
});

test("a record is gone from its expiry on, and never when it has none", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: stampMax }), fc.maxSafeNat(), (expiry, now) => {
      assert.equal(isExpired(stamp(expiry), stamp(now)), now >= expiry);
      assert.equal(isExpired(neverExpires, stamp(now)), false);
    }),
  );
  assert.equal(isExpired(stamp(5), stamp(4)), false);
  assert.equal(isExpired(stamp(5), stamp(5)), true);
  assert.equal(isExpired(stamp(1), stampZero), false);
});
