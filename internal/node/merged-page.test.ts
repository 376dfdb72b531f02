import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareBytes, utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires } from "../base/stamp.ts";
import type { ScannedPage, ScannedRecord } from "../replica/scan.ts";
import { mergedPage } from "./merged-page.ts";
import { headOf, payloadOf } from "./stored.ts";

const version = { term: term(1), index: logIndex(1) };
const record = (key: Uint8Array, value: Uint8Array = utf8("value")): ScannedRecord => {
  return { key, version, expiry: neverExpires, payload: payloadOf("text/plain", value) };
};

/** A group's page of its keys behind `after`, as a replica makes it: at most so many at a time. */
function pageOf(keys: readonly Uint8Array[], after: Uint8Array | undefined, most: number): ScannedPage {
  const behind = keys.filter((key) => after === undefined || compareBytes(key, after) > 0);
  const records = behind.slice(0, most).map((key) => record(key));
  const hasMore = behind.length > most;
  return { records, hasMore, end: hasMore ? records.at(-1)?.key : undefined };
}

describe("a page of all groups", () => {
  it("followed by those behind its cursor holds every key once, in order, whatever the groups' pages hold", () => {
    const groups = fc.array(fc.uniqueArray(fc.nat({ max: 400 }), { maxLength: 12 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), (held, limit, most) => {
        const seen = new Set<number>();
        const keysOf = held.map((numbers) => {
          const own = numbers.filter((number) => !seen.has(number));
          for (const number of own) seen.add(number);
          return own.map((number) => utf8(String(number).padStart(3, "0"))).sort(compareBytes);
        });
        const listed: string[] = [];
        let after: Uint8Array | undefined;
        for (let pages = 0; pages < 200; pages++) {
          const page = mergedPage(
            keysOf.map((keys) => pageOf(keys, after, most)),
            { limit, withValues: true },
          );
          assert.ok(page.records.length <= limit);
          listed.push(...page.records.map(({ key }) => utf8Text(key)));
          after = page.cursor;
          if (after === undefined) break;
        }
        assert.equal(after, undefined, "it never ends");
        assert.deepEqual(listed, keysOf.flat().sort(compareBytes).map(utf8Text));
      }),
      { numRuns: 500 },
    );
  });

  it("is bounded in bytes, and holds one record whatever its size", () => {
    const large = new Uint8Array(700_000);
    const pages = ["a", "b", "c"].map((key): ScannedPage => {
      return { records: [record(utf8(key), large)], hasMore: false, end: undefined };
    });
    const first = mergedPage(pages, { limit: 10, withValues: true });
    assert.deepEqual(
      first.records.map(({ key }) => utf8Text(key)),
      ["a"],
    );
    assert.deepEqual(first.cursor, utf8("a"));
    const single: ScannedPage = {
      records: [record(utf8("a"), new Uint8Array(8_000_000))],
      hasMore: false,
      end: undefined,
    };
    const whole = mergedPage([single], { limit: 10, withValues: true });
    assert.equal(whole.records.length, 1);
    assert.equal(whole.cursor, undefined);
  });

  it("says the content types without values, too", () => {
    const { payload, ...rest } = record(utf8("a"));
    const head: ScannedPage = {
      records: [{ ...rest, payload: payload && headOf(payload) }],
      hasMore: false,
      end: undefined,
    };
    const [shown] = mergedPage([head], { limit: 1, withValues: false }).records;
    assert.deepEqual([shown?.contentType, shown?.value], ["text/plain", undefined]);
    assert.deepEqual(headOf(payloadOf("", utf8("value"))), Uint8Array.of(0));
  });
});
