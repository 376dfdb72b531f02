// What a store refuses, in words that name what and where, with nothing changed on disk.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { headerBytes } from "../engine/version/manifest-format.ts";
import { encodeSegmentHeader } from "../log/format.ts";
import { segmentName } from "../log/segment.ts";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import type { LockOrder } from "../../test/disk/lock-child.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import { fingerprint } from "../../test/store/fingerprint.ts";
import { realSeams } from "../../test/store/real-seams.ts";
import { writeU32 } from "../base/codec.ts";
import { crc32, maskCrc } from "../base/checksum.ts";
import type { StoreOptions } from "./options.ts";
import { Store } from "./store.ts";

const folder = "/data/store";
const newerFormat = 2;
const settings: Partial<StoreOptions> = { engine: tinyOptions, log: { segmentBytes: 8192, batchBytesMax: 4096 } };

function open(disk: MemoryDisk, options: Partial<StoreOptions> = {}): Promise<Store> {
  return Store.open(seamsOn(disk, new ManualTime(), 1), folder, { ...settings, ...options });
}

/** A disk with a closed store that has tables, a manifest and a log. */
async function diskWithStore(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const store = await open(disk);
  for (let key = 0; key < 20; key++) await store.put(utf8(`key${key}`), new Uint8Array(100));
  await store.flush();
  await store.put(utf8("late"), utf8("x"));
  await store.close();
  return disk;
}

function refusal(code: ErrorCode, ...words: string[]): (failure: unknown) => boolean {
  return (failure) => {
    assert.ok(failure instanceof TrefoilError, String(failure));
    assert.equal(failure.code, code, failure.message);
    for (const word of words) assert.ok(failure.message.includes(word), `"${failure.message}" names ${word}`);
    return true;
  };
}

/** Opening is refused, and leaves everything as it was. */
async function refusesToOpen(disk: MemoryDisk, expected: (failure: unknown) => boolean, options = {}): Promise<void> {
  const before = await fingerprint(disk, "/");
  await assert.rejects(open(disk, options), expected);
  assert.deepEqual(await fingerprint(disk, "/"), before, "nothing was changed");
  assert.equal(disk.openFileCount, 0, "every file was closed");
  // And it holds no lock.
  const lock = await disk.lockFolder(folder).catch(() => undefined);
  await lock?.release();
}

/** A file's bytes, changed, put back. */
function change(disk: MemoryDisk, path: string, how: (bytes: Uint8Array) => Uint8Array | void): void {
  const bytes = disk.peek(path)?.slice();
  assert.ok(bytes !== undefined, `${path} is there`);
  disk.put(path, how(bytes) ?? bytes);
}

async function pathLike(disk: MemoryDisk, part: string, pattern: RegExp): Promise<string> {
  const name = (await disk.list(`${folder}/${part}`)).find((candidate) => pattern.test(candidate));
  assert.ok(name !== undefined);
  return `${folder}/${part}/${name}`;
}

