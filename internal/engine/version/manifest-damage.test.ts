// What a damaged, foreign or missing manifest leads to: an error that names file and offset, and nothing
// changed on disk. A torn last edit is no damage.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  contentsOf,
  currentPath,
  manifestFolder,
  openOn,
  shown,
  writtenManifest,
} from "../../../test/engine/manifest-rig.ts";
import { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import { keyOf, metaOf } from "../../../test/engine/version-fixture.ts";
import { concatBytes, hex, utf8, utf8Text } from "../../base/bytes.ts";
import { crc32, maskCrc } from "../../base/checksum.ts";
import { writeU32 } from "../../base/codec.ts";
import { fileNumber } from "../../base/ids.ts";
import { joinPath, manifestName } from "../file-names.ts";
import { encodeEdit } from "./edit-codec.ts";
import {
  decodeHeader,
  encodeCurrent,
  encodeFrame,
  encodeHeader,
  frameHeaderBytes,
  headerBytes,
  readFrames,
  seedOf,
} from "./manifest-format.ts";
import type { Frame } from "./manifest-format.ts";
import { describeEdit, inspectManifest } from "./manifest-inspector.ts";
import { readManifest } from "./manifest-reader.ts";
import { editOf } from "./version-edit.ts";
import type { EngineState } from "./version-edit.ts";

function* flips(bytes: Uint8Array): Generator<{ at: number; damaged: Uint8Array; name: string }> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    const at = bit >> 3;
    damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
    yield { at, damaged, name: `bit ${bit & 7} of byte ${at}` };
  }
}

/** What the error says of damage to this byte. */
function placeIn(frames: readonly Frame[], at: number): string {
  const within = frames.find((frame) => at >= frame.at && at < frame.end);
  return within === undefined ? "" : `edit ${within.number} at offset ${within.at} is damaged`;
}

async function refusesAt(read: Promise<unknown>, expected: { path: string; where: string; name: string }) {
  const { path, where, name } = expected;
  await assert.rejects(read, (error: Error & { code?: string }) => {
    assert.equal(error.code, "corruption", name);
    assert.ok(error.message.startsWith(path) && error.message.includes(where), `${name}: ${error.message}`);
    return true;
  });
}

async function readAs(bytes: Uint8Array, path: string): Promise<EngineState> {
  const disk = new MemoryDisk();
  disk.put(path, bytes);
  return (await readManifest(disk, path)).state;
}

