import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BlockCache } from "./block-cache.ts";
import { LooseBlocks } from "./loose-blocks.ts";

const frameBytes = 16;

/** Fills a frame with a pattern that names its block; false when there is no frame. */
function put(cache: BlockCache, file: number, offset: number): number {
  const frame = cache.claim();
  if (frame < 0) return -1;
  const start = cache.startOf(frame);
  cache.slabOf(frame).fill(pattern(file, offset), start, start + frameBytes);
  cache.publish(frame, file, offset, 0);
  return frame;
}

function pattern(file: number, offset: number): number {
  return (file * 31 + offset * 7) & 0xff;
}

function holds(cache: BlockCache, frame: number, file: number, offset: number): boolean {
  const start = cache.startOf(frame);
  return cache
    .slabOf(frame)
    .subarray(start, start + frameBytes)
    .every((byte) => byte === pattern(file, offset));
}

type Step =
  | { readonly do: "put" | "find" | "hold"; readonly file: number; readonly offset: number }
  | { readonly do: "release"; readonly which: number }
  | { readonly do: "purge"; readonly file: number };

const file = fc.constantFrom(1, 2, 2 ** 32 + 1, 2 ** 40);
const offset = fc.constantFrom(0, 4096, 8192, 2 ** 32, 2 ** 33 + 4096);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom("put" as const, "find" as const, "hold" as const), file, offset }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("purge" as const), file }) },
);

describe("the block cache", () => {
  test("never shows another block's bytes, nor changes pinned ones", () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(anyStep, { size: "max", maxLength: 300 }),
      (frames, steps) => {
        const cache = new BlockCache(frames * frameBytes, frameBytes);
        assert.equal(cache.frames, frames);
        const pinned: { frame: number; file: number; offset: number }[] = [];
        for (const step of steps) {
          if (step.do === "release") {
            const [gone] = pinned.splice(step.which % Math.max(1, pinned.length), 1);
            if (gone !== undefined) cache.unpin(gone.frame);
          } else if (step.do === "purge") {
            cache.purge(step.file);
            for (const each of [0, 4096, 8192, 2 ** 32, 2 ** 33 + 4096]) assert.ok(!cache.has(step.file, each));
          } else if (step.do === "put") {
            const frame = put(cache, step.file, step.offset);
            assert.equal(frame < 0, new Set(pinned.map((pin) => pin.frame)).size === frames);
            if (frame >= 0) {
              assert.ok(cache.has(step.file, step.offset));
              cache.unpin(frame);
            }
          } else {
            const frame = cache.find(step.file, step.offset);
            if (frame >= 0) assert.ok(holds(cache, frame, step.file, step.offset));
            if (frame >= 0 && step.do === "hold") {
              cache.pin(frame);
              pinned.push({ frame, file: step.file, offset: step.offset });
            }
          }
          for (const pin of pinned) assert.ok(holds(cache, pin.frame, pin.file, pin.offset), "pinned bytes changed");
          cache.checkInvariants();
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test("keeps what is used often when a scan passes through", () => {
    const cache = new BlockCache(100 * frameBytes, frameBytes);
    for (let at = 0; at < 50; at++) cache.unpin(put(cache, 1, at));
    for (let round = 0; round < 3; round++) for (let at = 0; at < 50; at++) assert.ok(cache.find(1, at) >= 0);
    for (let at = 0; at < 1000; at++) {
      cache.unpin(put(cache, 2, at));
      cache.find(2, at);
      assert.ok(cache.find(1, at % 50) >= 0, `block ${at % 50} after ${at} others`);
    }
  });

  test("counts hits, misses and evictions", () => {
    const cache = new BlockCache(2 * frameBytes, frameBytes);
    assert.equal(cache.find(1, 0), -1);
    for (const at of [0, 1, 2]) cache.unpin(put(cache, 1, at));
    assert.ok(cache.find(1, 2) >= 0);
    assert.deepEqual(cache.stats, { hits: 1, misses: 1, evictions: 1 });
  });

  test("has no frame when all are pinned, and one again when one is not", () => {
    const cache = new BlockCache(3 * frameBytes, frameBytes);
    const frames = [0, 1, 2].map((at) => put(cache, 1, at));
    assert.equal(cache.pinned, 3);
    assert.equal(cache.claim(), -1);
    cache.unpin(frames[1] as number);
    assert.equal(cache.claim(), frames[1]);
    assert.ok(!cache.has(1, 1));
  });

  test("of a second copy of a block keeps the first", () => {
    const cache = new BlockCache(4 * frameBytes, frameBytes);
    const first = put(cache, 1, 0);
    const second = put(cache, 1, 0);
    assert.notEqual(first, second);
    assert.equal(cache.find(1, 0), first);
    cache.unpin(first);
    cache.unpin(second);
    cache.purge(1);
    assert.ok(!cache.has(1, 0));
    cache.checkInvariants();
  });

  test("forgets a purged file at once, and leaves pinned bytes alone until they are released", () => {
    const cache = new BlockCache(2 * frameBytes, frameBytes);
    const frame = put(cache, 5, 0);
    cache.purge(5);
    assert.equal(cache.find(5, 0), -1);
    const other = put(cache, 6, 0);
    assert.notEqual(other, frame);
    assert.ok(holds(cache, frame, 5, 0));
    assert.equal(cache.claim(), -1);
    cache.unpin(frame);
    assert.equal(cache.claim(), frame);
  });
});

describe("loose blocks", () => {
  const block = (at: number, length: number) => ({ file: 1, offset: at, bytes: new Uint8Array(length).fill(at) });

  test("are bounded in bytes and in count, the least used go first", () => {
    const loose = new LooseBlocks(100);
    for (const at of [1, 2, 3]) loose.add(block(at, 40));
    assert.equal(loose.find(1, 1), undefined);
    assert.equal(loose.bytesHeld, 80);
    assert.deepEqual(loose.find(1, 2), block(2, 40).bytes);
    loose.add(block(4, 40));
    assert.equal(loose.find(1, 3), undefined);
    assert.ok(loose.find(1, 2) !== undefined);
    for (let at = 10; at < 200; at++) loose.add(block(at, 0));
    assert.ok(loose.find(1, 199) !== undefined);
    assert.equal(loose.find(1, 100), undefined);
  });

  test("keep the newest even when it is larger than the bound", () => {
    const loose = new LooseBlocks(10);
    loose.add(block(1, 5));
    loose.add(block(2, 500));
    assert.deepEqual(loose.find(1, 2)?.length, 500);
    assert.equal(loose.find(1, 1), undefined);
    loose.add(block(3, 5));
    assert.equal(loose.bytesHeld, 5);
  });

  test("of a purged file are gone", () => {
    const loose = new LooseBlocks(1000);
    loose.add(block(1, 5));
    loose.add({ ...block(2, 7), file: 2 });
    loose.purge(1);
    assert.equal(loose.find(1, 1), undefined);
    assert.ok(loose.find(2, 2) !== undefined);
    assert.equal(loose.bytesHeld, 7);
    loose.purge(2);
    assert.ok(loose.isEmpty);
  });
});
