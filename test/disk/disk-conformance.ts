// What every Disk must do, whatever stands behind it. Each implementation's test calls this with a
// factory; both faces are driven, since jobs and main thread see the same files.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { equalBytes, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import {
  DiskFailure,
  readFully,
  readFullyNow,
  writeFully,
  writeFullyNow,
  type Disk,
  type DiskFailureKind,
} from "../../internal/platform/disk.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An empty folder that is there. */
  readonly folder: string;
  dispose(): Promise<void>;
}

export type MakeDisk = () => Promise<DiskUnderTest>;
type Run = (disk: Disk, folder: string) => Promise<void>;
type Check = (name: string, run: Run) => void;

export function describeDisk(name: string, make: MakeDisk): void {
  const check: Check = (what, run) => {
    it(what, async () => {
      const made = await make();
      try {
        await run(made.disk, made.folder);
      } finally {
        await made.dispose();
      }
    });
  };
  describe(`disk: ${name}`, () => {
    checkOpening(check);
    checkBytes(check);
    checkNames(check);
    checkFolders(check);
    checkLocks(check);
    checkJobs(check);
    checkAgainstModel(check);
  });
}

function checkOpening(check: Check): void {
  check("a file that is not there is not found", async (disk, folder) => {
    await fails("not_found", disk.openFile(`${folder}/a`, { access: "read" }));
    await fails("not_found", disk.openFile(`${folder}/a`, { access: "write" }));
    await fails("not_found", disk.openFile(`${folder}/no/a`, { access: "write", create: "may" }));
    assert.equal(await disk.sizeOf(`${folder}/a`), undefined);
  });

  check("create must fails on a file that is there, create may opens it as it is", async (disk, folder) => {
    await put(disk, `${folder}/a`, "one");
    await fails("exists", disk.openFile(`${folder}/a`, { access: "write", create: "must" }));
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "may" });
    assert.equal(file.path, `${folder}/a`);
    assert.equal(await file.size(), 3);
    await file.close();
    assert.equal(await text(disk, `${folder}/a`), "one");
  });

  check("a failure names its kind, operation and path", async (disk, folder) => {
    const failure = await disk.openFile(`${folder}/a`, { access: "read" }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(failure instanceof DiskFailure);
    assert.equal(failure.operation, "openFile");
    assert.equal(failure.path, `${folder}/a`);
    assert.match(failure.message, /openFile .*a/);
  });
}

function checkBytes(check: Check): void {
  check("what was written is read, and reads are short only at the end", async (disk, folder) => {
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
    await writeFully(file, utf8("hello world"), 0);
    await file.syncData();
    const target = new Uint8Array(5);
    assert.equal(await readFully(file, target, 6), 5);
    assert.equal(utf8Text(target), "world");
    assert.equal(await readFully(file, target, 9), 2);
    assert.equal(await file.read(target, 11), 0);
    assert.equal(await file.read(target, 1000), 0);
    assert.equal(readFullyNow({ read: (into, at) => file.readNow(into, at) }, target, 0), 5);
    assert.equal(utf8Text(target), "hello");
    assert.equal(await file.size(), 11);
    await file.close();
  });

  check("a gap reads as zeros", async (disk, folder) => {
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
    await writeFully(file, utf8("end"), 10_000);
    assert.equal(await file.size(), 10_003);
    const target = new Uint8Array(10_003).fill(255);
    assert.equal(await readFully(file, target, 0), 10_003);
    assert.ok(target.subarray(0, 10_000).every((byte) => byte === 0));
    assert.equal(utf8Text(target.subarray(10_000)), "end");
    await file.close();
  });

  check("vectors land one behind the other, appends at the end", async (disk, folder) => {
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
    assert.equal(await file.writeVector([utf8("ab"), utf8(""), utf8("cde")], 2), 5);
    assert.equal(await file.append(utf8("fg")), 2);
    assert.equal(await file.append(utf8("h")), 1);
    await file.close();
    assert.equal(await text(disk, `${folder}/a`), "\0\0abcdefgh");
  });

  check("truncation cuts, and grows with zeros", async (disk, folder) => {
    await put(disk, `${folder}/a`, "hello world");
    const file = await disk.openFile(`${folder}/a`, { access: "write" });
    await file.truncate(5);
    assert.equal(await file.size(), 5);
    await file.truncate(8);
    await file.close();
    assert.equal(await text(disk, `${folder}/a`), "hello\0\0\0");
    assert.equal(await disk.sizeOf(`${folder}/a`), 8);
  });

  check("a file whose writes sync reads and writes like others", async (disk, folder) => {
    const path = `${folder}/log`;
    const file = await disk.openFile(path, { access: "write", create: "must", writesSync: true });
    await writeFully(file, new Uint8Array(4096), 0);
    await writeFully(file, utf8("record"), 512);
    await file.close();
    const again = await disk.openFile(path, { access: "write", writesSync: true });
    const target = new Uint8Array(6);
    await readFully(again, target, 512);
    assert.equal(utf8Text(target), "record");
    await again.close();
  });

  check("shared memory can be written from and read into", async (disk, folder) => {
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    shared.set(utf8("shared"), 8);
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
    await writeFully(file, shared.subarray(8, 14), 0);
    assert.equal(await file.read(shared.subarray(32, 38), 0), 6);
    assert.equal(Buffer.from(shared.slice(32, 38)).toString(), "shared");
    assert.equal(await file.writeVector([shared.subarray(8, 10), shared.subarray(10, 14)], 6), 6);
    assert.equal(file.readNow(shared.subarray(40, 46), 6), 6);
    assert.equal(Buffer.from(shared.slice(40, 46)).toString(), "shared");
    await file.close();
  });

  check("many calls at once on many files", async (disk, folder) => {
    const names = Array.from({ length: 20 }, (_, at) => `${folder}/f${at}`);
    const files = await Promise.all(names.map((path) => disk.openFile(path, { access: "write", create: "must" })));
    await Promise.all(files.map((file, at) => writeFully(file, new Uint8Array(1000).fill(at), 0)));
    const sizes = await Promise.all(files.map((file) => file.size()));
    assert.deepEqual(sizes, Array(20).fill(1000));
    const targets = files.map(() => new Uint8Array(1000));
    await Promise.all(files.map((file, at) => readFully(file, targets[at] as Uint8Array, 0)));
    targets.forEach((target, at) => assert.ok(target.every((byte) => byte === at)));
    await Promise.all(files.map((file) => file.syncData()));
    await Promise.all(files.map((file) => file.close()));
  });
}