describe("store: bad requests", () => {
  it("an oversized or empty key is refused by writes, reads and batches", async () => {
    const disk = await diskWithStore();
    const store = await open(disk);
    const { entries } = store.stats().log.counters;
    for (const key of [new Uint8Array(1025), new Uint8Array(0)]) {
      const expected = refusal("bad_key", String(key.length), "1 to 1024");
      await assert.rejects(store.put(key, utf8("x")), expected);
      await assert.rejects(store.delete(key), expected);
      await assert.rejects(store.get(key), expected);
      assert.throws(() => store.getNow(key), expected);
      const batch = store.batch().put(utf8("whole"), utf8("x"));
      assert.throws(() => batch.put(key, utf8("x")), expected);
      assert.throws(() => batch.delete(key), expected);
      assert.equal(batch.count, 1, "what came before stays in the batch");
    }
    assert.equal(store.stats().log.counters.entries, entries, "nothing was written");
    await store.put(new Uint8Array(1024).fill(7), utf8("x"));
    assert.ok((await store.get(new Uint8Array(1024).fill(7))) !== undefined);
    await store.close();
  });

  it("an oversized value, batch or content type is refused, naming the setting", async () => {
    const disk = await diskWithStore();
    const store = await open(disk, { valueBytesMax: 1000 });
    const { entries } = store.stats().log.counters;
    const tooLarge = refusal("too_large", "1001", "1000 (valueBytesMax)");
    await assert.rejects(store.put(utf8("a"), new Uint8Array(1001)), tooLarge);
    assert.throws(() => store.batch().put(utf8("a"), new Uint8Array(1001)), tooLarge);
    await assert.rejects(
      store.put(utf8("a"), utf8("x"), { contentType: "é".repeat(128) }),
      refusal("bad_request", "256"),
    );
    const batch = store.batch();
    for (let key = 0; key < 9300; key++) batch.put(utf8(`key${key}`), new Uint8Array(1000));
    await assert.rejects(store.write(batch), refusal("too_large", "Divide it"));
    assert.equal(store.stats().log.counters.entries, entries, "nothing was written");
    await store.put(utf8("a"), new Uint8Array(1000), { contentType: "é".repeat(127) });
    assert.equal((await store.get(utf8("a")))?.value.length, 1000);
    await store.close();
  });

  it("a ttl is from 1 ms to 100 years, 36525 days", async () => {
    const store = await open(new MemoryDisk());
    for (const ttlMilliseconds of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 36_525 * 86_400_000 + 1]) {
      await assert.rejects(store.put(utf8("a"), utf8("x"), { ttlMilliseconds }), refusal("bad_ttl", "36525 days"));
    }
    await store.put(utf8("a"), utf8("x"), { ttlMilliseconds: 100 * 365 * 24 * 3600 * 1000 });
    assert.ok(((await store.get(utf8("a")))?.expiresAt ?? 0) > 0);
    await store.close();
  });

  it("all settings that are wrong are named together, those of log and engine and unknown ones too", async () => {
    const wrong = {
      valueBytesMax: 0,
      waitingBytesMax: -1,
      errorIfExists: "no",
      bogus: 1,
      log: { segmentByte: 1, batchBytesMax: 3 },
      engine: { memtableBytes: 5 },
    } as unknown as Partial<StoreOptions>;
    const named = [
      "valueBytesMax: 0",
      "waitingBytesMax: -1",
      "errorIfExists: no",
      "bogus",
      "segmentByte:",
      "batchBytesMax: 3",
    ];
    await refusesToOpen(new MemoryDisk(), refusal("bad_request", ...named, "memtableBytes: 5"), wrong);
  });

  it("a mode of syncing that is not known is refused, and never taken for one that promises less", async () => {
    for (const fsync of ["always", "interval", { kind: "Always" }, { kind: "interval" }, {}, undefined, null, 7]) {
      const wrong = { fsync } as unknown as Partial<StoreOptions>;
      await refusesToOpen(new MemoryDisk(), refusal("bad_request", "fsync"), wrong);
    }
  });

  it("what is not bytes is refused, not stored as something else", async () => {
    const store = await open(new MemoryDisk());
    const notBytes = ["text", [1, 2, 300], new Uint16Array(2), 7, null, undefined] as unknown as Uint8Array[];
    for (const wrong of notBytes) {
      await assert.rejects(store.put(wrong, utf8("x")), refusal("bad_request", "a key is a Uint8Array"));
      await assert.rejects(store.put(utf8("a"), wrong), refusal("bad_request", "a value is a Uint8Array"));
      await assert.rejects(store.delete(wrong), refusal("bad_request", "a key is a Uint8Array"));
      await assert.rejects(store.get(wrong), refusal("bad_request", "a key is a Uint8Array"));
      assert.throws(() => store.batch().put(wrong, wrong), refusal("bad_request", "Uint8Array"));
    }
    const typo = { ttl: 5 } as unknown as { ttlMilliseconds: number };
    await assert.rejects(
      store.put(utf8("a"), utf8("x"), typo),
      refusal("bad_request", "no option ttl", "ttlMilliseconds"),
    );
    assert.equal(await store.get(utf8("a")), undefined);
    await store.put(utf8("a"), Buffer.from("a Buffer is bytes"));
    await store.close();
  });

  it("a folder that is no path is refused", async () => {
    for (const wrong of ["", "a\0b", undefined, 7] as unknown as string[]) {
      const opening = Store.open(seamsOn(new MemoryDisk(), new ManualTime(), 1), wrong, settings);
      await assert.rejects(opening, refusal("bad_request", "a folder is named by a path"));
    }
  });

  it("a closed store says so", async () => {
    const store = await open(new MemoryDisk());
    const snapshot = store.snapshot();
    await Promise.all([store.close(), store.close()]);
    const expected = refusal("stopping", folder);
    await assert.rejects(store.put(utf8("a"), utf8("x")), expected);
    await assert.rejects(store.get(utf8("a")), expected);
    await assert.rejects(store.flush(), expected);
    await assert.rejects(store.checkpoint("/elsewhere"), expected);
    assert.throws(() => store.scan(), expected);
    assert.throws(() => store.snapshot(), expected);
    snapshot.release();
  });
});

