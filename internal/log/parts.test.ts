// The small parts of the log, each on its own: term runs, the index of the cached tail, chunks, names,
// options, waiters, the histogram.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TrefoilError } from "../base/errors.ts";
import type { BatchNumber } from "./batch-stager.ts";
import { ChunkCache, offsetOfAddress } from "./chunk-cache.ts";
import { DurationHistogram, durationBoundsMilliseconds } from "./log-stats.ts";
import { chunkBytesOf, completeOptions, logOptionsDefault } from "./options.ts";
import { ProgressWaiters } from "./progress-waiters.ts";
import { draftName, parseLogName, segmentName, spareName } from "./segment.ts";
import { TailIndex } from "./tail-index.ts";
import { TermRuns } from "./term-runs.ts";

describe("term runs", () => {
  it("agree with a list of terms, over random appends, truncations and drops", () => {
    const step = fc.record({ rise: fc.nat(2), cut: fc.nat(8), drop: fc.nat(3), what: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const runs = new TermRuns();
        const terms: number[] = [];
        let base = 0;
        for (const { rise, cut, drop, what } of steps) {
          if (what < 7) {
            terms.push((terms.at(-1) ?? 1) + (what === 0 ? rise : 0));
            runs.push(terms.length, terms.at(-1) as number);
          } else if (what === 7 && terms.length - base > 1) {
            terms.length = Math.max(base + 1, terms.length - cut);
            runs.truncateFrom(terms.length + 1);
          } else if (base + drop < terms.length) {
            base += drop;
            runs.dropUpTo(base);
          }
          for (let index = base + 1; index <= terms.length; index++) assert.equal(runs.of(index), terms[index - 1]);
          assert.ok(runs.count <= new Set(terms.slice(base)).size);
        }
      }),
    );
  });

  it("refuse a term that falls", () => {
    const runs = new TermRuns();
    runs.push(1, 5);
    assert.throws(() => runs.push(2, 4), /term below/);
  });
});

describe("tail index", () => {
  it("knows the addresses that are still in memory, and no others", () => {
    const tail = new TailIndex();
    for (let index = 1; index <= 100; index++) tail.push(index, index * 10, 0);
    assert.equal(tail.find(100, 0), 1000);
    assert.equal(tail.find(101, 0), -1);
    assert.equal(tail.find(50, 501), -1);
    tail.push(101, 1010, 505);
    assert.equal(tail.firstIndex, 51);
    tail.truncateFrom(60);
    assert.equal(tail.find(60, 505), -1);
    assert.equal(tail.find(59, 505), 590);
    tail.push(60, 2000, 505);
    assert.equal(tail.find(60, 505), 2000);
  });

  it("begins anew behind a gap, and gives back its memory when it is emptied", () => {
    const tail = new TailIndex();
    for (let index = 1; index <= 5000; index++) tail.push(index, index, 0);
    tail.push(9000, 9000, 0);
    assert.equal(tail.find(5000, 0), -1);
    assert.equal(tail.find(9000, 0), 9000);
    tail.trim(10_000);
    assert.equal(tail.size, 0);
    tail.push(9001, 10_001, 10_000);
    assert.equal(tail.find(9001, 10_000), 10_001);
  });
});

describe("chunk cache", () => {
  it("keeps to its bound, oldest out first, and never lets go of what is not written", () => {
    const cache = new ChunkCache(100, 300);
    const take = (bytes: number): ReturnType<ChunkCache["withRoom"]> => {
      const chunk = cache.withRoom(bytes);
      chunk.used += bytes;
      return chunk;
    };
    const first = take(100);
    first.batchesUnwritten = 1;
    for (let n = 0; n < 4; n++) take(100);
    assert.equal(cache.oldest, first.address, "an unwritten chunk stays, beyond the bound");
    assert.equal(cache.bytesHeld, 500);
    first.batchesUnwritten = 0;
    const newest = take(100);
    assert.equal(cache.bytesHeld, 300);
    assert.equal(cache.oldest, newest.address - 2 * 2 ** 25);
    const large = take(250);
    assert.equal(large.bytes.length, 250);
    assert.equal(cache.chunkOf(large.address + 7), large);
    assert.equal(offsetOfAddress(large.address + 7), 7);
  });

  it("fills a chunk before it takes another", () => {
    const cache = new ChunkCache(100, 300);
    const chunk = cache.withRoom(40);
    chunk.used = 60;
    assert.equal(cache.withRoom(40), chunk);
    assert.notEqual(cache.withRoom(41), chunk);
  });
});

