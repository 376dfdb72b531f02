import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { LockOrder, LockReport } from "../../test/disk/lock-child.ts";
import { DiskFailure, type FolderLock } from "../platform/disk.ts";
import { lockFolder } from "./folder-lock.ts";
import { shortenFolder } from "./socket-folder.ts";

/** Children that a failed test did not come to end. */
const living = new Set<ChildProcess>();
const childEntry = new URL("../../test/disk/lock-child.js", import.meta.url);

describe("folder lock", () => {
  const folders: string[] = [];
  after(async () => {
    for (const child of living) child.kill("SIGKILL");
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  it("is freed by the death of its holder, who is named while it lives", async () => {
    const folder = await makeFolder(folders);
    const holder = startChild();
    assert.equal((await tell(holder, { order: "take", folder })).result, "held");
    await assert.rejects(lockFolder(folder), (reason) => {
      assert.ok(reason instanceof DiskFailure);
      assert.equal(reason.kind, "in_use");
      assert.match(reason.message, new RegExp(`in use by another process \\(${holder.pid}\\);`));
      assert.ok(reason.message.includes(folder));
      return true;
    });
    await kill(holder);
    assert.equal((await readdir(folder)).length, 1, "the dead holder's socket is still there");
    const lock = await lockFolder(folder);
    assert.equal((await readdir(folder)).length, 1, "and was removed by the next one");
    await lock.release();
    assert.deepEqual(await readdir(folder), []);
  });

  it("a stopped holder still holds", async () => {
    const folder = await makeFolder(folders);
    const holder = startChild();
    assert.equal((await tell(holder, { order: "take", folder })).result, "held");
    holder.kill("SIGSTOP");
    await assert.rejects(lockFolder(folder), (reason) => reason instanceof DiskFailure && reason.kind === "in_use");
    holder.kill("SIGCONT");
    assert.equal((await tell(holder, { order: "release" })).result, "released");
    await (await lockFolder(folder)).release();
    await kill(holder);
  });

  it("eight simultaneous starters, twenty rounds: exactly one holds each time", async () => {
    const folder = await makeFolder(folders);
    const children = Array.from({ length: 8 }, startChild);
    for (let round = 0; round < 20; round++) {
      const reports = await Promise.all(children.map((child) => tell(child, { order: "take", folder })));
      const winners = children.filter((_, at) => reports[at]?.result === "held");
      assert.equal(winners.length, 1, `round ${round}: ${JSON.stringify(reports)}`);
      for (const report of reports) assert.match(report.detail, /^(in_use: .*)?$/);
      const winner = winners[0] as ChildProcess;
      // Every other round the winner dies with its socket left behind, and a new process takes its place.
      if (round % 2 === 0) {
        await kill(winner);
        children[children.indexOf(winner)] = startChild();
      } else {
        assert.equal((await tell(winner, { order: "release" })).result, "released");
      }
    }
    await Promise.all(children.map(kill));
  });

  it("simultaneous takers in one process: exactly one holds, again and again", async () => {
    const folder = await makeFolder(folders);
    for (let round = 0; round < 30; round++) {
      const results = await Promise.allSettled(Array.from({ length: 6 }, () => lockFolder(folder)));
      const locks: FolderLock[] = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      assert.equal(locks.length, 1, `round ${round}`);
      await locks[0]?.release();
      assert.deepEqual(await readdir(folder), []);
    }
  });

  for (const detour of ["descriptor", "link"] as const) {
    it(`a path longer than a socket's may be, by ${detour}`, async () => {
      if (detour === "descriptor" && process.platform !== "linux") return;
      const folder = join(await makeFolder(folders), "long-".repeat(40), "er".repeat(60));
      await mkdir(folder, { recursive: true });
      const lock = await lockFolder(folder, detour);
      await assert.rejects(
        lockFolder(folder, detour),
        (reason) => reason instanceof DiskFailure && reason.kind === "in_use",
      );
      await lock.release();
      await (await lockFolder(folder, detour)).release();
      assert.deepEqual(await readdir(folder), []);
      const child = startChild();
      assert.equal((await tell(child, { order: "take", folder })).result, "held");
      await assert.rejects(lockFolder(folder, detour), DiskFailure);
      await kill(child);
      await (await lockFolder(folder, detour)).release();
    });
  }

  it("clears away what a starter left that died half-way, and looks at nothing else", async () => {
    const folder = await makeFolder(folders);
    await leaveDeadSocket(folder, ".lock-new-0123456789abcdef");
    await leaveDeadSocket(folder, ".lock-12345-0123456789abcdef");
    await writeFile(join(folder, "CURRENT"), "");
    const lock = await lockFolder(folder);
    const names = await readdir(folder);
    assert.equal(names.length, 2);
    assert.ok(names.includes("CURRENT"));
    await lock.release();
    assert.deepEqual(await readdir(folder), ["CURRENT"]);
  });

  it("short paths are used as they are", async () => {
    const sockets = await shortenFolder("/tmp/a");
    assert.equal(sockets.pathOf("b"), "/tmp/a/b");
    await sockets.dispose();
  });
});

async function makeFolder(folders: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trefoil-lock-"));
  folders.push(folder);
  return folder;
}

function startChild(): ChildProcess {
  const child = fork(childEntry);
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}

async function tell(child: ChildProcess, order: LockOrder): Promise<LockReport> {
  const answer = once(child, "message");
  child.send(order);
  const [report] = (await answer) as [LockReport];
  return report;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A socket whose listener is gone: closing would remove the name that it was bound to, not the one given since. */
async function leaveDeadSocket(folder: string, name: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(join(folder, "bound"), resolve);
  });
  await rename(join(folder, "bound"), join(folder, name));
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
