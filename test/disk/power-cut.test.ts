// What may and what may not be there after a power cut: first sentence by sentence, then as properties
// over random runs against a plain record of what was synced.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { equalBytes, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { DiskFile } from "../../internal/platform/disk.ts";
import { MemoryDisk } from "./memory-disk.ts";
import {
  bytesWithoutNames,
  everythingSurvives,
  fixedSurvivals,
  namesAndSizesWithoutBytes,
  namesWithoutBytes,
  newestWriteTorn,
  nothingSurvives,
  randomSurvival,
  sectorBytes,
  type Survival,
} from "./power-cut.ts";

describe("power cut: bytes", () => {
  it("synced bytes are there, unsynced ones need not be", async () => {
    const { disk, file } = await diskWithFile("/a", "synced");
    await file.write(utf8("SYNCED and more"), 0);
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "synced");
    assert.equal(text(disk.clone(everythingSurvives()), "/a"), "SYNCED and more");
    assert.equal(text(disk.clone(namesAndSizesWithoutBytes()), "/a"), `synced${"\0".repeat(9)}`);
    await file.syncData();
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "SYNCED and more");
  });

  it("a write of a file whose writes sync is durable when it resolves, and may be torn before", async () => {
    const disk = new MemoryDisk();
    disk.put("/log", new Uint8Array(2048));
    const file = await disk.openFile("/log", { access: "write", writesSync: true });
    const write = file.write(new Uint8Array(1024).fill(1), 512);
    assert.deepEqual(sectorsOf(disk.clone(nothingSurvives())), [0, 0, 0, 0]);
    assert.deepEqual(sectorsOf(disk.clone(newestWriteTorn("second"))), [0, 1, 0, 0]);
    assert.deepEqual(sectorsOf(disk.clone(newestWriteTorn("first"))), [0, 0, 1, 0]);
    await write;
    for (const { name, make } of fixedSurvivals) {
      assert.deepEqual(sectorsOf(disk.clone(make())), [0, 1, 1, 0], name);
    }
  });

  it("a sync in flight promises nothing, and covers nothing that came after it was asked for", async () => {
    const { disk, file } = await diskWithFile("/a", "old");
    await file.write(utf8("one"), 0);
    const sync = file.syncData();
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "old");
    const later = file.write(utf8("two"), 512);
    await sync;
    await later;
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "one");
  });

  it("a slow sync covers what was done when it was asked for, and not what was done meanwhile", async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const isSync = (name: string): boolean => name === "syncData" || name === "syncFolder";
    const disk = new MemoryDisk({ delay: (name) => (isSync(name) ? held : undefined) });
    disk.put("/a", utf8("old"));
    const file = await disk.openFile("/a", { access: "write" });
    await file.write(utf8("one"), 0);
    await disk.link("/a", "/before");
    const syncs = [file.syncData(), disk.syncFolder("/")];
    await file.write(utf8("two"), 0);
    await disk.link("/a", "/after");
    letGo();
    await Promise.all(syncs);
    const clone = disk.clone(nothingSurvives());
    assert.equal(text(clone, "/a"), "one");
    assert.deepEqual(await clone.list("/"), ["a", "before"]);
  });

  it("what is synced survives though a call from before it is still in flight, and that call need not", async () => {
    const held = new Promise<void>(() => {
      // Never comes back.
    });
    const disk = new MemoryDisk({ delay: (_name, path) => (path === "/slow" ? held : undefined) });
    disk.put("/slow", new Uint8Array(1024));
    const { file } = disk.tree.open("/slow", "no");
    file.write(new Uint8Array(1024).fill(1), 0, ++disk.tree.sequence);
    file.settle(file.write(new Uint8Array(512).fill(2), 512, ++disk.tree.sequence), "done");
    file.sync();
    void disk.link("/slow", "/in-flight");
    await disk.openFile("/done", { access: "write", create: "must" });
    void disk.link("/done", "/not-awaited");
    await disk.syncFolder("/");
    const clone = disk.clone(nothingSurvives());
    assert.deepEqual([clone.peek("/slow")?.[0], clone.peek("/slow")?.[512]], [0, 2]);
    assert.deepEqual(await clone.list("/"), ["done", "slow"]);
  });

  it("every subset of unsynced sectors can be what is left", async () => {
    const disk = new MemoryDisk();
    disk.put("/log", new Uint8Array(4 * sectorBytes));
    const file = await disk.openFile("/log", { access: "write" });
    await file.write(new Uint8Array(4 * sectorBytes).fill(1), 0);
    const seen = new Set<string>();
    const random = new Prng(7);
    for (let round = 0; round < 400; round++) seen.add(sectorsOf(disk.clone(randomSurvival({ random }))).join(""));
    assert.equal(seen.size, 16);
  });

  it("a sector overwritten twice may hold any of the three contents", async () => {
    const { disk, file } = await diskWithFile("/a", "old");
    await file.write(utf8("one"), 0);
    await file.write(utf8("two"), 0);
    const random = new Prng(7);
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) seen.add(text(disk.clone(randomSurvival({ random })), "/a"));
    assert.deepEqual([...seen].sort(), ["old", "one", "two"]);
  });

  it("the size of a growing file may be anything between; space without bytes is zeros or garbage", async () => {
    const { disk, file } = await diskWithFile("/a", "old");
    await file.write(new Uint8Array(1500).fill(1), 3);
    const random = new Prng(7);
    const sizes = new Set<number>();
    const fills = new Set<string>();
    for (let round = 0; round < 500; round++) {
      const bytes = disk.clone(randomSurvival({ random })).peek("/a") as Uint8Array;
      sizes.add(bytes.length);
      assert.ok(bytes.length >= 3 && bytes.length <= 1503);
      assert.equal(utf8Text(bytes.subarray(0, 3)), "old");
      if (bytes.length === 1503) {
        const last = bytes.subarray(1024);
        fills.add(last.every((byte) => byte === 1) ? "ones" : last.every((byte) => byte === 0) ? "zeros" : "garbage");
      }
    }
    assert.ok(sizes.size > 20, `${sizes.size} sizes`);
    assert.deepEqual([...fills].sort(), ["garbage", "ones", "zeros"]);
  });

  it("an unsynced truncation may be undone, a synced one not", async () => {
    const { disk, file } = await diskWithFile("/a", "hello world");
    await file.truncate(5);
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "hello world");
    assert.equal(text(disk.clone(everythingSurvives()), "/a"), "hello");
    await file.syncData();
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "hello");
  });

  it("what a failed sync dropped is never written by a later one", async () => {
    const { disk, file } = await diskWithFile("/a", "old");
    await file.write(utf8("new"), 0);
    disk.dropUnsynced("/a");
    await file.syncData();
    assert.equal(text(disk, "/a"), "new");
    for (const { name, make } of fixedSurvivals) assert.equal(text(disk.clone(make()), "/a"), "old", name);
    await file.write(utf8("!"), 3);
    await file.syncData();
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "new!");
  });

  it("a killed process loses nothing, and syncs nothing", async () => {
    const { disk, file } = await diskWithFile("/a", "old");
    await file.write(utf8("new"), 0);
    await disk.rename("/a", "/b");
    const killed = disk.cloneAfterKill();
    assert.equal(text(killed, "/b"), "new");
    assert.equal(text(killed.clone(nothingSurvives()), "/a"), "old");
    await killed.syncFolder("/");
    assert.equal(text(killed.clone(nothingSurvives()), "/b"), "old");
  });
});