function checkNames(check: Check): void {
  check("rename replaces its target and keeps open files open", async (disk, folder) => {
    await put(disk, `${folder}/a`, "new");
    await put(disk, `${folder}/b`, "old");
    const old = await disk.openFile(`${folder}/b`, { access: "read" });
    await disk.rename(`${folder}/a`, `${folder}/b`);
    await disk.syncFolder(folder);
    assert.deepEqual(await disk.list(folder), ["b"]);
    assert.equal(await text(disk, `${folder}/b`), "new");
    const target = new Uint8Array(3);
    await readFully(old, target, 0);
    assert.equal(utf8Text(target), "old");
    await old.close();
    await fails("not_found", disk.rename(`${folder}/a`, `${folder}/b`));
  });

  check("rename moves between folders, and moves folders", async (disk, folder) => {
    await disk.makeFolder(`${folder}/x`);
    await put(disk, `${folder}/a`, "moved");
    await disk.rename(`${folder}/a`, `${folder}/x/b`);
    assert.deepEqual(await disk.list(folder), ["x"]);
    await disk.rename(`${folder}/x`, `${folder}/y`);
    assert.deepEqual(await disk.list(folder), ["y"]);
    assert.equal(await text(disk, `${folder}/y/b`), "moved");
  });

  check("a link is the same file, until one name is removed", async (disk, folder) => {
    await put(disk, `${folder}/a`, "one");
    await disk.link(`${folder}/a`, `${folder}/b`);
    await fails("exists", disk.link(`${folder}/a`, `${folder}/b`));
    await fails("not_found", disk.link(`${folder}/no`, `${folder}/c`));
    const file = await disk.openFile(`${folder}/b`, { access: "write" });
    await file.write(utf8("two"), 0);
    await file.close();
    assert.equal(await text(disk, `${folder}/a`), "two");
    await disk.remove(`${folder}/a`);
    assert.equal(await text(disk, `${folder}/b`), "two");
  });

  check("a removed file is gone, but for those who have it open", async (disk, folder) => {
    await put(disk, `${folder}/a`, "kept");
    const file = await disk.openFile(`${folder}/a`, { access: "read" });
    await disk.remove(`${folder}/a`);
    await fails("not_found", disk.remove(`${folder}/a`));
    assert.deepEqual(await disk.list(folder), []);
    const target = new Uint8Array(4);
    await readFully(file, target, 0);
    assert.equal(utf8Text(target), "kept");
    await file.close();
  });
}

