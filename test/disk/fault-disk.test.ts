import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Scheduler } from "../../internal/platform/clock.ts";
import {
  DiskFailure,
  readFully,
  writeFully,
  writeFullyNow,
  type DiskFailureKind,
  type DiskFile,
} from "../../internal/platform/disk.ts";
import { describeDisk } from "./disk-conformance.ts";
import { FaultDisk, type FaultDiskOptions } from "./fault-disk.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { everythingSurvives } from "./power-cut.ts";

describeDisk("fault disk without faults, over memory", async () => {
  const memory = new MemoryDisk();
  await memory.makeFolder("/data");
  return { disk: new FaultDisk(memory), folder: "/data", dispose: async () => assert.equal(memory.openFileCount, 0) };
});

describeDisk("fault disk with space enough, short reads and short writes, over memory", async () => {
  const memory = new MemoryDisk();
  await memory.makeFolder("/data");
  const disk = new FaultDisk(memory, { random: new Prng(3) });
  disk.limitSpace(2 ** 30);
  // Only where the callers loop: that is on the file of the long random run.
  const when = { chance: [1, 3] } as const;
  disk.arm({ calls: ["read", "write"], path: /random$/, when, times: Infinity, fault: { kind: "short" } });
  return { disk, folder: "/data", dispose: async () => assert.equal(memory.openFileCount, 0) };
});