describe("a damaged manifest", () => {
  test("is refused for any flipped bit, with file and offset, once it was closed", async () => {
    const { path, bytes, states } = await writtenManifest(6, 31);
    const { frames } = readFrames(bytes, path);
    const close = frames.at(-1) as Frame;
    assert.ok(frames.length === 8 && close.edit.length === 0 && close.end === bytes.length);
    for (const { at, damaged, name } of flips(bytes)) {
      const read = readAs(damaged, path);
      if (at >= close.at) assert.equal(shown(await read), shown(states[6] as EngineState), name);
      else await refusesAt(read, { path, where: placeIn(frames, at), name });
    }
  });

  test("is refused for any flipped bit but those of its last edit, with file and offset, after a crash", async () => {
    const { path, crashed, states } = await writtenManifest(6, 31);
    const { frames } = readFrames(crashed, path);
    const last = frames.at(-1) as Frame;
    assert.ok(frames.length === 7 && last.at > 200 && last.end === crashed.length);
    for (const { at, damaged, name } of flips(crashed)) {
      const read = readAs(damaged, path);
      if (at >= last.at) assert.equal(shown(await read), shown(states[5] as EngineState), name);
      else await refusesAt(read, { path, where: placeIn(frames, at), name });
    }
  });

  test("that ends anywhere is read up to its last whole edit, and refused without the first", async () => {
    const { path, bytes, states } = await writtenManifest(5, 32);
    const { frames } = readFrames(bytes, path);
    for (let length = 0; length < bytes.length; length++) {
      const whole = frames.filter((frame) => frame.end <= length).length;
      const read = readAs(bytes.slice(0, length), path);
      if (whole === 0) await assert.rejects(read, { code: "corruption" }, `${length} bytes`);
      else assert.equal(shown(await read), shown(states[whole - 1] as EngineState), `${length} bytes`);
    }
  });

  test("never takes bytes of another manifest for its own", async () => {
    const { path, crashed, edits } = await writtenManifest(3, 33);
    const { frames, end } = readFrames(crashed, path);
    const header = encodeHeader(fileNumber(2));
    const foreign = seedOf(header);
    const { edit } = frames.at(-1) as Frame;
    const next = encodeFrame({ seed: foreign, number: 5, position: end }, edit);
    const grown = concatBytes([crashed, next]);
    const disk = new MemoryDisk();
    disk.put(path, grown);
    const read = await readManifest(disk, path);
    assert.equal(read.edits.length, edits.length + 1, "the empty state and its edits");
    assert.equal(read.soundBytes, end);
    // The same bytes at another place, or once more, are no edit either.
    grown.set(crashed.subarray(end - next.length, end), end);
    assert.equal((await readAs(grown, path)).nextFileNumber, read.state.nextFileNumber);
  });

  test("takes a frame that a client forged in a key for a key, wherever the edit with it is torn", async () => {
    const { path, crashed, states } = await writtenManifest(3, 43);
    const { frames, end } = readFrames(crashed, path);
    // Everything about it is right: its place, its number, the seed of its checksum.
    const forged = (position: number): Uint8Array =>
      encodeFrame({ seed: seedOf(crashed), number: frames.length + 2, position }, Uint8Array.of(8, 99));
    const key = (user: Uint8Array): Uint8Array => concatBytes([keyOf(1, "a"), user]);
    const edit = (user: Uint8Array): Uint8Array => {
      const meta = metaOf({ number: fileNumber(900), smallest: key(user), largest: keyOf(1, "b") });
      return encodeEdit(editOf({ added: [{ level: 6, meta }], nextFileNumber: fileNumber(901) }));
    };
    const placed = hex(edit(forged(0))).indexOf(hex(forged(0))) / 2;
    const position = end + frameHeaderBytes + placed;
    const whole = edit(forged(position));
    const frame = encodeFrame({ seed: seedOf(crashed), number: frames.length + 1, position: end }, whole);
    assert.ok(frameHeaderBytes + placed + forged(0).length < frame.length && placed > 0);

    // As it would be without stuffing: the forgery stands where it says that it does, and is taken for a frame.
    const plain = concatBytes([crashed, new Uint8Array(frameHeaderBytes), whole]);
    await assert.rejects(readAs(plain, path), { code: "corruption", message: /edit 6 follows it/ });

    assert.ok(
      (await readAs(concatBytes([crashed, frame]), path)).version.levels[6]?.some(({ number }) => number === 900),
    );
    for (let lost = 0; lost < frame.length; lost++) {
      for (const torn of [frame.slice(0, lost), frame.slice().fill(0, 0, lost + 1), frame.slice().fill(0, lost)]) {
        const left = await readAs(concatBytes([crashed, torn]), path);
        assert.equal(shown(left), shown(states[3] as EngineState), `torn at ${lost}`);
      }
    }
  });

  test("in which an edit is missing, or stands twice, is refused although each checksum is right", async () => {
    const { path, crashed } = await writtenManifest(3, 44);
    const { end } = readFrames(crashed, path);
    for (const number of [0, 1, 4, 6]) {
      const frame = encodeFrame({ seed: seedOf(crashed), number, position: end }, Uint8Array.of());
      const message = `${path}: edit 5 at offset ${end} is damaged: edit ${number} follows it at offset ${end}`;
      await assert.rejects(readAs(concatBytes([crashed, frame]), path), { code: "corruption", message });
    }
  });

  test("with an edit that cannot be, although its checksum is right, is refused", async () => {
    const { path, crashed } = await writtenManifest(2, 34);
    const { end } = readFrames(crashed, path);
    // Remove table 77 from level 3; add nothing.
    const impossible = Uint8Array.of(2, 3, 77);
    const grown = concatBytes([crashed, encodeFrame({ seed: seedOf(crashed), number: 4, position: end }, impossible)]);
    const message = `${path}: edit 4 at offset ${end} removes table 77 from level 3, which does not hold it`;
    await assert.rejects(readAs(grown, path), { code: "corruption", message });
  });

  test("under another's name is refused", async () => {
    const { bytes } = await writtenManifest(2, 35);
    await assert.rejects(readAs(bytes, "/engine/manifest-000009"), {
      code: "corruption",
      message: "/engine/manifest-000009: the header says that this is manifest 1, the name says 9",
    });
  });

  test("tells a last edit that misses some sector from one that is all there and damaged", async () => {
    const { path, crashed } = await writtenManifest(3, 45);
    const { frames, end } = readFrames(crashed, path);
    // No key of it holds zeros enough for a sector, and it spans four of them.
    const long = (key: string): Uint8Array => concatBytes([keyOf(1, key), new Uint8Array(800).fill(7)]);
    const meta = metaOf({ number: fileNumber(900), smallest: long("a"), largest: long("b") });
    const edit = encodeEdit(editOf({ added: [{ level: 6, meta }], nextFileNumber: fileNumber(901) }));
    const whole = concatBytes([
      crashed,
      encodeFrame({ seed: seedOf(crashed), number: frames.length + 1, position: end }, edit),
    ]);
    const tail = async (bytes: Uint8Array): Promise<string> => {
      const disk = new MemoryDisk();
      disk.put(path, bytes);
      const read = await readManifest(disk, path);
      assert.equal(read.edits.length, frames.length + (bytes === whole ? 1 : 0));
      return read.tail;
    };
    assert.equal(await tail(whole), "none");
    assert.equal(await tail(crashed), "none");
    for (let size = end + 1; size < whole.length; size++) assert.equal(await tail(whole.slice(0, size)), "torn");
    for (let sector = end - (end % 512); sector < whole.length; sector += 512) {
      const holed = whole.slice();
      holed.fill(0, Math.max(sector, end), Math.min(sector + 512, whole.length));
      // A short piece of the last sector may have been zeros in any case.
      if (!holed.every((byte, at) => byte === whole[at])) assert.equal(await tail(holed), "torn", `hole at ${sector}`);
    }
    for (let bit = end * 8; bit < whole.length * 8; bit++) {
      const flipped = whole.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(await tail(flipped), "doubtful", `bit ${bit - end * 8} of the edit`);
    }
  });

  test("whose last edit is torn is cut, and written anew before anything is added", async () => {
    const { disk, path, crashed, states } = await writtenManifest(4, 36);
    disk.put(path, crashed.slice(0, -3));
    const manifest = await openOn(disk);
    assert.equal(shown(manifest.state), shown(states[3] as EngineState));
    await manifest.close();
    assert.deepEqual(await disk.list(manifestFolder), [
      "current",
      `manifest-${String(manifest.fileNumber).padStart(6, "0")}`,
    ]);
    assert.notEqual(manifest.fileNumber, 1);
  });
});

