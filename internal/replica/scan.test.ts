import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareBytes, utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { compareVersions } from "./answer.ts";
import { keyName } from "./decide.ts";
import { compareToName, keyOf, Overlay } from "./overlay.ts";
import { withAhead } from "./scan.ts";
import type { ScannedPage, ScannedRecord } from "./scan.ts";

const now = stamp(100);

/** Of one key: the index of its last entry, and what that one did. */
interface Held {
  readonly index: number;
  readonly did: "put" | "delete" | "expired";
}

const recordOf = ({ index, did }: Held): EngineRecord => {
  const expiry = did === "expired" ? stamp(50) : neverExpires;
  const header = { term: term(1), index: logIndex(index), stamp: stamp(1), expiry, tombstone: did === "delete" };
  return { ...header, payload: utf8(`value ${index}`) };
};

function scannedOf(name: string, held: Held): ScannedRecord {
  const { term: of, index, expiry, payload } = recordOf(held);
  return { key: utf8(name), version: { term: of, index }, expiry, payload };
}

type Keys = ReadonlyMap<string, Held>;
const sorted = (keys: Iterable<string>): string[] =>
  [...keys].sort((left, right) => compareBytes(utf8(left), utf8(right)));

/** As the engine makes it. */
function pageOf(applied: Keys, prefix: string, after: string | undefined, limit: number): ScannedPage {
  const all = sorted(applied.keys()).filter((name) => name.startsWith(prefix) && (after === undefined || name > after));
  const alive = all.filter((name) => applied.get(name)?.did === "put");
  const records = alive.slice(0, limit).map((name) => scannedOf(name, applied.get(name) as Held));
  const hasMore = alive.length > limit;
  return { records, hasMore, end: hasMore ? records.at(-1)?.key : undefined };
}

const alphabet = ["a", "aa", "ab", "b", "\0", "z", "zz", "c", "d", "e", "\u007f", "é", "aé"];
const names = fc.constantFrom(...alphabet);
const did = fc.constantFrom<Held["did"]>("put", "put", "delete", "expired");
const keys = (least: number, most: number): fc.Arbitrary<Keys> =>
  fc
    .array(fc.tuple(names, fc.record({ index: fc.integer({ min: least, max: most }), did })), { maxLength: 14 })
    .map((pairs) => new Map(pairs));
const bounds = fc.record({
  prefix: fc.constantFrom("", "", "a", "é", "zz"),
  limit: fc.integer({ min: 1, max: 4 }),
  bytesMax: fc.constantFrom(1, 150, 10_000),
});

/** Letters of names that are read one by one meanwhile: what it takes to make bytes of them, or to compare them with bytes. */
function lettersRead(work: () => void): number {
  const own = Object.getOwnPropertyDescriptor(String.prototype, "charCodeAt") as PropertyDescriptor;
  const original = own.value as (this: string, at: number) => number;
  let count = 0;
  const counting = function (this: string, at: number): number {
    count++;
    return original.call(this, at);
  };
  // oxlint-disable-next-line no-extend-native -- it is put back below
  Object.defineProperty(String.prototype, "charCodeAt", { ...own, value: counting });
  try {
    work();
  } finally {
    // oxlint-disable-next-line no-extend-native -- as it was
    Object.defineProperty(String.prototype, "charCodeAt", own);
  }
  return count;
}

