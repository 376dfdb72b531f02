import assert from "node:assert/strict";
import test from "node:test";
import { parseLevelLog } from "./leveldb-log.ts";

test("flushed and compacted bytes are told apart, moves and starts are not counted", () => {
  const text = [
    "2026/01/01-00:00:00.000001 7f00 Level-0 table #5: started",
    "2026/01/01-00:00:00.000002 7f00 Level-0 table #5: 1000 bytes OK",
    "2026/01/01-00:00:00.000003 7f00 Moved #5 to level-2 1000 bytes OK: files[ 0 0 1 0 0 0 0 ]",
    "2026/01/01-00:00:00.000004 7f00 Level-0 table #7: 2000 bytes OK",
    "2026/01/01-00:00:00.000005 7f00 Level-0 table #8: 9 bytes IO error: no space",
    "2026/01/01-00:00:00.000006 7f00 Compacting 1@0 + 2@1 files",
    "2026/01/01-00:00:00.000007 7f00 Generated table #9@0: 12 keys, 500 bytes",
    "2026/01/01-00:00:00.000008 7f00 Compacted 1@0 + 2@1 files => 2500 bytes",
  ].join("\n");
  assert.deepEqual(parseLevelLog(text), { flushedBytes: 3000, compactedBytes: 2500 });
});