describe("a folder without a usable manifest", () => {
  const cases: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array | undefined, object])[] = [
    ["a missing manifest", () => undefined, { code: "corruption", message: "/engine/manifest-000001 is missing" }],
    [
      "a foreign file",
      () => utf8("SQLite format 3 and so on, and on, and on"),
      { code: "corruption", message: /manifest-000001 is not a manifest of Trefoil's engine/ },
    ],
    ["an empty file", () => new Uint8Array(0), { code: "corruption", message: /is not a manifest/ }],
    [
      "a newer format",
      (bytes) => {
        const newer = bytes.slice();
        writeU32(newer, 8, 3);
        writeU32(newer, 20, maskCrc(crc32(newer, 0, 20)));
        return newer;
      },
      { code: "bad_request", message: /manifest-000001 has manifest format 3; this version of Trefoil reads format 2/ },
    ],
    [
      "a damaged edit",
      (bytes) => {
        const damaged = bytes.slice();
        damaged[headerBytes + 22] = 0xff;
        return damaged;
      },
      { code: "corruption", message: /edit 1 at offset 24 is damaged: edit 2 follows it at offset \d+/ },
    ],
  ];
  for (const [what, change, expected] of cases) {
    test(`is refused and left as it is: ${what}`, async () => {
      const { disk, path, bytes } = await writtenManifest(3, 37);
      const changed = change(bytes);
      if (changed === undefined) await disk.remove(path);
      else disk.put(path, changed);
      const before = await contentsOf(disk);
      await assert.rejects(openOn(disk), expected);
      assert.deepEqual(await contentsOf(disk), before);
      assert.equal(disk.openFileCount, 0);
    });
  }

  test("is refused and left as it is: a missing `current`", async () => {
    const { disk } = await writtenManifest(1, 40);
    await disk.remove(currentPath);
    const before = await contentsOf(disk);
    await assert.rejects(openOn(disk), { code: "corruption", message: "/engine/current is missing" });
    assert.deepEqual(await contentsOf(disk), before);
  });

  const nonsense = [
    "",
    "manifest-000001",
    "manifest-000001\n",
    "manifest-1 2\n",
    "../manifest-000001\n",
    "\u0000\u0000\n",
  ];
  for (const text of [...nonsense, utf8Text(encodeCurrent(fileNumber(1))).replace("manifest", "no-manifest")]) {
    test(`is refused and left as it is: a \`current\` that names none, but ${JSON.stringify(text)}`, async () => {
      const { disk } = await writtenManifest(1, 38);
      disk.put(currentPath, utf8(text));
      const before = await contentsOf(disk);
      await assert.rejects(openOn(disk), {
        code: "corruption",
        message: /^\/engine\/current does not name a manifest: it holds "/,
      });
      assert.deepEqual(await contentsOf(disk), before);
    });
  }

  test("is refused and left as it is: a `current` with any flipped bit, even if it leads to an older manifest", async () => {
    const { disk, bytes } = await writtenManifest(2, 39);
    // What a power cut may bring back: the removal of the manifest before is not synced.
    const current = encodeCurrent(fileNumber(5));
    for (const number of [1, 3, 4, 5, 7, 13, 105]) {
      const path = joinPath(manifestFolder, manifestName(fileNumber(number)));
      disk.put(path, concatBytes([encodeHeader(fileNumber(number)), bytes.subarray(headerBytes)]));
    }
    for (const { damaged, name } of flips(current)) {
      disk.put(currentPath, damaged);
      const before = disk.operations;
      await refusesAt(openOn(disk), { path: currentPath, where: "", name });
      assert.equal(disk.operations, before, name);
    }
  });
});

