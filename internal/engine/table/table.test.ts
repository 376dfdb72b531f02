import assert from "node:assert/strict";
import { test } from "node:test";
import { tablePath } from "../file-names.ts";
import { emptySlot } from "../cursor.ts";
import {
  buildTable,
  copyEntry,
  lookupOf,
  makeDisk,
  openBuilt,
  plainEntries,
  settled,
  tableFolder,
} from "../../../test/engine/table-fixture.ts";
import { TableScan } from "./table-scan.ts";

test("a table gives back what was built into it, by scan, lookup and cursor", async () => {
  const disk = await makeDisk();
  const entries = plainEntries(1000);
  const meta = buildTable(disk, entries);
  assert.equal(meta.entries, 1000);

  const file = disk.jobs.openFile(tablePath(tableFolder, meta.number));
  const scan = new TableScan(file, meta);
  const scanned = [];
  for (scan.seekToFirst(); scan.valid; scan.next()) scanned.push(copyEntry(scan));
  assert.deepEqual(scanned, entries);
  for (const entry of entries) {
    scan.seek(entry.key, entry.key.length);
    assert.deepEqual(copyEntry(scan), entry);
  }
  file.close();

  const reader = await openBuilt(disk, meta);
  const slot = emptySlot();
  for (const entry of entries) {
    assert.equal(reader.find(lookupOf(entry.key), entry.sequence, slot), "found");
    assert.deepEqual(copyEntry(slot), entry);
    assert.equal(reader.find(lookupOf(entry.key), entry.sequence - 1, slot), "absent");
  }
  const cursor = reader.cursor();
  const forward = [];
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) forward.push(copyEntry(await settled(cursor)));
  assert.deepEqual(forward, entries);
  const backward = [];
  for (cursor.seekToLast(); cursor.valid; cursor.previous()) backward.push(copyEntry(await settled(cursor)));
  assert.deepEqual(backward, entries.toReversed());
  cursor.close();
  await reader.close();
  assert.equal(disk.openFileCount, 0);
});