describe("store: bad folders", () => {
  it("a folder of somebody else is not touched", async () => {
    const disk = new MemoryDisk();
    disk.put(`${folder}/letter.txt`, utf8("dear"));
    await refusesToOpen(disk, refusal("bad_request", folder, "letter.txt", "Choose an empty folder"));
    await refusesToOpen(disk, refusal("bad_request", folder), { createIfMissing: false });
  });

  it("createIfMissing and errorIfExists are kept", async () => {
    const disk = new MemoryDisk();
    await refusesToOpen(disk, refusal("not_found", folder), { createIfMissing: false });
    assert.equal(await fingerprint(disk, "/data"), undefined, "no folder was made");
    const store = await open(disk, { errorIfExists: true });
    await store.close();
    await refusesToOpen(disk, refusal("conflict", folder), { errorIfExists: true });
    await refusesToOpen(disk, refusal("conflict", folder), { errorIfExists: true, createIfMissing: false });
    await (await open(disk, { createIfMissing: false })).close();
  });

  it("a store of a newer format is left to the program that knows it", async () => {
    const disk = await diskWithStore();
    disk.put(`${folder}/trefoil-store`, utf8("trefoil store, format 2\n"));
    await refusesToOpen(disk, refusal("bad_request", folder, "format 2", "reads format 1"));
  });

  it("a log segment of a newer format is refused before anything is changed, tables and manifest included", async () => {
    const disk = await diskWithStore();
    const path = await pathLike(disk, "log", /\.log$/);
    change(disk, path, (bytes) => {
      bytes.set(renumbered(encodeSegmentHeader({ number: 1, salt: 7 })));
    });
    assert.ok(path.endsWith(segmentName(1)));
    await refusesToOpen(disk, refusal("bad_request", path, `format ${newerFormat}`));
  });

  it("a damaged or newer manifest is refused before anything is changed, the log included", async () => {
    const disk = await diskWithStore();
    const path = await pathLike(disk, "engine", /^manifest-/);
    const sound = disk.peek(path)?.slice() ?? new Uint8Array(0);
    change(disk, path, (bytes) => void (bytes[30] = (bytes[30] as number) ^ 1));
    await refusesToOpen(disk, refusal("corruption", path));
    const newer = sound.slice();
    newer[8] = 3;
    writeU32(newer, headerBytes - 4, maskCrc(crc32(newer, 0, headerBytes - 4)));
    disk.put(path, newer);
    await refusesToOpen(disk, refusal("bad_request", path, "format 3"));
    disk.put(path, sound);
    await (await open(disk)).close();
  });

  it("a missing table, manifest, mark or log is named", async () => {
    const cases: [part: string, pattern: RegExp, code: ErrorCode, words: string[]][] = [
      ["engine", /\.table$/, "corruption", ["is missing"]],
      ["engine", /^manifest-/, "corruption", ["is missing"]],
      ["engine", /^current$/, "corruption", ["current is missing"]],
      [".", /^trefoil-store$/, "corruption", ["trefoil-store is missing"]],
      ["log", /\.log$/, "corruption", [`${folder}/log is empty`, "the log is lost"]],
    ];
    for (const [part, pattern, code, words] of cases) {
      const disk = await diskWithStore();
      for (const name of await disk.list(`${folder}/${part}`)) {
        if (pattern.test(name)) await disk.remove(`${folder}/${part}/${name}`);
      }
      await refusesToOpen(disk, refusal(code, folder, ...words));
    }
    for (const part of ["log", "engine"]) {
      const disk = await diskWithStore();
      for (const name of await disk.list(`${folder}/${part}`)) await disk.remove(`${folder}/${part}/${name}`);
      await disk.removeFolder(`${folder}/${part}`);
      await refusesToOpen(disk, refusal("corruption", `${folder}/${part} is missing`));
    }
  });

  it("a log that is gone before anything was flushed, or that ends before the tables do, is lost, not empty", async () => {
    const empty = new MemoryDisk();
    const store = await open(empty);
    await store.put(utf8("a"), utf8("x"));
    await store.close();
    for (const name of await empty.list(`${folder}/log`)) await empty.remove(`${folder}/log/${name}`);
    await refusesToOpen(empty, refusal("corruption", `${folder}/log is empty`, "the log is lost"));
    const disk = new MemoryDisk();
    const written = await open(disk);
    await written.put(utf8("a"), utf8("x"));
    const early = disk.cloneAfterKill();
    for (let at = 0; at < 20; at++) await written.put(utf8(`b${at}`), utf8("x"));
    await written.flush();
    await written.close();
    const names = await disk.list(`${folder}/log`);
    for (const name of names) await disk.remove(`${folder}/log/${name}`);
    for (const name of await early.list(`${folder}/log`)) {
      disk.put(`${folder}/log/${name}`, early.peek(`${folder}/log/${name}`) as Uint8Array);
    }
    await refusesToOpen(
      disk,
      refusal("corruption", "ends at entry 1", "holds entries up to 21", "the end of the log is lost"),
    );
  });

  it("a checkpoint into the store itself is refused, and one beside it is made", async () => {
    const disk = new MemoryDisk();
    const store = await open(disk);
    for (const inside of [folder, `${folder}/copy`, `${folder}/log/../log/copy`]) {
      await assert.rejects(store.checkpoint(inside), refusal("bad_request", "lies in the store itself"));
    }
    await store.checkpoint(`${folder}-copy`);
    await store.close();
  });

  it("a foreign file in the log's folder is refused, one in the engine's folder is left alone", async () => {
    const disk = await diskWithStore();
    disk.put(`${folder}/engine/notes.txt`, utf8("mine"));
    await (await open(disk)).close();
    assert.deepEqual(disk.peek(`${folder}/engine/notes.txt`), utf8("mine"));
    disk.put(`${folder}/log/notes.txt`, utf8("mine"));
    await refusesToOpen(disk, refusal("conflict", `${folder}/log/notes.txt`));
  });

  it("a file under the name of a table is refused when it is read, and names it", async () => {
    const disk = await diskWithStore();
    const path = await pathLike(disk, "engine", /\.table$/);
    disk.put(path, utf8("this is a letter, and no table at all; it is long enough for a footer"));
    const store = await open(disk);
    await assert.rejects(store.get(utf8("key1")), refusal("corruption", path));
    assert.ok((await store.get(utf8("late"))) !== undefined, "what is not in it can be read");
    await store.close();
  });

  it("a store that is open cannot be opened again", async () => {
    const disk = await diskWithStore();
    const store = await open(disk);
    const before = await fingerprint(disk, "/");
    await assert.rejects(open(disk), refusal("conflict", folder, "in use"));
    assert.deepEqual(await fingerprint(disk, "/"), before);
    await store.close();
    await (await open(disk)).close();
  });
});

