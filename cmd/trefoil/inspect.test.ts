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
const packageFile = fileURLToPath(new URL("../../../package.json", import.meta.url));
const format9 = "trefoil store, format 9\n";
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

function removeSegments(folder: string): void {
  for (const path of filesUnder(join(folder, "log"))) if (path.endsWith(".log")) rmSync(path);
}

/** Gives the first two tables each other's names. */
function swapTables(folder: string): void {
  const [one, other] = filesUnder(folder).filter((path) => path.endsWith(".table"));
  assert.ok(one !== undefined);
  const bytes = readFileSync(one);
  if (other !== undefined) {
    writeFileSync(one, readFileSync(other));
    writeFileSync(other, bytes);
  } else {
    writeFileSync(one, bytes.subarray(0, 10));
  }
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
    assert.match(out, /entry\s+group 1, term 1 index 4, \d{4}-\S+: put "late" \(1 byte, expires \d{4}-/);
    assert.match(out, /entry\s+group 1, term 1 index 5, \S+ put "a\\x00b" \(0 bytes\); delete "z"/);
    assert.match(out, /, stop$/m);
    assert.match(out, /^\s+summary\s+\d+ segments? of \d+ bytes, \d+ batches, \d+ records \(\d+ entries\)\n/);
  });

  it("shows as much of a log as is asked for, the summary and damage in any case", () => {
    const copy = copyStore();
    const log = join(copy, "log");
    const whole = trefoil("inspect", "log", log).out.trimEnd().split("\n");
    const few = trefoil("inspect", "log", log, "--limit", "3");
    const lines = few.out.trimEnd().split("\n");
    assert.equal(few.code, 0);
    assert.deepEqual(lines.slice(0, 4), whole.slice(0, 4));
    assert.equal(lines.length, 5);
    assert.match(lines[4] ?? "", new RegExp(`more\\s+${whole.length - 4} lines not shown`));
    flipBit(fileIn(log, /\.log$/), 4096 + 50);
    assert.match(trefoil("inspect", "log", log, "--limit", "1").out, / damage /);
  });

  it("lists the entries of a table when asked", () => {
    const path = fileIn(sound, /\.table$/);
    assert.doesNotMatch(trefoil("inspect", "table", path).out, / entry /);
    assert.match(
      trefoil("inspect", "table", path, "--entries").out,
      /entry\s+"key0" of incarnation 1: value of 80 bytes \(term 1 index \d, sequence \d+, \d{4}-\S+\)/,
    );
  });

  it("shows several tables one after the other, each with its path", () => {
    const copy = copyStore();
    const path = fileIn(copy, /\.table$/);
    const { code, out } = trefoil("inspect", "table", path, fileIn(sound, /\.table$/), "-o", "json");
    assert.equal(code, 0);
    const findings = JSON.parse(out) as { what: string; file: string }[];
    assert.deepEqual(
      findings.filter((finding) => finding.what === "table").map((finding) => finding.file),
      [path, fileIn(sound, /\.table$/)],
    );
    assert.ok(findings.every((finding) => typeof finding.file === "string"));
  });

  it("shows no stamp as a number, and no single thing in the plural", () => {
    const paths = [
      ["folder", sound],
      ["log", join(sound, "log")],
      ["manifest", join(sound, "engine")],
      ["table", fileIn(sound, /\.table$/), "--entries"],
    ];
    for (const parameters of paths) {
      const { out } = trefoil("inspect", ...parameters);
      assert.doesNotMatch(out, /\b\d{15,}\b/);
      assert.doesNotMatch(
        out,
        /(^|[^\d.])1 (bytes|entries|tombstones|keys|records|batches|segments|tables|blocks|groups)\b/,
      );
    }
    assert.match(trefoil("inspect", "manifest", join(sound, "engine")).out, /stamps up to \d{4}-\d\d-\d\dT/);
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
      assert.match(out, /damage .*and were good once/);
    }
  });

  it("tells a damaged manifest, a missing table, a table that was cut, a damaged mark", () => {
    const damage: [what: RegExp, damage: (copy: string) => void][] = [
      [/manifest-\d+: edit \d+ at offset \d+ is damaged/, (copy) => flipBit(fileIn(copy, /manifest-/), 60)],
      [/\d+\.table is missing: the manifest names it/, (copy) => rmSync(fileIn(copy, /\.table$/))],
      [/has 100 bytes, and the manifest says \d+/, (copy) => truncateSync(fileIn(copy, /\.table$/), 100)],
      [/does not say what it should/, (copy) => writeFileSync(join(copy, "trefoil-store"), "something")],
      [/engine\/current is missing/, (copy) => rmSync(join(copy, "engine", "current"))],
      [/log is missing/, (copy) => rmSync(join(copy, "log"), { recursive: true })],
      [/data block: the checksum does not match/, (copy) => flipBit(fileIn(copy, /\.table$/), 700)],
      [/holds a store of format 9; this version reads/, (copy) => writeFileSync(join(copy, "trefoil-store"), format9)],
      [/log is empty, and .* holds entries up to \d+: the log is lost/, removeSegments],
      [/log\/stranger is no file of a log/, (copy) => writeFileSync(join(copy, "log", "stranger"), "x")],
      [/is not the table that the manifest names|the manifest says/, swapTables],
    ];
    for (const [what, harm] of damage) {
      const copy = copyStore();
      harm(copy);
      const { code, out } = trefoil("inspect", "folder", copy);
      assert.match(out, what);
      assert.match(out, /damage|refused/);
      assert.match(out, /\ncopy-\d+ +not sound +(\d+ places? damaged|an open would be refused); read: /);
      assert.equal(code, 1, out);
    }
  });

  it("says what it read to judge, and leaves blocks unread when asked", () => {
    const line =
      /\nsound +sound +an open would succeed; read: \d+ tables? \(\d+ bytes, \d+ blocks\), \d+ segments? of the log /;
    assert.match(trefoil("inspect", "folder", sound).out, line);
    const copy = copyStore();
    flipBit(fileIn(copy, /\.table$/), 700);
    const { code, out } = trefoil("inspect", "folder", copy, "--quick");
    assert.equal(code, 0);
    assert.match(out, /\ncopy-\d+ +sound so far +an open would succeed; .* their blocks not \(--quick\)/);
  });

  it("names what was set aside, which no open removes", () => {
    const copy = copyStore();
    writeFileSync(join(copy, "engine", "000900.table.set-aside"), "x");
    const { code, out } = trefoil("inspect", "folder", copy);
    assert.equal(code, 0, out);
    assert.match(out, /set aside +000900\.table\.set-aside: kept from a damaged change/);
  });

  it("judges the folder of an engine and of a log by itself", () => {
    for (const [part, pattern] of [
      ["engine", /\.table$/],
      ["log", /\.log$/],
    ] as const) {
      const copy = copyStore();
      assert.equal(trefoil("inspect", "folder", join(copy, part)).code, 0);
      rmSync(fileIn(copy, pattern));
      assert.equal(trefoil("inspect", "folder", join(copy, part)).code, 1);
    }
  });

  it("says of every damaged folder what an open says of it, and lets no sound one be refused", async () => {
    const harms: ((copy: string) => void)[] = [
      () => undefined,
      (copy) => flipBit(fileIn(copy, /manifest-/), 60),
      (copy) => rmSync(fileIn(copy, /\.table$/)),
      (copy) => rmSync(join(copy, "trefoil-store")),
      (copy) => rmSync(join(copy, "engine"), { recursive: true }),
      (copy) => filesUnder(join(copy, "log")).forEach((path) => rmSync(path)),
      (copy) => filesUnder(join(copy, "engine")).forEach((path) => rmSync(path)),
      (copy) => writeFileSync(join(copy, "log", "stranger"), "x"),
      (copy) => writeFileSync(join(copy, "stranger"), "x"),
      (copy) => flipBit(fileIn(join(copy, "log"), /\.log$/), 4096 + 50),
    ];
    const seams = realSeams();
    for (const [number, harm] of harms.entries()) {
      const copy = copyStore();
      harm(copy);
      const { code, out } = trefoil("inspect", "folder", copy);
      const opened = await Store.open(seams, copy, { engine: tinyOptions }).then(
        (store) => store.close(),
        (failure: Error) => failure,
      );
      assert.equal(code, opened === undefined ? 0 : 1, `harm ${number}: ${String(opened)}\n${out}`);
      if (opened !== undefined) assert.ok(out.includes(opened.message), `${opened.message}\n${out}`);
    }
    await seams.close();
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
      [2, /Try: trefoil inspect log \S+sound\/log/, ["inspect", "log", sound]],
      [2, /Try: trefoil inspect log \S+sound\/log/, ["inspect", "log", `${sound}/`]],
      [2, /Try: trefoil inspect manifest \S+sound\/engine/, ["inspect", "manifest", sound]],
      [2, /Try: trefoil inspect table \S+sound\/engine\/\d+\.table/, ["inspect", "table", sound]],
      [2, /Try: trefoil inspect table \S+sound\/engine\/\d+\.table/, ["inspect", "table", join(sound, "engine")]],
      [
        2,
        /names a manifest. Try: trefoil inspect manifest \S+engine$/m,
        ["inspect", "manifest", join(sound, "engine", "current")],
      ],
      [2, /Try: trefoil inspect folder \S+sound$/m, ["inspect", "folder", join(sound, "trefoil-store")]],
      [2, /Try: trefoil inspect table \S+\.table/, ["inspect", "folder", fileIn(sound, /\.table$/)]],
      [2, /Try: trefoil inspect log \S+\.log/, ["inspect", "table", fileIn(sound, /\.log$/)]],
      [2, /--limit many: it takes a number/, ["inspect", "log", join(sound, "log"), "--limit", "many"]],
      [2, /no log's folder/, ["inspect", "log", root]],
      [2, /no folder of a node, a store, an engine or a log/, ["inspect", "folder", root]],
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
    const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
    assert.deepEqual(trefoil("--version"), { code: 0, out: `${version}\n`, complaint: "" });
    assert.match(trefoil("inspect", "--help").out, /Words:\n {2}incarnation /);
    assert.match(
      trefoil("inspect", "--help").out,
      /Examples:\n {2}trefoil inspect log data\/n1\/log --limit 100\n[^]*Exit codes: 0/,
    );
  });
});
