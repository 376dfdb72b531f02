import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { describeDisk } from "../../test/disk/disk-conformance.ts";
import { AssertionFailure } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import { DiskFailure } from "../platform/disk.ts";
import { toDiskFailure } from "./disk-failures.ts";
import { RealDisk } from "./real-disk.ts";

describeDisk("real", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trefoil-disk-"));
  return { disk: new RealDisk(), folder, dispose: () => rm(folder, { recursive: true }) };
});

describeDisk("real, through a pool of one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trefoil-disk-"));
  return { disk: new RealDisk({ poolThreads: 1 }), folder, dispose: () => rm(folder, { recursive: true }) };
});

describe("real disk", () => {
  it("keeps files and folders to their owner", async () => {
    await withFolder(async (folder) => {
      const disk = new RealDisk();
      await disk.makeFolder(`${folder}/a/b`);
      for (const options of [{}, { writesSync: true }]) {
        const path = `${folder}/a/${Object.keys(options).length}`;
        const file = await disk.openFile(path, { access: "write", create: "must", ...options });
        await file.close();
        assert.equal((await stat(path)).mode & 0o777, 0o600);
      }
      disk.jobs.createFile(`${folder}/job`).close();
      assert.equal((await stat(`${folder}/job`)).mode & 0o777, 0o600);
      assert.equal((await stat(`${folder}/a`)).mode & 0o777, 0o700);
      assert.equal((await stat(`${folder}/a/b`)).mode & 0o777, 0o700);
    });
  });

  it("does not wait on a pipe that stands where a file should", async () => {
    await withFolder(async (folder) => {
      execFileSync("mkfifo", [`${folder}/pipe`]);
      const disk = new RealDisk();
      const isTold = (failure: unknown): boolean =>
        failure instanceof DiskFailure && failure.kind === "failed" && /no regular file/.test(failure.message);
      for (const access of ["read", "write"] as const) {
        await assert.rejects(disk.openFile(`${folder}/pipe`, { access }), isTold);
      }
      assert.throws(() => disk.jobs.openFile(`${folder}/pipe`), isTold);
    });
  });

  it("says when another folder has taken the place of one that it synced, until it is locked again", async () => {
    await withFolder(async (folder) => {
      const disk = new RealDisk();
      const own = `${folder}/own`;
      await disk.makeFolder(own);
      const held = await disk.lockFolder(own);
      await disk.syncFolder(own);
      await disk.syncFolder(own);
      await rename(own, `${folder}/moved`);
      await mkdir(own);
      const isTold = (failure: unknown): boolean =>
        failure instanceof DiskFailure && failure.kind === "failed" && /moved or replaced/.test(failure.message);
      await assert.rejects(disk.syncFolder(own), isTold);
      await held.release();
      const lock = await disk.lockFolder(own);
      await disk.syncFolder(own);
      await disk.makeFolder(`${own}/part`);
      await disk.syncFolder(`${own}/part`);
      await disk.rename(`${own}/part`, `${own}/aside`);
      await disk.makeFolder(`${own}/part`);
      await disk.syncFolder(`${own}/part`);
      for (const name of ["part", "aside"]) await disk.removeFolder(`${own}/${name}`);
      await lock.release();
      await disk.removeFolder(own);
      await disk.makeFolder(own);
      await disk.syncFolder(own);
    });
  });

  it("makes a path absolute, which another folder of the process later does not change", () => {
    const disk = new RealDisk();
    assert.equal(disk.absolute("a/../b"), join(process.cwd(), "b"));
    assert.equal(disk.absolute("/not/there/"), "/not/there");
  });

  it("makes a path absolute without its links, also of what is not there yet", async () => {
    await withFolder(async (folder) => {
      const disk = new RealDisk();
      await mkdir(`${folder}/real`);
      await symlink(`${folder}/real`, `${folder}/link`);
      const real = await realpath(`${folder}/real`);
      assert.equal(disk.absolute(`${folder}/link`), real);
      assert.equal(disk.absolute(`${folder}/link/a/b`), `${real}/a/b`);
    });
  });

  it("stops on what is a bug: closing under a call, using a closed file, writing to one read", async () => {
    await withFolder(async (folder) => {
      const disk = new RealDisk();
      const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
      const write = file.write(utf8("x"), 0);
      assert.throws(() => file.close(), AssertionFailure);
      await write;
      await file.close();
      assert.throws(() => file.readNow(new Uint8Array(1), 0), AssertionFailure);
      const reader = await disk.openFile(`${folder}/a`, { access: "read" });
      assert.throws(() => reader.write(utf8("x"), 0), AssertionFailure);
      await reader.close();
      const job = disk.jobs.openFile(`${folder}/a`);
      assert.throws(() => job.write(utf8("x"), 0), AssertionFailure);
      job.close();
      assert.throws(() => job.size(), AssertionFailure);
    });
  });

  it("a path that no system takes is a failure, and holds no place in the gate", async () => {
    const disk = new RealDisk({ poolThreads: 1 });
    for (let round = 0; round < 5; round++) {
      await assert.rejects(disk.sizeOf("/tmp/\0"), DiskFailure);
    }
    assert.equal(await disk.sizeOf("/tmp/does-not-exist-here"), undefined);
  });

  it("tells kinds of failure by errno", () => {
    const kinds = ["ENOENT", "EEXIST", "ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EMFILE", "EIO"].map((code) => {
      const reason = Object.assign(new Error(`${code}: as the system says`), { code });
      const failure = toDiskFailure(reason, "write", "/a");
      assert.equal(failure.message, `write /a: ${code}: as the system says`);
      assert.equal(failure.cause, reason);
      return failure.kind;
    });
    assert.deepEqual(kinds, [
      "not_found",
      "exists",
      "full",
      "full",
      "denied",
      "denied",
      "denied",
      "exhausted",
      "failed",
    ]);
    assert.equal(toDiskFailure("odd", "write", "/a").kind, "failed");
  });

  it("a full device fails with full", async () => {
    // /dev/full is Linux's; elsewhere the kinds above are all that can be shown without a small disk.
    if (process.platform !== "linux") return;
    const file = await new RealDisk().openFile("/dev/full", { access: "write" });
    await assert.rejects(file.write(utf8("x"), 0), (reason) => reason instanceof DiskFailure && reason.kind === "full");
    await file.close();
  });
});

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trefoil-disk-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
