import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionFailure } from "../../internal/base/assert.ts";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import { DiskFailure, type DiskFile } from "../../internal/platform/disk.ts";
import { describeDisk } from "./disk-conformance.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { everythingSurvives, nothingSurvives, PowerCut } from "./power-cut.ts";
import { seededDelay } from "./seeded-delay.ts";

describeDisk("memory", async () => {
  const disk = new MemoryDisk();
  await disk.makeFolder("/data");
  return { disk, folder: "/data", dispose: async () => assert.equal(disk.openFileCount, 0) };
});

describeDisk("memory, calls delayed by a seed", async () => {
  const disk = new MemoryDisk({ delay: seededDelay(new Prng(11), 20) });
  await disk.makeFolder("/data");
  return { disk, folder: "/data", dispose: async () => assert.equal(disk.openFileCount, 0) };
});

describe("memory disk", () => {
  it("notes operations as golden texts want them", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder("/data/db");
    disk.startTrace("/data/db");
    const file = await disk.openFile("/data/db/1.tmp", { access: "write", create: "may" });
    await file.write(new Uint8Array(4096), 0);
    await file.writeVector([new Uint8Array(3), new Uint8Array(4)], 4096);
    await file.append(new Uint8Array(1));
    await file.truncate(100);
    await file.syncData();
    await file.read(new Uint8Array(1), 0);
    await file.close();
    await disk.rename("/data/db/1.tmp", "/data/db/1.table");
    await disk.link("/data/db/1.table", "/data/db/2.table");
    await disk.syncFolder("/data/db");
    await disk.makeFolder("/data/db/sub");
    await disk.removeFolder("/data/db/sub");
    await disk.remove("/data/db/1.table");
    await disk.syncFolder("/data");
    const job = disk.jobs.createFile("/data/db/3.table");
    job.write(new Uint8Array(10), 5);
    job.syncData();
    job.close();
    assert.deepEqual(disk.takeTrace(), [
      "create 1.tmp",
      "write 1.tmp 4096 @0",
      "write 1.tmp 3+4 @4096",
      "write 1.tmp 1 @4103",
      "truncate 1.tmp 100",
      "syncData 1.tmp",
      "rename 1.tmp -> 1.table",
      "link 1.table -> 2.table",
      "syncFolder .",
      "makeFolder sub",
      "removeFolder sub",
      "remove 1.table",
      "syncFolder /data",
      "create 3.table",
      "write 3.table 10 @5",
      "syncData 3.table",
    ]);
    assert.deepEqual(disk.takeTrace(), []);
  });

  it("cuts the power at operation n: n may have happened, nothing comes back", async () => {
    const disk = new MemoryDisk();
    disk.put("/a", utf8("old"));
    const seen: string[] = [];
    disk.onOperation((name, path, operation) => seen.push(`${operation} ${name} ${path}`));
    disk.cutPowerAt(2);
    const file = await disk.openFile("/a", { access: "write" });
    await file.write(utf8("new"), 0);
    const comesBack = file.syncData().then(() => "came back");
    assert.equal(await Promise.race([comesBack, disk.whenCut.then(() => "cut")]), "cut");
    assert.equal(await Promise.race([comesBack, macrotask("silent")]), "silent");
    assert.equal(await Promise.race([disk.sizeOf("/a"), macrotask("silent")]), "silent");
    assert.throws(() => disk.jobs.openFile("/a"), PowerCut);
    assert.throws(() => file.readNow(new Uint8Array(1), 0), PowerCut);
    assert.deepEqual(seen, ["1 write /a", "2 syncData /a"]);
    assert.equal(utf8Text(disk.clone(nothingSurvives()).peek("/a") ?? new Uint8Array(0)), "old");
    assert.equal(utf8Text(disk.clone(everythingSurvives()).peek("/a") ?? new Uint8Array(0)), "new");
  });

  it("a job's call throws when the power goes during it", () => {
    const disk = new MemoryDisk();
    disk.cutPowerAt(2);
    const file = disk.jobs.createFile("/a");
    assert.throws(() => file.write(utf8("bytes"), 0), PowerCut);
    assert.equal(disk.operations, 2);
  });

  it("calls reject after the cut when told to", async () => {
    const disk = new MemoryDisk({ afterCut: "reject" });
    disk.cutPower();
    await assert.rejects(disk.list("/"), PowerCut);
  });

  it("a clone and its original do not see each other's writes", async () => {
    const disk = new MemoryDisk();
    disk.put("/a", utf8("same"));
    const clone = disk.clone(everythingSurvives());
    await overwrite(disk, "/a", "mine");
    await overwrite(clone, "/a", "copy");
    assert.equal(utf8Text(disk.peek("/a") ?? new Uint8Array(0)), "mine");
    assert.equal(utf8Text(clone.peek("/a") ?? new Uint8Array(0)), "copy");
  });

  it("a clone has no locks and no open files; its names of one file stay one file", async () => {
    const disk = new MemoryDisk();
    disk.put("/d/a", utf8("same"));
    await disk.link("/d/a", "/d/b");
    await disk.lockFolder("/d");
    await disk.openFile("/d/a", { access: "read" });
    const clone = disk.clone(everythingSurvives());
    assert.equal(clone.openFileCount, 0);
    await clone.lockFolder("/d");
    await overwrite(clone, "/d/a", "both");
    assert.equal(utf8Text(clone.peek("/d/b") ?? new Uint8Array(0)), "both");
  });

  it("delays calls as it is told", async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const disk = new MemoryDisk({ delay: (name) => (name === "syncData" ? held : undefined) });
    const file = await disk.openFile("/a", { access: "write", create: "must" });
    await file.write(utf8("x"), 0);
    const sync = file.syncData().then(() => "synced");
    assert.equal(await Promise.race([sync, macrotask("held")]), "held");
    letGo();
    assert.equal(await sync, "synced");
  });

  it("stops on what is a bug on any disk", async () => {
    const disk = new MemoryDisk();
    const file = await disk.openFile("/a", { access: "write", create: "must" });
    const source = utf8("abc");
    const write = file.write(source, 0);
    await assert.rejects(file.close(), AssertionFailure);
    await write;
    const changed = file.write(source, 0);
    source[0] = 0;
    await assert.rejects(changed, AssertionFailure);
    const reader = await disk.openFile("/a", { access: "read" });
    await assert.rejects(reader.write(source, 0), AssertionFailure);
    await reader.close();
    await assert.rejects(reader.read(source, 0), AssertionFailure);
    assert.throws(() => reader.readNow(source, 0), AssertionFailure);
    const job = disk.jobs.openFile("/a");
    assert.throws(() => job.write(source, 0), AssertionFailure);
    job.close();
    assert.throws(() => job.size(), AssertionFailure);
  });

  it("tells free bytes of its capacity", async () => {
    const disk = new MemoryDisk({ capacityBytes: 1000 });
    disk.put("/d/a", new Uint8Array(400));
    assert.equal(await disk.freeBytes("/"), 600);
    await assert.rejects(disk.freeBytes("/no"), DiskFailure);
  });
});

async function overwrite(disk: MemoryDisk, path: string, content: string): Promise<void> {
  const file: DiskFile = await disk.openFile(path, { access: "write" });
  await file.write(utf8(content), 0);
  await file.close();
}

function macrotask<T>(value: T): Promise<T> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(value));
  });
}