describe("power cut: names", () => {
  it("a created file is there for sure once its folder is synced, and then empty until its bytes are", async () => {
    const disk = new MemoryDisk();
    const file = await disk.openFile("/a", { access: "write", create: "must" });
    await file.write(utf8("bytes"), 0);
    await file.syncData();
    assert.equal(disk.clone(nothingSurvives()).peek("/a"), undefined);
    assert.equal(disk.clone(bytesWithoutNames()).peek("/a"), undefined);
    await disk.syncFolder("/");
    assert.equal(text(disk.clone(nothingSurvives()), "/a"), "bytes");
    const other = await disk.openFile("/b", { access: "write", create: "must" });
    await other.write(utf8("bytes"), 0);
    assert.equal(text(disk.clone(namesWithoutBytes()), "/b"), "");
    await disk.syncFolder("/");
    assert.equal(text(disk.clone(nothingSurvives()), "/b"), "");
  });

  it("a rename without folder sync left the old name or the new one, its target whole either way", async () => {
    const disk = new MemoryDisk();
    disk.put("/current", utf8("old"));
    disk.put("/next", utf8("new"));
    await disk.rename("/next", "/current");
    const random = new Prng(7);
    const seen = new Set<string>();
    for (let round = 0; round < 100; round++) {
      const clone = disk.clone(randomSurvival({ random }));
      seen.add(`${text(clone, "/current")} ${clone.peek("/next") === undefined ? "gone" : "there"}`);
    }
    assert.deepEqual([...seen].sort(), ["new gone", "old there"]);
    await disk.syncFolder("/");
    assert.equal(text(disk.clone(nothingSurvives()), "/current"), "new");
  });

  it("a rename that survives alone takes no other file's name with it", async () => {
    const disk = new MemoryDisk();
    disk.put("/a", utf8("old"));
    await disk.remove("/a");
    const file = await disk.openFile("/a", { access: "write", create: "must" });
    await file.write(utf8("new"), 0);
    await disk.rename("/a", "/b");
    const onlyLast: Survival = { ...everythingSurvives(), entries: () => [false, false, true] };
    const clone = disk.clone(onlyLast);
    assert.equal(text(clone, "/a"), "old");
    assert.equal(text(clone, "/b"), "new");
  });

  it("links and removals wait for the sync of their folder", async () => {
    const disk = new MemoryDisk();
    disk.put("/d/a", utf8("one"));
    disk.put("/d/b", utf8("two"));
    await disk.link("/d/a", "/d/c");
    await disk.remove("/d/b");
    assert.deepEqual(await disk.clone(nothingSurvives()).list("/d"), ["a", "b"]);
    assert.deepEqual(await disk.clone(everythingSurvives()).list("/d"), ["a", "c"]);
    await disk.syncFolder("/d");
    assert.deepEqual(await disk.clone(nothingSurvives()).list("/d"), ["a", "c"]);
  });

  it("a new folder goes with all in it unless its parent is synced", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder("/d/e");
    const file = await disk.openFile("/d/e/a", { access: "write", create: "must" });
    await file.syncData();
    await disk.syncFolder("/d/e");
    await disk.syncFolder("/d");
    assert.equal(disk.clone(nothingSurvives()).peek("/d/e/a"), undefined);
    await disk.syncFolder("/");
    assert.equal(text(disk.clone(nothingSurvives()), "/d/e/a"), "");
  });

  it("in order, what is kept of a folder's changes is a prefix; in any order it is any subset", async () => {
    const disk = new MemoryDisk();
    for (const name of ["1", "2", "3"]) await disk.openFile(`/${name}`, { access: "write", create: "must" });
    const random = new Prng(7);
    const seen = { ordered: new Set<string>(), arbitrary: new Set<string>() };
    for (const entryOrder of ["ordered", "arbitrary"] as const) {
      for (let round = 0; round < 200; round++) {
        const names = await disk.clone(randomSurvival({ random, entryOrder })).list("/");
        seen[entryOrder].add(names.join(""));
      }
    }
    assert.deepEqual([...seen.ordered].sort(), ["", "1", "12", "123"]);
    assert.equal(seen.arbitrary.size, 8);
  });
});

