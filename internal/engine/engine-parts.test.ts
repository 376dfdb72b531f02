import assert from "node:assert/strict";
import { test } from "node:test";
import { fileNumber } from "../base/ids.ts";
import { DiskFailure } from "../platform/disk.ts";
import { corruption } from "../base/errors.ts";
import { manifestName, parseFileName, tableName, temporaryName } from "./file-names.ts";
import { engineDefaults, engineOptions } from "./options.ts";
import { troubleFrom } from "./trouble.ts";

test("every name that the engine gives is recognized, and no other", () => {
  for (const number of [1, 123_456, 1_234_567].map(fileNumber)) {
    assert.deepEqual(parseFileName(tableName(number)), { kind: "table", number });
    assert.deepEqual(parseFileName(manifestName(number)), { kind: "manifest", number });
    assert.deepEqual(parseFileName(temporaryName(number)), { kind: "temporary", number });
  }
  assert.deepEqual(parseFileName("current"), { kind: "current" });
  for (const stranger of ["", "lock", "1.table", "0000001.table", "000001.tables", "manifest-1", "x000001.table"]) {
    assert.equal(parseFileName(stranger), undefined, stranger);
  }
});

test("settings are checked all at once, each violation by its name", () => {
  assert.deepEqual(engineOptions(), engineDefaults);
  const wrong = { memtableBytes: 1, blockBytes: 4096.5, levelZeroTrigger: 9, levelZeroStop: 9, surplus: 1 };
  assert.throws(
    () => engineOptions(wrong),
    (error: Error) =>
      ["memtableBytes", "blockBytes", "levelZeroStop", "surplus"].every((name) => error.message.includes(name)),
  );
});

test("a full disk passes, damage stays, a failed sync is final", () => {
  const full = troubleFrom(new DiskFailure("full", "write", "/d/1"), "flushing", "/d");
  assert.equal(full.severity, "passes");
  assert.equal(full.error.code, "storage_full");
  const sync = troubleFrom(new DiskFailure("failed", "syncData", "/d/1"), "flushing", "/d");
  assert.equal(sync.severity, "final");
  assert.equal(sync.error.code, "internal");
  const damage = troubleFrom(corruption("block 4096 of /d/1"), "compacting", "/d");
  assert.equal(damage.severity, "stays");
  assert.equal(damage.error.code, "corruption");
  assert.match(damage.error.message, /block 4096/);
});
