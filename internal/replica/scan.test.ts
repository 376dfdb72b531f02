import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareBytes, utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { compareVersions } from "./answer.ts";
import { keyName } from "./decide.ts";
import { Overlay } from "./overlay.ts";
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
function pageOf(applied: Keys, after: string | undefined, limit: number): ScannedPage {
  const alive = sorted(applied.keys()).filter((name) => applied.get(name)?.did === "put" && name > (after ?? ""));
  const records = alive.slice(0, limit).map((name) => scannedOf(name, applied.get(name) as Held));
  const hasMore = alive.length > limit;
  return { records, hasMore, end: hasMore ? records.at(-1)?.key : undefined };
}

const names = fc.constantFrom("a", "aa", "ab", "b", "\0", "z", "zz", "c", "d", "e", "\u007f");
const did = fc.constantFrom<Held["did"]>("put", "put", "delete", "expired");
const keys = (least: number, most: number): fc.Arbitrary<Keys> =>
  fc
    .array(fc.tuple(names, fc.record({ index: fc.integer({ min: least, max: most }), did })), { maxLength: 8 })
    .map((pairs) => new Map(pairs));

describe("a page of what is applied, and of what lies ahead of it", () => {
  it("holds of each key the newer one, in order, and followed by others every key once", () => {
    fc.assert(
      fc.property(keys(1, 60), keys(40, 99), fc.integer({ min: 1, max: 4 }), (applied, ahead, limit) => {
        const overlay = new Overlay();
        for (const [name, held] of ahead) overlay.add(keyName(utf8(name)), recordOf(held));
        const found: string[] = [];
        let after: string | undefined;
        for (let pages = 0; pages < 50; pages++) {
          const range = { prefix: utf8(""), after: after === undefined ? undefined : utf8(after), now };
          const bounds = { limit, bytesMax: 10_000, withValues: true };
          const over = overlay.within(range.prefix, range.after);
          const page = withAhead(pageOf(applied, after, limit), over, { ...range, ...bounds });
          assert.ok(page.records.length <= limit);
          found.push(...page.records.map(({ key, version }) => `${utf8Text(key)} ${version.index}`));
          assert.equal(page.hasMore, page.end !== undefined);
          after = page.end && utf8Text(page.end);
          if (after === undefined) break;
        }
        const expected = sorted(new Set([...applied.keys(), ...ahead.keys()])).flatMap((name) => {
          const [under, over] = [applied.get(name), ahead.get(name)];
          const newer = over !== undefined && (under?.index ?? 0) < over.index ? over : under;
          // Of what is gone already, the engine says nothing.
          const seen = under !== undefined && under.did !== "put" ? over : newer;
          return seen?.did === "put" ? [`${name} ${seen.index}`] : [];
        });
        assert.deepEqual(found, expected);
      }),
      { numRuns: 500 },
    );
  });

  it("is bounded in bytes, shows what it is asked for, and knows a prefix", () => {
    const overlay = new Overlay();
    for (const [at, name] of ["pa", "pb", "q", "o", "p"].entries()) {
      overlay.add(keyName(utf8(name)), { ...recordOf({ index: at + 1, did: "put" }), payload: utf8(`t${name}`) });
    }
    const range = { prefix: utf8("p"), after: utf8("p"), now, limit: 9, bytesMax: 1, withValues: true };
    const over = overlay.within(range.prefix, range.after);
    assert.deepEqual(
      over.map(({ key }) => utf8Text(key)),
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
});