describe("store: bad folders on a real disk", () => {
  it("a folder in use by another process is refused until that process is dead", async () => {
    const root = await mkdtemp(join(tmpdir(), "trefoil-in-use-"));
    const seams = realSeams();
    const place = join(root, "store");
    const child = fork(new URL("../../test/disk/lock-child.js", import.meta.url));
    try {
      await (await Store.open(seams, place, settings)).close();
      const order: LockOrder = { order: "take", folder: place };
      child.send(order);
      const [report] = (await once(child, "message")) as [{ result: string }];
      assert.equal(report.result, "held");
      const before = await fingerprint(seams.disk, root);
      await assert.rejects(Store.open(seams, place, settings), refusal("conflict", place, "in use by another process"));
      assert.deepEqual(await fingerprint(seams.disk, root), before);
      child.kill("SIGKILL");
      await once(child, "exit");
      await (await Store.open(seams, place, settings)).close();
    } finally {
      child.kill("SIGKILL");
      await seams.close();
      await rm(root, { recursive: true });
    }
  });

  it("a path that is a file, or lies below one, is refused", async () => {
    const root = await mkdtemp(join(tmpdir(), "trefoil-file-"));
    const seams = realSeams();
    try {
      await writeFile(join(root, "letter"), "dear");
      for (const place of [join(root, "letter"), join(root, "letter", "store")]) {
        await assert.rejects(Store.open(seams, place, settings), refusal("bad_request", place, "is no folder"));
      }
    } finally {
      await seams.close();
      await rm(root, { recursive: true });
    }
  });
});

/** The header of the next format, with its checksum. */
function renumbered(header: Uint8Array): Uint8Array {
  writeU32(header, 12, newerFormat);
  writeU32(header, 8, maskCrc(crc32(header, 12, header.length)));
  return header;
}