describe("power cut: properties", () => {
  it("synced bytes are never lost, whatever was written after and whatever survives", async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 40 }), checkSyncedBytes), {
      numRuns: 300,
    });
  });

  it("a clone holds only what was written there at some moment since the last sync", async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 25 }), checkOnlyWhatWas), {
      numRuns: 300,
    });
  });
});

type Step =
  | { readonly kind: "write"; readonly at: number; readonly length: number; readonly fill: number }
  | { readonly kind: "durable"; readonly at: number; readonly length: number; readonly fill: number }
  | { readonly kind: "truncate"; readonly at: number }
  | { readonly kind: "sync" };

const range = { at: fc.nat(3000), length: fc.integer({ min: 1, max: 1500 }), fill: fc.integer({ min: 1, max: 255 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), ...range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("durable" as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("truncate" as const), at: fc.nat(4000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "sync" as const }) },
);

async function take(files: { plain: DiskFile; durable: DiskFile }, action: Step): Promise<void> {
  switch (action.kind) {
    case "write":
    case "durable": {
      const file = action.kind === "write" ? files.plain : files.durable;
      await file.write(new Uint8Array(action.length).fill(action.fill), action.at);
      return;
    }
    case "truncate":
      return files.plain.truncate(action.at);
    case "sync":
      return files.plain.syncData();
  }
}

