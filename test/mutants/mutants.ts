// Bugs to plant, each one line: `find` stands exactly once in `file`. The runs of hunt.ts must report every one.

import type { Mutant } from "./planting.ts";

const mutant = (name: string, file: string, find: string, replace: string): Mutant => ({ name, file, find, replace });

const filter = "internal/engine/compaction/entry-filter.ts";
const manifest = "internal/engine/version/manifest.ts";

export const mutants: readonly Mutant[] = [
  mutant("acknowledge before fsync", "internal/store/write-pipeline.ts", "if (write.batch > log.written) break;", ""),
  mutant(
    "log opened without synced writes",
    "internal/log/segment-files.ts",
    'writesSync: this.options.fsync.kind === "always"',
    "writesSync: false",
  ),
  mutant(
    "directory not synced before the manifest names its tables",
    "internal/engine/core.ts",
    "if (edit.added.length > 0) await this.syncNames();",
    "",
  ),
  mutant("log tail not proven at restart", "internal/log/tail-rewrite.ts", "await target.syncData();", ""),
  mutant("log tail not cut", "internal/log/tail-rewrite.ts", "await disk.rename(to, from);", ""),
  mutant(
    "short write ignored",
    "internal/platform/disk.ts",
    "done += taken;\n  }\n}\n\n/** writeFully for jobs. */",
    "done = source.length;\n  }\n}\n\n/** writeFully for jobs. */",
  ),
  mutant(
    "damage in the middle of a segment taken for its torn end",
    "internal/log/recovery.ts",
    "if (proof >= 0) throw provenBad(reader.path, used, reader.path, proof);",
    "",
  ),
  mutant("manifest before tables", "internal/engine/table/table-builder.ts", "this.file.syncData();", ""),
  mutant("edit not synced", manifest, "await this.sync(file.path, () => file.syncData());", ""),
  mutant("new manifest not synced", manifest, "await this.sync(path, () => opened.syncData());", ""),
  mutant(
    "name of a new manifest not synced before the switch",
    manifest,
    "the new manifest's own name goes first.\n      await this.sync(folder, () => disk.syncFolder(folder));",
    "",
  ),
  mutant(
    "segment made, directory not synced",
    "internal/log/segment-files.ts",
    "await this.seams.disk.syncFolder(this.folder);",
    "",
  ),
  mutant(
    "store marked before the names of its parts are synced",
    "internal/store/store-folder.ts",
    "what it stands for goes first.\n  await disk.syncFolder(folder);",
    "",
  ),
  mutant("tombstone dropped above an older level", filter, "|| this.mayLieBelow(entry)", ""),
  mutant("watermark ignored", filter, "stampOfCell(cellBytes, cellStart) > horizon.watermark || ", ""),
  mutant("expired record dropped before its horizon", filter, "|| expiry > horizon.expiryHorizon", ""),
  mutant("version of a snapshot dropped", filter, "&& stratum === this.lastStratum", ""),
  mutant(
    "snapshot not told to the flush",
    "internal/engine/flusher.ts",
    "snapshots: core.snapshots.sequences(),",
    "snapshots: [],",
  ),
  mutant(
    "filter with a false negative",
    "internal/engine/table/bloom.ts",
    "for (let at = 0; at < this.count; at++) setBits",
    "for (let at = 1; at < this.count; at++) setBits",
  ),
  mutant(
    "checksum of a block not checked",
    "internal/engine/table/table-format.ts",
    'if (maskCrc(crc) !== readU32(bytes, kindAt + 1)) return "the checksum does not match";',
    "if (crc < 0) return undefined;",
  ),
  mutant(
    "torn batch of the log accepted",
    "internal/log/format.ts",
    "return readU32(bytes, at + batchCrcAt) === batchCrc(bytes, at, length, salt);",
    "return readU32(bytes, at) === batchMagic || batchCrc(bytes, at, length, salt) < 0;",
  ),
  mutant(
    "applied index ahead of the data",
    "internal/engine/flusher.ts",
    "applied: [...slot.applied].map(",
    "applied: [...this.core.memtables.active.applied, ...slot.applied].map(",
  ),
  mutant(
    "level 0 read from old to new",
    "internal/engine/version/version.ts",
    "recencyOf(b) - recencyOf(a) || b.number - a.number",
    "recencyOf(a) - recencyOf(b) || a.number - b.number",
  ),
  mutant(
    "log forgotten beyond what was flushed",
    "internal/store/store-parts.ts",
    "const index = applied.get(incarnation);",
    "const index = applied.has(incarnation) ? group.lastIndex : undefined;",
  ),
];
