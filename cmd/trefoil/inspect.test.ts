// The built command on a real store, sound and damaged. Nothing that it looks at is changed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../internal/base/bytes.ts";
import { Store } from "../../internal/store/store.ts";
import { tinyOptions } from "../../test/engine/engine-rig.ts";
import { realSeams } from "../../test/store/real-seams.ts";

const program = fileURLToPath(new URL("./main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "trefoil-inspect-"));
const sound = join(root, "sound");
let copies = 0;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly complaint: string;
}

function trefoil(...parameters: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...parameters], { encoding: "utf8" });
  return { code: status, out: stdout, complaint: stderr };
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

/** Names, contents and times of everything in a folder. */
function fingerprint(folder: string): string {
  const hash = createHash("sha256");
  for (const path of filesUnder(folder).toSorted()) {
    hash.update(`${path} ${statSync(path).mtimeMs} `).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** A copy of the sound store, to be damaged. */
function copyStore(): string {
  const copy = join(root, `copy-${++copies}`);
  cpSync(sound, copy, { recursive: true });
  return copy;
}

function fileIn(folder: string, pattern: RegExp): string {
  const path = filesUnder(folder)
    .toSorted()
    .find((name) => pattern.test(name));
  assert.ok(path !== undefined, `no file like ${pattern.source} in ${folder}`);
  return path;
}

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] as number) ^ 1;
  writeFileSync(path, bytes);
}

before(async () => {
  const seams = realSeams();
  const options = { engine: tinyOptions, log: { segmentBytes: 16_384, batchBytesMax: 4096 } };
  const store = await Store.open(seams, sound, options);
  for (let round = 0; round < 3; round++) {
    const batch = store.batch();
    for (let key = 0; key < 50; key++) batch.put(utf8(`key${key}`), new Uint8Array(80).fill(round));
    await store.write(batch.delete(utf8("key7")));
    await store.flush();
  }
  await store.settle();
  await store.put(utf8("late"), utf8("x"), { ttlMilliseconds: 60_000 });
  await store.write(store.batch().put(utf8("a\u0000b"), utf8("")).delete(utf8("z")));
  await store.close();
  await seams.close();
});

after(() => rmSync(root, { recursive: true }));