describe("fault disk", () => {
  it("fails the nth call that fits, so many times, and tells how often it struck", async () => {
    const { disk, file } = await open();
    const rule = disk.arm({
      calls: ["write"],
      path: /a$/,
      when: 2,
      times: 2,
      fault: { kind: "fail", failure: "failed" },
    });
    await file.write(utf8("1"), 0);
    await fails("failed", file.write(utf8("2"), 0));
    await fails("failed", file.append(utf8("3")));
    await file.writeVector([utf8("4")], 0);
    assert.deepEqual([rule.seen, rule.struck], [4, 2]);
    assert.equal(await text(file), "4");
  });

  it("a failure may come before the call or after it", async () => {
    const { disk, memory } = await open();
    disk.arm({ calls: ["rename"], when: 1, fault: { kind: "fail", failure: "failed" } });
    disk.arm({ calls: ["rename"], when: 2, fault: { kind: "fail", failure: "failed", after: true } });
    await fails("failed", disk.rename("/a", "/b"));
    assert.deepEqual(await memory.list("/"), ["a"]);
    await fails("failed", disk.rename("/a", "/b"));
    assert.deepEqual(await memory.list("/"), ["b"]);
  });

  it("every call can fail", async () => {
    const { disk, file } = await open();
    const job = disk.jobs.createFile("/job");
    const calls: readonly (() => Promise<unknown>)[] = [
      () => disk.openFile("/a", { access: "read" }),
      () => disk.rename("/a", "/b"),
      () => disk.link("/a", "/b"),
      () => disk.remove("/a"),
      () => disk.makeFolder("/f"),
      () => disk.removeFolder("/f"),
      () => disk.list("/"),
      () => disk.syncFolder("/"),
      () => disk.sizeOf("/a"),
      () => disk.freeBytes("/"),
      () => disk.lockFolder("/"),
      () => file.read(new Uint8Array(1), 0),
      async () => file.readNow(new Uint8Array(1), 0),
      () => file.write(utf8("x"), 0),
      () => file.writeVector([utf8("x")], 0),
      () => file.append(utf8("x")),
      () => file.syncData(),
      () => file.truncate(0),
      () => file.size(),
      () => file.close(),
      async () => disk.jobs.createFile("/new"),
      async () => disk.jobs.openFile("/a"),
      async () => job.read(new Uint8Array(1), 0),
      async () => job.write(utf8("x"), 0),
      async () => job.syncData(),
      async () => job.size(),
      async () => job.close(),
    ];
    const names = ["openFile", "rename", "link", "remove", "makeFolder", "removeFolder", "list", "syncFolder"] as const;
    const others = [
      "sizeOf",
      "freeBytes",
      "lockFolder",
      "read",
      "write",
      "syncData",
      "truncate",
      "size",
      "close",
    ] as const;
    const all = [...names, ...others];
    const rule = disk.arm({ calls: all, when: 1, times: Infinity, fault: { kind: "fail", failure: "denied" } });
    for (const call of calls) await fails("denied", call());
    assert.equal(rule.struck, calls.length);
    rule.disarm();
    await file.close();
    job.close();
  });

  it("makes reads and writes short, by a number or by the seed", async () => {
    const { disk, file } = await open();
    disk.arm({ calls: ["write"], when: 1, fault: { kind: "short", bytes: 3 } });
    assert.equal(await file.write(utf8("abcdef"), 0), 3);
    await writeFully(file, utf8("def"), 3);
    disk.arm({ calls: ["write"], when: 1, fault: { kind: "short" } });
    const taken = await file.writeVector([utf8("gh"), utf8("ij")], 6);
    assert.ok(taken > 0 && taken < 4);
    await writeFully(file, utf8("ghij").subarray(taken), 6 + taken);
    disk.arm({ calls: ["read"], when: 1, fault: { kind: "short", bytes: 2 } });
    assert.equal(await file.read(new Uint8Array(6), 0), 2);
    assert.equal(await text(file), "abcdefghij");
  });

  it("flips one bit of what is written or read, and leaves the caller's bytes alone", async () => {
    const { disk, file } = await open();
    const source = new Uint8Array(1000);
    disk.arm({ calls: ["write"], when: 1, times: 2, fault: { kind: "flip" } });
    await file.write(source, 0);
    await file.writeVector([source, source], 1000);
    assert.ok(source.every((byte) => byte === 0));
    const target = new Uint8Array(3000);
    await readFully(file, target, 0);
    assert.deepEqual([bitsOf(target.subarray(0, 1000)), bitsOf(target.subarray(1000))], [1, 1]);
    disk.arm({ calls: ["read"], when: 1, times: 2, fault: { kind: "flip" } });
    assert.equal(await file.read(target, 0), 3000);
    assert.ok(bitsOf(target) === 1 || bitsOf(target) === 3);
    file.readNow(target, 0);
    assert.ok(bitsOf(target) === 1 || bitsOf(target) === 3);
    await file.read(target, 0);
    assert.equal(bitsOf(target), 2);
  });

  it("answers a read from elsewhere", async () => {
    const { disk, file } = await open();
    await file.write(utf8("0123456789"), 0);
    disk.arm({ calls: ["read"], when: 1, fault: { kind: "misdirect", bytes: 4 } });
    const target = new Uint8Array(3);
    await file.read(target, 1);
    assert.equal(utf8Text(target), "567");
    await file.read(target, 1);
    assert.equal(utf8Text(target), "123");
  });

  it("delays calls by the scheduler it was given, or for ever", async () => {
    const waiting: { milliseconds: number; action: () => void }[] = [];
    const scheduler: Scheduler = {
      after: (milliseconds, action) => {
        waiting.push({ milliseconds, action });
        return { cancel: () => undefined };
      },
      afterTurn: () => assert.fail("not asked for"),
    };
    const { disk, file, memory } = await open({ scheduler });
    disk.arm({ calls: ["syncData"], when: 1, fault: { kind: "delay", milliseconds: 500 } });
    disk.arm({ calls: ["syncData"], when: 2, fault: { kind: "delay", milliseconds: Infinity } });
    const operations = memory.operations;
    const sync = file.syncData();
    assert.deepEqual(
      waiting.map(({ milliseconds }) => milliseconds),
      [500],
    );
    assert.equal(memory.operations, operations);
    waiting[0]?.action();
    await sync;
    assert.equal(memory.operations, operations + 1);
    const hung = file.syncData().then(() => "back");
    const turn = new Promise((resolve) => {
      setImmediate(() => resolve("hung"));
    });
    assert.equal(await Promise.race([hung, turn]), "hung");
  });

  it("a sync that failed has lost the bytes for good, when the memory disk is told", async () => {
    const memory = new MemoryDisk();
    const disk = new FaultDisk(memory, { onFailedSync: (path) => memory.dropUnsynced(path) });
    memory.put("/a", utf8("old"));
    const file = await disk.openFile("/a", { access: "write" });
    disk.arm({ calls: ["syncData"], when: 1, fault: { kind: "fail", failure: "failed" } });
    await file.write(utf8("new"), 0);
    await fails("failed", file.syncData());
    await file.syncData();
    assert.equal(await text(file), "new");
    assert.equal(utf8Text(memory.clone(everythingSurvives()).peek("/a") ?? utf8("")), "old");
  });

  it("chance comes from the seed alone", async () => {
    const struck = async (seed: number): Promise<string> => {
      const { disk, file } = await open({ random: new Prng(seed) });
      const fault = { kind: "fail", failure: "failed" } as const;
      disk.arm({ calls: ["write"], when: { chance: [1, 4] }, times: Infinity, fault });
      let line = "";
      for (let at = 0; at < 60; at++) {
        line += await file.write(utf8("x"), 0).then(
          () => ".",
          () => "x",
        );
      }
      return line;
    };
    assert.equal(await struck(1), await struck(1));
    assert.notEqual(await struck(1), await struck(2));
    assert.match(await struck(1), /x/);
  });
});

