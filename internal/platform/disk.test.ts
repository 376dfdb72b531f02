import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Prng } from "../base/prng.ts";
import {
  DiskFailure,
  readFully,
  readFullyNow,
  writeFully,
  writeFullyNow,
  type DiskFile,
  type JobFile,
} from "./disk.ts";

/** A file that takes and gives only part of what is asked, as a file may, and at least one byte. */
class GrudgingFile {
  readonly path = "folder/file";
  readonly content: Uint8Array;
  private readonly random: Prng;
  calls = 0;
  /** From this size on it takes nothing more. */
  readonly bytesMax: number;

  constructor(content: Uint8Array, seed: number, bytesMax = content.length) {
    this.content = content;
    this.random = new Prng(seed);
    this.bytesMax = bytesMax;
  }

  read(target: Uint8Array, position: number): number {
    const count = this.part(Math.min(target.length, this.content.length - position));
    target.set(this.content.subarray(position, position + count));
    return count;
  }

  write(source: Uint8Array, position: number): number {
    const count = this.part(Math.min(source.length, this.bytesMax - position));
    this.content.set(source.subarray(0, count), position);
    return count;
  }

  private part(most: number): number {
    this.calls++;
    return most <= 0 ? 0 : this.random.between(1, most);
  }
}

/** The same file under both interfaces; only `path`, `read` and `write` are asked for. */
function files(content: Uint8Array, seed: number, bytesMax?: number): { later: DiskFile; now: JobFile } {
  const file = new GrudgingFile(content, seed, bytesMax);
  const later = {
    path: file.path,
    read: (target: Uint8Array, position: number) => Promise.resolve(file.read(target, position)),
    write: (source: Uint8Array, position: number) => Promise.resolve(file.write(source, position)),
  };
  return { later: later as unknown as DiskFile, now: file as unknown as JobFile };
}

test("a short write is gone on with until everything is written, where it belongs", async () => {
  const cases = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat());
  await fc.assert(
    fc.asyncProperty(cases, async ([source, position, seed]) => {
      const expected = new Uint8Array(position + source.length + 10);
      expected.set(source, position);
      const first = new Uint8Array(expected.length);
      await writeFully(files(first, seed).later, source, position);
      assert.deepEqual(first, expected);
      const second = new Uint8Array(expected.length);
      writeFullyNow(files(second, seed).now, source, position);
      assert.deepEqual(second, expected);
    }),
  );
});

test("a write that takes nothing is a full disk, not an endless loop", async () => {
  const source = new Uint8Array(50).fill(1);
  const isFull = (error: unknown): boolean =>
    error instanceof DiskFailure &&
    error.kind === "full" &&
    error.operation === "write" &&
    error.path === "folder/file";
  await assert.rejects(writeFully(files(new Uint8Array(100), 1, 30).later, source, 0), isFull);
  assert.throws(() => writeFullyNow(files(new Uint8Array(100), 1, 30).now, source, 0), isFull);
});

test("a short read is gone on with until the target is full or the file ends", async () => {
  const cases = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(120), fc.nat(120), fc.nat());
  await fc.assert(
    fc.asyncProperty(cases, async ([content, position, length, seed]) => {
      const expected = content.slice(position, position + length);
      for (const readNow of [false, true]) {
        const target = new Uint8Array(length).fill(0xee);
        const { later, now } = files(content.slice(), seed);
        const count = readNow ? readFullyNow(now, target, position) : await readFully(later, target, position);
        assert.equal(count, expected.length);
        assert.deepEqual(target.subarray(0, count), expected);
        assert.ok(target.subarray(count).every((byte) => byte === 0xee));
      }
    }),
  );
});

test("nothing to write or to read asks the file for nothing", async () => {
  const untouched = new Uint8Array(0);
  const file = new GrudgingFile(new Uint8Array(10), 1);
  writeFullyNow(file as unknown as JobFile, untouched, 5);
  assert.equal(readFullyNow(file, untouched, 5), 0);
  await writeFully(file as unknown as DiskFile, untouched, 5);
  assert.equal(await readFully(file as unknown as DiskFile, untouched, 5), 0);
  assert.equal(file.calls, 0);
});

test("a failure says which operation failed on which path, and why", () => {
  const cause = new Error("no space left on device");
  const failure = new DiskFailure("full", "append", "data/log", cause);
  assert.equal(failure.message, "append data/log: no space left on device");
  assert.equal(failure.cause, cause);
  assert.equal(failure.name, "DiskFailure");
  assert.equal(new DiskFailure("in_use", "lock", "data").message, "lock data: in_use");
});