describe("trefoil inspect", () => {
  it("shows each part of a sound store in every form, finds no damage, and changes nothing", () => {
    const paths = {
      folder: sound,
      log: join(sound, "log"),
      table: fileIn(sound, /\.table$/),
      manifest: join(sound, "engine"),
    };
    const print = fingerprint(sound);
    for (const [kind, path] of Object.entries(paths)) {
      const table = trefoil("inspect", kind, path);
      assert.deepEqual([table.code, table.complaint], [0, ""], kind);
      const raw = trefoil("inspect", kind, path, "-o", "raw");
      const lines = raw.out.trimEnd().split("\n");
      assert.equal(lines.length, table.out.trimEnd().split("\n").length);
      assert.ok(lines.every((line) => line.split("\t").length === 3));
      const json = JSON.parse(trefoil("inspect", kind, path, "--output", "json").out) as { what: string }[];
      assert.equal(json.length, lines.length);
      assert.ok(json.every((finding) => typeof finding.what === "string"));
    }
    assert.equal(fingerprint(sound), print);
  });

  it("says what log entries of a store do", () => {
    const { out } = trefoil("inspect", "log", join(sound, "log"));
    assert.match(out, /entry\s+group 1, 1\.4, \d{4}-\S+: put "late" \(1 bytes, expires \d{4}-/);
    assert.match(out, /entry\s+group 1, 1\.5, \S+ put "a\\x00b" \(0 bytes\); delete "z"/);
    assert.match(out, /, stop$/m);
  });

  it("lists the entries of a table when asked", () => {
    const path = fileIn(sound, /\.table$/);
    assert.doesNotMatch(trefoil("inspect", "table", path).out, / entry /);
    assert.match(trefoil("inspect", "table", path, "--entries").out, /entry\s+1\/"key0" @\d+ = 1\.\d, \S+ 81 bytes/);
  });

  it("names file and offset of a flipped bit in a table, and goes on behind it", () => {
    const copy = copyStore();
    const path = fileIn(copy, /\.table$/);
    flipBit(path, 700);
    const { code, out, complaint } = trefoil("inspect", "table", path);
    assert.equal(code, 1);
    assert.match(out, /^\s+damage\s+.*offset \d+: data block: the checksum does not match$/m);
    assert.match(complaint, /^trefoil: 1 place is damaged in /);
    assert.ok((out.match(/ block /g) ?? []).length > 3);
  });

  it("names the offset of a flipped bit in the log, and says that the place was good once", () => {
    const copy = copyStore();
    const log = join(copy, "log");
    const entries = JSON.parse(trefoil("inspect", "log", log, "-o", "json").out) as Record<string, unknown>[];
    const entry = entries.findLast((finding) => finding["what"] === "entry" && finding["index"] === 4);
    assert.ok(entry !== undefined);
    flipBit(join(log, String(entry["file"])), Number(entry["offset"]) + 45);
    for (const [kind, path] of [
      ["log", log],
      ["folder", copy],
    ] as const) {
      const { code, out } = trefoil("inspect", kind, path);
      assert.equal(code, 1);
      assert.match(out, /damage .*and was good once/);
    }
  });

  it("tells a damaged manifest, a missing table, a table that was cut, a damaged mark", () => {
    const damage: [what: RegExp, damage: (copy: string) => void][] = [
      [/manifest-\d+: edit \d+ at offset \d+ is damaged/, (copy) => flipBit(fileIn(copy, /manifest-/), 60)],
      [/table \d+ is missing: the manifest names it/, (copy) => rmSync(fileIn(copy, /\.table$/))],
      [/has 100 bytes, and the manifest says \d+/, (copy) => truncateSync(fileIn(copy, /\.table$/), 100)],
      [/does not say what it should/, (copy) => writeFileSync(join(copy, "trefoil-store"), "something")],
      [/engine\/current is missing/, (copy) => rmSync(join(copy, "engine", "current"))],
      [/log is missing/, (copy) => rmSync(join(copy, "log"), { recursive: true })],
    ];
    for (const [what, harm] of damage) {
      const copy = copyStore();
      harm(copy);
      const { code, out } = trefoil("inspect", "folder", copy);
      assert.match(out, what);
      assert.match(out, /damage/);
      assert.equal(code, 1, out);
    }
  });

  it("shows what does not belong there without calling it damage", () => {
    const copy = copyStore();
    writeFileSync(join(copy, "engine", "notes.txt"), "mine");
    writeFileSync(join(copy, "engine", "999999.table"), "an orphan");
    const { code, out } = trefoil("inspect", "folder", copy);
    assert.equal(code, 0);
    assert.match(out, /stray\s+notes\.txt: nobody's/);
    assert.match(out, /stray\s+999999\.table: removed at the next open/);
  });

  it("ends with 2 for wrong use and 3 for what is not there, and says why on the error output", () => {
    const cases: [code: number, complaint: RegExp, parameters: string[]][] = [
      [2, /inspect/, ["inspect"]],
      [2, /missing required argument 'path'/, ["inspect", "log"]],
      [2, /unknown command 'tabel'/, ["inspect", "tabel", sound]],
      [2, /-o xml: choose from table, json, raw/, ["inspect", "log", sound, "-o", "xml"]],
      [2, /unknown option '--all'/, ["inspect", "log", sound, "--all"]],
      [3, /absent/, ["inspect", "log", join(root, "absent")]],
      [3, /absent/, ["inspect", "table", join(root, "absent")]],
      [3, /absent/, ["inspect", "folder", join(root, "absent")]],
      [3, /no folder of an engine/, ["inspect", "manifest", sound]],
      [3, /no folder of a store, an engine or a log/, ["inspect", "folder", root]],
    ];
    for (const [code, complaint, parameters] of cases) {
      const ran = trefoil(...parameters);
      assert.deepEqual([ran.code, ran.out], [code, ""], parameters.join(" "));
      assert.match(ran.complaint, complaint);
    }
  });

  it("helps with examples and exit codes", () => {
    for (const parameters of [["--help"], ["inspect", "--help"], ["inspect", "table", "--help"]]) {
      const { code, out } = trefoil(...parameters);
      assert.equal(code, 0);
      assert.match(out, /Usage: trefoil/);
    }
    assert.match(trefoil("inspect", "--help").out, /Examples:\n {2}trefoil inspect log data\/log\n[^]*Exit codes: 0/);
  });
});