async function twoHandles(disk: MemoryDisk): Promise<{ plain: DiskFile; durable: DiskFile }> {
  disk.put("/a", new Uint8Array(0));
  const plain = await disk.openFile("/a", { access: "write" });
  const durable = await disk.openFile("/a", { access: "write", writesSync: true });
  return { plain, durable };
}

/** After each sync everything must survive; after a durable write, its bytes, until something else touches them. */
async function checkSyncedBytes(seed: number, steps: readonly Step[]): Promise<void> {
  const disk = new MemoryDisk();
  const random = new Prng(seed);
  const files = await twoHandles(disk);
  /** Per byte: its value when it must be there, -1 when it may be anything. */
  let sure = new Int16Array(6000).fill(-1);
  for (const action of steps) {
    await take(files, action);
    if (action.kind === "sync") {
      sure = new Int16Array(6000).fill(-1);
      sure.set(disk.peek("/a") as Uint8Array);
    } else if (action.kind === "durable") {
      sure.fill(action.fill, action.at, action.at + action.length);
    } else if (action.kind === "write") {
      // Whole sectors: one that is being rewritten may be old or new, and the old is sure only as old.
      sure.fill(-1, action.at, action.at + action.length);
    } else {
      sure.fill(-1, action.at);
    }
    const bytes = disk.clone(randomSurvival({ random })).peek("/a") as Uint8Array;
    sure.forEach((value, at) => {
      if (value >= 0) assert.equal(bytes[at], value, `byte ${at} after ${JSON.stringify(action)}`);
    });
  }
}

/** Every sector of a clone without garbage equals that sector at some moment since the last sync, cut to size. */
async function checkOnlyWhatWas(seed: number, steps: readonly Step[]): Promise<void> {
  const disk = new MemoryDisk();
  const random = new Prng(seed);
  const files = await twoHandles(disk);
  let moments: Uint8Array[] = [new Uint8Array(0)];
  for (const action of steps) {
    await take(files, action);
    const now = disk.peek("/a") as Uint8Array;
    moments = action.kind === "sync" ? [now] : [...moments, now];
    const after = disk.clone(randomSurvival({ random, withGarbage: false }));
    const clone = after.peek("/a") as Uint8Array;
    await growsByZeros(after, clone.length);
    const sizes = moments.map((moment) => moment.length);
    assert.ok(clone.length <= Math.max(...sizes), "a size that never was");
    for (let from = 0; from < clone.length; from += sectorBytes) {
      const sector = clone.subarray(from, from + sectorBytes);
      const found = moments.some((moment) => equalBytes(padded(moment, from).subarray(0, sector.length), sector));
      assert.ok(found, `sector at ${from} was never so`);
    }
  }
}

/** What a cut took off the end of a file does not come back when the file grows again. */
async function growsByZeros(disk: MemoryDisk, from: number): Promise<void> {
  const file = await disk.openFile("/a", { access: "write" });
  await file.truncate(6000);
  const rest = new Uint8Array(6000 - from);
  await file.read(rest, from);
  assert.ok(
    rest.every((byte) => byte === 0),
    "bytes behind the end of a file",
  );
}

function padded(moment: Uint8Array, from: number): Uint8Array {
  const sector = new Uint8Array(sectorBytes);
  sector.set(moment.subarray(from, from + sectorBytes));
  return sector;
}

async function diskWithFile(path: string, content: string): Promise<{ disk: MemoryDisk; file: DiskFile }> {
  const disk = new MemoryDisk();
  disk.put(path, utf8(content));
  return { disk, file: await disk.openFile(path, { access: "write" }) };
}

function text(disk: MemoryDisk, path: string): string {
  const bytes = disk.peek(path);
  assert.ok(bytes !== undefined, `${path} is not there`);
  return utf8Text(bytes);
}

/** The first byte of each sector of /log. */
function sectorsOf(disk: MemoryDisk): number[] {
  const bytes = disk.peek("/log") as Uint8Array;
  assert.equal(bytes.length % sectorBytes, 0);
  return Array.from({ length: bytes.length / sectorBytes }, (_, at) => bytes[at * sectorBytes] as number);
}