describe("a page of what is applied, and of what lies ahead of it", () => {
  it("holds of each key the newer one, in order, and followed by others every key once", () => {
    fc.assert(
      fc.property(keys(1, 60), keys(40, 99), bounds, (applied, ahead, { prefix, limit, bytesMax }) => {
        const overlay = new Overlay();
        for (const [name, held] of ahead) overlay.add(keyName(utf8(name)), recordOf(held));
        const found: string[] = [];
        let after: string | undefined;
        for (let pages = 0; pages < 50; pages++) {
          const behind = after === undefined ? undefined : utf8(after);
          const range = { prefix: utf8(prefix), after: behind, now, limit, bytesMax, withValues: true };
          // One record fills a page of one byte.
          const under = pageOf(applied, prefix, after, Math.min(limit, bytesMax));
          const page = withAhead(under, overlay.within(range), range);
          assert.ok(page.records.length <= limit && (bytesMax > 1 || page.records.length <= 1));
          found.push(...page.records.map(({ key, version }) => `${utf8Text(key)} ${version.index}`));
          assert.equal(page.hasMore, page.end !== undefined);
          after = page.end && utf8Text(page.end);
          if (after === undefined) break;
        }
        const expected = sorted(new Set([...applied.keys(), ...ahead.keys()])).flatMap((name) => {
          if (!name.startsWith(prefix)) return [];
          const [under, over] = [applied.get(name), ahead.get(name)];
          const newer = over !== undefined && (under?.index ?? 0) < over.index ? over : under;
          // Of what is gone already, the engine says nothing.
          const seen = under !== undefined && under.did !== "put" ? over : newer;
          return seen?.did === "put" ? [`${name} ${seen.index}`] : [];
        });
        assert.deepEqual(found, expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("is bounded in bytes, shows what it is asked for, and knows a prefix", () => {
    const overlay = new Overlay();
    for (const [at, name] of ["pa", "pb", "q", "o", "p"].entries()) {
      overlay.add(keyName(utf8(name)), { ...recordOf({ index: at + 1, did: "put" }), payload: utf8(`t${name}`) });
    }
    const range = { prefix: utf8("p"), after: utf8("p"), now, limit: 9, bytesMax: 1, withValues: true };
    const over = overlay.within(range);
    assert.deepEqual(
      over.alive.map(({ name }) => name),
      ["pa", "pb"],
    );
    const empty: ScannedPage = { records: [], hasMore: false, end: undefined };
    const partOf = (payload: Uint8Array): Uint8Array => payload.subarray(0, 1);
    const page = withAhead(empty, over, { ...range, partOf });
    assert.deepEqual(
      page.records.map(({ key, payload }) => [utf8Text(key), payload && utf8Text(payload)]),
      [["pa", "t"]],
    );
    assert.deepEqual([page.hasMore, page.end], [true, utf8("pa")]);
    const bare = withAhead(empty, over, { ...range, withValues: false, bytesMax: 10_000 });
    assert.deepEqual(
      bare.records.map(({ payload }) => payload),
      [undefined, undefined],
    );
    assert.ok(
      compareVersions(
        bare.records[0]?.version ?? recordOf({ index: 9, did: "put" }),
        recordOf({ index: 1, did: "put" }),
      ) === 0,
    );
  });

  it("knows keys by names that are ordered as they are, and come back as they were", () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const [one, other] = [keyName(left), keyName(right)];
        assert.deepEqual(keyOf(one), left);
        assert.equal(Math.sign(compareToName(left, other)), Math.sign(compareBytes(left, right)));
        assert.equal(one < other, compareBytes(left, right) < 0);
      }),
    );
    const long = Uint8Array.from({ length: 200_000 }, (_, at) => at % 256);
    assert.deepEqual(keyOf(keyName(long)), long);
  });

  it("costs what it shows, however much lies ahead", () => {
    const overlay = new Overlay();
    const [count, letters] = [10_000, 200];
    // Neither in their order nor against it; each third deletes.
    for (let at = 0; at < count; at++) {
      const name = `k${String((at * 7919) % count).padStart(letters - 1, "0")}`;
      overlay.add(name, recordOf({ index: at + 1, did: at % 3 === 0 ? "delete" : "put" }));
    }
    const applied: Keys = new Map([[`k${"0".repeat(letters - 2)}!`, { index: 1, did: "put" }]]);
    for (const limit of [1, 20]) {
      let made = 0;
      const partOf = (payload: Uint8Array): Uint8Array => {
        made++;
        return payload;
      };
      const range = { prefix: utf8("k"), after: undefined, now, limit, bytesMax: 1_000_000, withValues: true, partOf };
      let [shown, kept] = [0, 0];
      const read = lettersRead(() => {
        const over = overlay.within(range);
        const page = withAhead(pageOf(applied, "k", undefined, limit), over, range);
        [shown, kept] = [page.records.length, over.alive.length];
      });
      assert.equal(shown, limit);
      assert.ok(kept <= limit + 1 && made <= limit + 1, `${kept} picked and ${made} made for ${limit} shown`);
      // Each is made once, and compared with one or two keys of the engine's page.
      assert.ok(read > 0 && read <= (limit + 1) * letters * 4, `${read} letters read for ${limit} shown`);
    }
  });
});