function checkFolders(check: Check): void {
  check("folders are made with their parents, listed sorted, removed when empty", async (disk, folder) => {
    await disk.makeFolder(`${folder}/x/y/z`);
    await disk.makeFolder(`${folder}/x/y/z`);
    for (const name of ["b", "a", "10", "9"]) await put(disk, `${folder}/x/${name}`, name);
    assert.deepEqual(await disk.list(`${folder}/x`), ["10", "9", "a", "b", "y"]);
    await fails("failed", disk.removeFolder(`${folder}/x`));
    await disk.removeFolder(`${folder}/x/y/z`);
    await fails("not_found", disk.removeFolder(`${folder}/x/y/z`));
    await fails("not_found", disk.list(`${folder}/x/y/z`));
    await fails("not_found", disk.syncFolder(`${folder}/x/y/z`));
    await fails("exists", disk.makeFolder(`${folder}/x/a`));
    await disk.syncFolder(`${folder}/x`);
    await disk.syncFolder(folder);
  });

  check("a folder has no size, its file system has free bytes", async (disk, folder) => {
    assert.equal(await disk.sizeOf(folder), undefined);
    assert.ok((await disk.freeBytes(folder)) > 0);
    await fails("not_found", disk.freeBytes(`${folder}/no`));
  });
}

function checkLocks(check: Check): void {
  check("a folder is held by one at a time, and shows nothing of it", async (disk, folder) => {
    const lock = await disk.lockFolder(folder);
    assert.deepEqual(await disk.list(folder), []);
    await fails("in_use", disk.lockFolder(folder));
    await lock.release();
    const again = await disk.lockFolder(folder);
    await fails("in_use", disk.lockFolder(`${folder}/`));
    await again.release();
    await fails("not_found", disk.lockFolder(`${folder}/no`));
  });
}

function checkJobs(check: Check): void {
  check("jobs see the same files", async (disk, folder) => {
    const made = disk.jobs.createFile(`${folder}/a`);
    assert.equal(made.path, `${folder}/a`);
    writeFullyNow(made, utf8("from a job"), 0);
    made.syncData();
    assert.equal(made.size(), 10);
    made.close();
    assert.equal(await text(disk, `${folder}/a`), "from a job");
    await put(disk, `${folder}/b`, "from the main thread");
    const opened = disk.jobs.openFile(`${folder}/b`);
    const target = new Uint8Array(30);
    assert.equal(readFullyNow(opened, target, 9), 11);
    assert.equal(utf8Text(target.subarray(0, 11)), "main thread");
    opened.close();
  });

  check("a job's failures have their kinds", async (disk, folder) => {
    failsNow("not_found", () => disk.jobs.openFile(`${folder}/a`));
    failsNow("not_found", () => disk.jobs.createFile(`${folder}/no/a`));
    disk.jobs.createFile(`${folder}/a`).close();
    failsNow("exists", () => disk.jobs.createFile(`${folder}/a`));
  });
}

/** Random writes, truncations and reads on one file, held against a plain array. */
function checkAgainstModel(check: Check): void {
  check("a long run of random calls gives what an array gives", async (disk, folder) => {
    const seed = 0x5eed;
    const random = new Prng(seed);
    const file = await disk.openFile(`${folder}/random`, { access: "write", create: "must" });
    let model = new Uint8Array(0);
    const grow = (bytes: number): void => {
      const larger = new Uint8Array(bytes);
      larger.set(model.subarray(0, Math.min(bytes, model.length)));
      model = larger;
    };
    for (let step = 0; step < 300; step++) {
      const position = random.below(20_000);
      const bytes = new Uint8Array(random.below(random.chance(1, 2) ? 100 : 9000));
      random.fill(bytes);
      if (random.chance(1, 10)) {
        await file.truncate(position);
        grow(position);
      } else if (random.chance(1, 2)) {
        const at = random.chance(1, 4) ? model.length : position;
        await writeFully(file, bytes, at);
        if (bytes.length > 0 && at + bytes.length > model.length) grow(at + bytes.length);
        model.set(bytes, bytes.length > 0 ? at : 0);
      } else {
        const target = new Uint8Array(bytes.length);
        const length = await readFully(file, target, position);
        const expected = model.subarray(position, position + target.length);
        assert.ok(equalBytes(target.subarray(0, length), expected), `read of seed ${seed} at step ${step}`);
      }
    }
    assert.equal(await file.size(), model.length);
    await file.close();
  });
}

async function put(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.openFile(path, { access: "write", create: "must" });
  await writeFully(file, utf8(content), 0);
  await file.close();
}

async function text(disk: Disk, path: string): Promise<string> {
  const file = await disk.openFile(path, { access: "read" });
  const bytes = new Uint8Array(await file.size());
  await readFully(file, bytes, 0);
  await file.close();
  return utf8Text(bytes);
}

async function fails(kind: DiskFailureKind, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (reason) => isFailure(kind, reason));
}

function failsNow(kind: DiskFailureKind, call: () => unknown): void {
  assert.throws(call, (reason) => isFailure(kind, reason));
}

function isFailure(kind: DiskFailureKind, reason: unknown): boolean {
  assert.ok(reason instanceof DiskFailure, `not a DiskFailure: ${String(reason)}`);
  assert.equal(reason.kind, kind, reason.message);
  return true;
}
