// What LevelDB wrote, read from its own log: exact byte counts, which its `leveldb.stats` property
// rounds to MiB and files under the level where a flushed table was put, not under what it is.
//
//   Level-0 table #12: 15993512 bytes OK               a memtable was flushed, whatever level it went to
//   Compacted 4@0 + 9@1 files => 31880713 bytes        a compaction wrote that much
//
// A moved file ("Moved #12 to level-2") was not written again and does not count.

export interface WrittenBytes {
  readonly flushedBytes: number;
  readonly compactedBytes: number;
}

export function parseLevelLog(text: string): WrittenBytes {
  return {
    flushedBytes: sum(text, /Level-0 table #\d+: (\d+) bytes OK/g),
    compactedBytes: sum(text, /Compacted \d+@\d+ \+ \d+@\d+ files => (\d+) bytes/g),
  };
}

function sum(text: string, pattern: RegExp): number {
  let total = 0;
  for (const match of text.matchAll(pattern)) total += Number(match[1]);
  return total;
}