describe("fault disk: space", () => {
  it("a write that fits in part is short, the next fails, and refilling mends it", async () => {
    const { disk, file } = await open();
    const space = disk.limitSpace(10);
    assert.equal(await file.write(utf8("abcdef"), 0), 6);
    assert.equal(await disk.freeBytes("/"), 4);
    assert.equal(await file.write(utf8("ghijkl"), 6), 4);
    await fails("full", file.write(utf8("k"), 10));
    await fails("full", writeFully(file, utf8("kl"), 10));
    assert.equal(await file.write(utf8("ABC"), 0), 3, "what is there can be written again");
    space.refill(1);
    assert.equal(await file.writeVector([utf8("k"), utf8("l")], 10), 1);
    assert.equal(await text(file), "ABCdefghijk");
  });

  it("removing the last name of a file, cutting it and replacing it give bytes back", async () => {
    const { disk, file } = await open();
    const space = disk.limitSpace(100);
    const job = disk.jobs.createFile("/job");
    writeFullyNow(job, new Uint8Array(60), 0);
    job.close();
    await writeFully(file, new Uint8Array(30), 0);
    assert.equal(space.left, 10);
    await file.truncate(20);
    assert.equal(space.left, 20);
    await disk.link("/job", "/other");
    await disk.remove("/job");
    assert.equal(space.left, 20);
    await disk.rename("/other", "/third");
    await disk.rename("/a", "/third");
    assert.equal(space.left, 80);
    await disk.remove("/third");
    assert.equal(space.left, 100);
  });

  it("a file that was there before is not paid for, and gives its bytes back", async () => {
    const memory = new MemoryDisk();
    memory.put("/old", new Uint8Array(50));
    memory.put("/older", new Uint8Array(7));
    const disk = new FaultDisk(memory);
    const space = disk.limitSpace(0);
    const file = await disk.openFile("/old", { access: "write" });
    await file.write(new Uint8Array(50), 0);
    await fails("full", file.write(new Uint8Array(1), 50));
    assert.throws(() => writeFullyNow(disk.jobs.createFile("/new"), utf8("x"), 0), DiskFailure);
    await disk.remove("/older");
    assert.equal(space.left, 7);
    await file.write(new Uint8Array(7), 50);
  });
});

async function open(options: FaultDiskOptions = {}): Promise<{ disk: FaultDisk; file: DiskFile; memory: MemoryDisk }> {
  const memory = new MemoryDisk();
  const disk = new FaultDisk(memory, options);
  return { disk, file: await disk.openFile("/a", { access: "write", create: "must" }), memory };
}

async function text(file: DiskFile): Promise<string> {
  const bytes = new Uint8Array(await file.size());
  await readFully(file, bytes, 0);
  return utf8Text(bytes);
}

async function fails(kind: DiskFailureKind, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (reason) => {
    assert.ok(reason instanceof DiskFailure, String(reason));
    assert.equal(reason.kind, kind);
    return true;
  });
}

function bitsOf(bytes: Uint8Array): number {
  let bits = 0;
  for (let byte of bytes) for (; byte !== 0; byte &= byte - 1) bits++;
  return bits;
}
