import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareBytes, utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires } from "../base/stamp.ts";
import type { ScannedPage, ScannedRecord } from "../replica/scan.ts";
import { mergedPage } from "./merged-page.ts";
import type { NextPiece } from "./merged-page.ts";
import { headOf, payloadOf } from "./stored.ts";

const version = { term: term(1), index: logIndex(1) };
const record = (key: Uint8Array, value: Uint8Array = utf8("value")): ScannedRecord => {
  return { key, version, expiry: neverExpires, payload: payloadOf("text/plain", value) };
};

/** A group that holds these keys, in their order, and makes pages of `most` at most. */
function groupOf(keys: readonly Uint8Array[], most = Infinity, value?: Uint8Array): NextPiece {
  return (after, { limit, bytesMax }) => {
    assert.ok(limit >= 1 && bytesMax >= 1 && bytesMax <= 1024 * 1024, `${limit} records, ${bytesMax} bytes`);
    const behind = keys.filter((key) => after === undefined || compareBytes(key, after) > 0);
    const bounded = Math.min(limit, most);
    const records = behind.slice(0, bounded).map((key) => record(key, value));
    const hasMore = behind.length > bounded;
    return Promise.resolve({ records, hasMore, end: hasMore ? records.at(-1)?.key : undefined });
  };
}

/** Tells of each piece how many records were asked for, and how many came. */
function counted(group: NextPiece, pieces: { asked: number; came: number }[]): NextPiece {
  return async (after, bounds) => {
    const piece = await group(after, bounds);
    pieces.push({ asked: bounds.limit, came: piece.records.length });
    return piece;
  };
}

let turns = 0;
const pageOf = (
  groups: readonly NextPiece[],
  asked: Parameters<typeof mergedPage>[1],
): ReturnType<typeof mergedPage> => {
  turns = 0;
  return mergedPage(groups, asked, () => {
    turns++;
    return Promise.resolve();
  });
};

const named = (number: number): Uint8Array => utf8(String(number).padStart(6, "0"));
const first = { cursor: undefined, withValues: false };
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

describe("a page of all groups", () => {
  it("followed by those behind its cursor holds every key once, in order, whatever the groups' pages hold", async () => {
    const groups = fc.array(fc.uniqueArray(fc.nat({ max: 400 }), { maxLength: 40 }), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(
        groups,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 9 }),
        async (held, limit, most) => {
          const seen = new Set<number>();
          const keysOf = held.map((numbers) => {
            const own = numbers.filter((number) => !seen.has(number));
            for (const number of own) seen.add(number);
            return own.map(named).sort(compareBytes);
          });
          const listed: string[] = [];
          let cursor: Uint8Array | undefined;
          for (let pages = 0; pages < 400; pages++) {
            const asked = { limit, cursor, withValues: true };
            const page = await pageOf(
              keysOf.map((keys) => groupOf(keys, most)),
              asked,
            );
            assert.ok(page.records.length <= limit);
            assert.ok(page.records.length > 0 || page.cursor === undefined);
            listed.push(...page.records.map(({ key }) => utf8Text(key)));
            cursor = page.cursor;
            if (cursor === undefined) break;
          }
          assert.equal(cursor, undefined, "it never ends");
          assert.deepEqual(listed, keysOf.flat().sort(compareBytes).map(utf8Text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("fetches about twice what it shows, however many groups there are, and more of a group only when that is used up", async () => {
    const [groups, limit] = [64, 2000];
    const pieces: { asked: number; came: number }[] = [];
    const even = Array.from({ length: groups }, (_, group) =>
      groupOf(Array.from({ length: limit }, (__, at) => named(at * groups + group))),
    );
    const page = await pageOf(
      even.map((group) => counted(group, pieces)),
      { ...first, limit },
    );
    assert.deepEqual(
      page.records.map(({ key }) => utf8Text(key)),
      Array.from({ length: limit }, (_, at) => utf8Text(named(at))),
    );
    assert.equal(pieces.length, groups);
    assert.ok(turns >= 2, "others wait for all of it");
    assert.ok(sumOf(pieces.map(({ came }) => came)) <= 2.2 * limit, "more than the page needs");
    pieces.length = 0;
    const tagged = Array.from({ length: 2 * limit }, (_, at) => named(at));
    const lopsided = Array.from({ length: groups }, (_, group) => counted(groupOf(group === 7 ? tagged : []), pieces));
    const whole = await pageOf(lopsided, { ...first, limit });
    assert.equal(whole.records.length, limit);
    assert.deepEqual(whole.cursor, named(limit - 1));
    assert.ok(pieces.length <= groups + 4, `${pieces.length} pieces`);
    assert.equal(sumOf(pieces.map(({ came }) => came)), limit);
  });

  it("ends early, and says where, when a group has much to pass over", async () => {
    const empty: NextPiece = (after) => {
      const end = named(Number(after === undefined ? "0" : utf8Text(after)) + 1);
      return Promise.resolve({ records: [], hasMore: true, end });
    };
    const page = await pageOf([empty, groupOf([named(3), named(900)])], { ...first, limit: 10 });
    assert.deepEqual(
      page.records.map(({ key }) => utf8Text(key)),
      [utf8Text(named(3))],
    );
    assert.ok(page.cursor !== undefined && compareBytes(page.cursor, named(9)) > 0, "it has come a way");
    assert.ok(compareBytes(page.cursor, named(900)) < 0);
  });

  it("is bounded in bytes, and holds one record whatever its size", async () => {
    const large = new Uint8Array(700_000);
    const three = ["a", "b", "c"].map((key) => groupOf([utf8(key)], 9, large));
    const page = await pageOf(three, { limit: 10, cursor: undefined, withValues: true });
    assert.deepEqual(
      page.records.map(({ key }) => utf8Text(key)),
      ["a"],
    );
    assert.deepEqual(page.cursor, utf8("a"));
    const single = groupOf([utf8("a")], 9, new Uint8Array(8_000_000));
    const whole = await pageOf([single], { limit: 10, cursor: undefined, withValues: true });
    assert.equal(whole.records.length, 1);
    assert.equal(whole.cursor, undefined);
  });

  it("says the content types without values, too", async () => {
    const { payload, ...rest } = record(utf8("a"));
    const head: ScannedPage = {
      records: [{ ...rest, payload: payload && headOf(payload) }],
      hasMore: false,
      end: undefined,
    };
    const [shown] = (await pageOf([() => Promise.resolve(head)], { ...first, limit: 1 })).records;
    assert.deepEqual([shown?.contentType, shown?.value], ["text/plain", undefined]);
    assert.deepEqual(headOf(payloadOf("", utf8("value"))), Uint8Array.of(0));
  });
});