describe("the inspector of manifests", () => {
  test("finds all edits and the state they come to", async () => {
    const { disk, path, edits, states, bytes } = await writtenManifest(5, 41);
    const before = await contentsOf(disk);
    const findings = await inspectManifest(disk, path);
    assert.deepEqual(findings[0], {
      kind: "header",
      format: 2,
      number: decodeHeader(bytes, path),
      fileBytes: bytes.length,
    });
    const found = findings.flatMap((finding) => (finding.kind === "edit" ? [finding.edit] : []));
    assert.deepEqual(found.slice(1, -1), edits);
    assert.deepEqual(describeEdit(found.at(-1) ?? editOf({})), ["nothing: closed in good order"]);
    const state = findings.at(-1);
    assert.ok(state?.kind === "state" && shown(state.state) === shown(states[5] as EngineState));
    assert.equal(findings.length, edits.length + 4);
    assert.deepEqual(await contentsOf(disk), before);
  });

  test("goes on behind damage, and tells a torn tail from it", async () => {
    const { disk, path, crashed } = await writtenManifest(5, 42);
    const { frames, end } = readFrames(crashed, path);
    const third = frames[2] as Frame;
    const fourth = frames[3] as Frame;
    const damaged = crashed.slice(0, end - 1);
    damaged[third.at + 9] = 77;
    disk.put(path, damaged);
    const findings = await inspectManifest(disk, path);
    assert.deepEqual(
      findings.map((finding) => finding.kind),
      ["header", "edit", "edit", "damage", "edit", "edit", "torn tail"],
    );
    const damage = `${path}: edit 3 at offset ${third.at} is damaged; the next sound one is 4 at offset ${fourth.at}`;
    assert.deepEqual(findings[3], { kind: "damage", detail: damage });
    const last = frames.at(-1)?.at ?? 0;
    assert.deepEqual(findings[6], { kind: "torn tail", offset: last, bytes: end - 1 - last, isDoubtful: false });
  });

  test("says what is wrong with a foreign file", async () => {
    const disk = new MemoryDisk();
    disk.put("/engine/manifest-000003", utf8("something else altogether"));
    const [only, ...rest] = await inspectManifest(disk, "/engine/manifest-000003");
    assert.ok(only?.kind === "damage" && only.detail.includes("is not a manifest"));
    assert.equal(rest.length, 0);
    assert.equal(utf8Text(disk.peek("/engine/manifest-000003") ?? new Uint8Array(0)), "something else altogether");
  });
});