describe("file names", () => {
  it("are read back as they were given, and nothing else is one", () => {
    assert.equal(segmentName(7), "00000007.log");
    assert.deepEqual(parseLogName(segmentName(7)), { kind: "segment", number: 7 });
    assert.deepEqual(parseLogName(spareName(123_456_789)), { kind: "spare", number: 123_456_789 });
    assert.deepEqual(parseLogName(draftName(1)), { kind: "draft", number: 1 });
    for (const name of ["7.log", "00000000.log", "000000007.log", "00000007.LOG", "00000007.log.bak", "x.log", ""]) {
      assert.equal(parseLogName(name), undefined, name);
    }
  });
});

describe("options", () => {
  it("tell every violation at once", () => {
    const wrong = { segmentBytes: 1, batchBytesMax: 0.5, fsync: { kind: "interval", milliseconds: 0 } } as const;
    assert.throws(
      () => completeOptions(wrong),
      (reason: unknown) =>
        reason instanceof TrefoilError &&
        reason.code === "bad_request" &&
        ["segmentBytes", "batchBytesMax", "fsync: an interval"].every((name) => reason.message.includes(name)),
    );
    assert.deepEqual(completeOptions({}), logOptionsDefault);
    assert.equal(chunkBytesOf(logOptionsDefault), 4 * 1024 * 1024);
  });
});

describe("progress waiters", () => {
  it("settle in order, share a promise, and reject when nothing will move any more", async () => {
    const progress = { written: 0 as BatchNumber, durable: 0 as BatchNumber, failure: undefined as Error | undefined };
    const waiters = new ProgressWaiters(progress);
    const seen: string[] = [];
    const all = [1, 2, 2].map((number) =>
      waiters.whenDurable(number as BatchNumber).then(() => seen.push(`d${number}`)),
    );
    all.push(waiters.whenWritten(2 as BatchNumber).then(() => seen.push("w2")));
    progress.written = 2 as BatchNumber;
    waiters.moved();
    await Promise.resolve();
    progress.durable = 1 as BatchNumber;
    waiters.moved();
    await all[0];
    progress.durable = 2 as BatchNumber;
    waiters.moved();
    await Promise.all(all);
    assert.deepEqual(seen, ["w2", "d1", "d2", "d2"]);
    await waiters.whenDurable(2 as BatchNumber);
    const late = assert.rejects(waiters.whenDurable(3 as BatchNumber), /over/);
    const moved = assert.rejects(waiters.whenMoved(), /over/);
    progress.failure = new Error("over");
    waiters.moved();
    await Promise.all([late, moved]);
    await assert.rejects(waiters.whenWritten(3 as BatchNumber), /over/);
    await assert.rejects(waiters.whenMoved(), /over/);
  });
});

describe("duration histogram", () => {
  it("counts each duration in the bucket that ends at or above it", () => {
    const histogram = new DurationHistogram();
    for (const milliseconds of [0, 0.05, 0.051, 1.6, 99_999]) histogram.add(milliseconds);
    assert.equal(histogram.count, 5);
    assert.deepEqual([histogram.counts[0], histogram.counts[1], histogram.counts[5]], [2, 1, 1]);
    assert.equal(histogram.counts[durationBoundsMilliseconds.length], 1);
    assert.equal(Math.round(histogram.sumMilliseconds), 100_001);
  });
});
