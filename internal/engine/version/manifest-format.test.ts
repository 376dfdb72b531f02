// The page on the format and the code say the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { bytesOfHexPage } from "../../../test/support/hex-page.ts";
import { keyOf, metaOf } from "../../../test/engine/version-fixture.ts";
import { manifestFolder, openOn, shown } from "../../../test/engine/manifest-rig.ts";
import { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import { concatBytes, emptyBytes, hex, utf8, utf8Text } from "../../base/bytes.ts";
import { fileNumber, groupId, incarnation, logIndex, sequence } from "../../base/ids.ts";
import { stamp } from "../../base/stamp.ts";
import { encodeFrame, encodeHeader, frameHeaderBytes, readFrames, seedOf } from "./manifest-format.ts";
import { Manifest } from "./manifest.ts";
import { describeEdit, inspectManifest } from "./manifest-inspector.ts";
import { applyEdit, editOf, emptyState } from "./version-edit.ts";

const page = (): string => readFileSync("docs/formats/manifest.md", "utf8");
const currentOnPage = (): string => `${/`current` holds `([^`]+)`/.exec(page())?.[1] ?? ""}\n`;
const path = `${manifestFolder}/manifest-000007`;

const one = incarnation(1);
const edits = [
  editOf({
    switches: [{ group: groupId(3), incarnation: one, snapshot: undefined }],
    nextFileNumber: fileNumber(8),
  }),
  editOf({
    added: [
      {
        level: 0,
        meta: metaOf({
          number: fileNumber(8),
          bytes: 240,
          entries: 4,
          keys: 3,
          tombstones: 1,
          smallest: keyOf(1, "EDITH"),
          largest: keyOf(1, "banana"),
          sequenceLeast: sequence(5),
          sequenceGreatest: sequence(200),
          stampGreatest: stamp(4096),
          expiring: 1,
          expiryLeast: stamp(9000),
          expiryGreatest: stamp(9000),
          versionLeast: { term: 1, index: 4 },
          versionGreatest: { term: 2, index: 150 },
        }),
      },
    ],
    applied: [{ incarnation: one, index: logIndex(150) }],
    garbage: [{ incarnation: one, watermark: stamp(4000), expiryHorizon: stamp(3000) }],
    lastSequence: sequence(200),
    nextFileNumber: fileNumber(9),
  }),
];

describe("the manifest format", () => {
  test("is that of docs/formats/manifest.md: the code writes its example", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder(manifestFolder);
    const place = { disk, folder: manifestFolder, bytesMax: 4096 };
    const manifest = await Manifest.create(place, { ...emptyState, nextFileNumber: fileNumber(7) });
    for (const edit of edits) await manifest.append(edit);
    await manifest.close();
    assert.equal(hex(disk.peek(path) as Uint8Array), hex(bytesOfHexPage(page())));
    assert.equal(utf8Text(disk.peek(`${manifestFolder}/current`) ?? emptyBytes), currentOnPage());
  });

  test("is that of docs/formats/manifest.md: its example is read", async () => {
    const disk = new MemoryDisk();
    disk.put(path, bytesOfHexPage(page()));
    disk.put(`${manifestFolder}/current`, utf8(currentOnPage()));
    const manifest = await openOn(disk);
    assert.equal(shown(manifest.state), shown(edits.reduce(applyEdit, emptyState)));
  });

  test("gives back any edit, and shows the magic of a frame nowhere in it", () => {
    const letters = fc.constantFrom(0x45, 0x44, 0x49, 0x54, 0);
    const bytes = fc.array(fc.oneof({ weight: 5, arbitrary: letters }, fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 4 }), (given) => {
        const header = encodeHeader(fileNumber(12));
        let file = header;
        for (const [before, edit] of given.entries()) {
          const place = { seed: seedOf(header), number: before + 1, position: file.length };
          const frame = encodeFrame(place, Uint8Array.from(edit));
          assert.equal(
            hex(frame)
              .slice(2 * frameHeaderBytes)
              .search(/^(..)*45444954/),
            -1,
          );
          file = concatBytes([file, frame]);
        }
        const { frames, end } = readFrames(file, "manifest");
        assert.deepEqual(
          frames.map((frame) => [...frame.edit]),
          given,
        );
        assert.equal(end, file.length);
      }),
      { numRuns: 500 },
    );
  });

  test("is shown as docs/formats/manifest.md shows it", async () => {
    const disk = new MemoryDisk();
    disk.put(path, bytesOfHexPage(page()));
    const lines: string[] = [];
    for (const finding of await inspectManifest(disk, path)) {
      if (finding.kind !== "edit") continue;
      lines.push(`edit ${finding.number} at ${finding.offset}, ${finding.bytes} bytes`);
      lines.push(...describeEdit(finding.edit).map((line) => `  ${line}`));
    }
    const text = lines.join("\n");
    assert.ok(page().includes(`\`\`\`text\n${text}\n\`\`\``), text);
  });
});
