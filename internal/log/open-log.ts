// Opens a log: reads it, and only when all of it was found good puts its folder in order and its end
// beyond doubt. When openLog resolves, everything that the log says is synced.

import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { Disk, DiskFailureKind, OpenOptions } from "../platform/disk.ts";
import { segmentHeaderBytes } from "./format.ts";
import { Log } from "./log.ts";
import { completeOptions } from "./options.ts";
import type { LogOptions, LogSeams } from "./options.ts";
import { recoverLog } from "./recovery.ts";
import type { RecoveredLog } from "./recovery.ts";
import type { SpareFile } from "./segment-files.ts";
import { Segment, begunName, draftName, segmentName, spareName } from "./segment.ts";
import { rewriteTail } from "./tail-rewrite.ts";

/**
 * The folder is created when it is not there. Who opens a log holds the lock of its folder or of one above. `judge` is shown what
 * the log says before anything is changed, and may throw.
 */
export async function openLog(
  folder: string,
  seams: LogSeams,
  partial: Partial<LogOptions> = {},
  judge: (recovered: RecoveredLog) => void = () => undefined,
): Promise<Log> {
  const options = completeOptions(partial);
  try {
    await makeFolder(folder, seams);
    const recovered = await recoverLog(seams.disk, folder);
    judge(recovered);
    const last = recovered.segments.at(-1);
    await clearDrafts(folder, seams.disk, recovered.files.drafts);
    if (last !== undefined && !recovered.cleanStop) {
      // First: its batches stand behind the end of the last segment, which the rewrite may take away.
      if (recovered.torn !== undefined) await cutToHeader(seams.disk, `${folder}/${segmentName(recovered.torn)}`);
      // Then this, for that end may still say that there is a next one.
      await rewriteTail(seams.disk, folder, last.number, last.used);
    }
    const spare = await clearFolder(folder, seams, recovered, options);
    const segments = await openSegments(folder, seams, recovered, options);
    const log = new Log({ folder, seams, options, recovered, segments, spare });
    try {
      await log.begin();
      if (!recovered.files.isBegun) await markBegun(folder, seams.disk);
    } catch (reason) {
      await log.close();
      throw reason;
    }
    return log;
  } catch (reason) {
    if (!(reason instanceof DiskFailure)) throw reason;
    const code = codes[reason.kind] ?? "internal";
    throw new TrefoilError(code, `the log in ${folder} cannot be opened: ${reason.message}`, { cause: reason });
  }
}

const codes: Partial<Record<DiskFailureKind, ErrorCode>> = { full: "storage_full", exhausted: "busy" };

/** Makes the folder and those above it, durably, as far as they are not there. */
async function makeFolder(folder: string, seams: LogSeams): Promise<void> {
  const { disk } = seams;
  const parents: string[] = [];
  for (let path = folder; !(await isFolder(disk, path)); path = parentOf(path)) parents.unshift(parentOf(path));
  if (parents.length === 0) return;
  await disk.makeFolder(folder);
  for (const parent of parents) await disk.syncFolder(parent);
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.list(path);
    return true;
  } catch (reason) {
    if (reason instanceof DiskFailure && reason.kind === "not_found") return false;
    throw reason;
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}

/** Takes away what is not part of the log, the newest first, so that no gap ever shows. Returns the spare file. */
async function clearFolder(
  folder: string,
  seams: LogSeams,
  recovered: RecoveredLog,
  options: LogOptions,
): Promise<SpareFile | undefined> {
  const { disk } = seams;
  const { files, unused } = recovered;
  let spare: SpareFile | undefined;
  for (const number of files.spares) {
    const path = `${folder}/${spareName(number)}`;
    const bytes = (await disk.sizeOf(path)) ?? 0;
    if (spare === undefined && isReusable(bytes, options)) spare = { number, bytes };
    else await disk.remove(path);
  }
  for (const number of [...unused].reverse()) {
    const path = `${folder}/${segmentName(number)}`;
    const bytes = (await disk.sizeOf(path)) ?? 0;
    if (spare === undefined && isReusable(bytes, options)) {
      await disk.rename(path, `${folder}/${spareName(number)}`);
      spare = { number, bytes };
    } else {
      await disk.remove(path);
    }
    await disk.syncFolder(folder);
  }
  if (files.spares.length > 0) await disk.syncFolder(folder);
  return spare;
}

async function clearDrafts(folder: string, disk: Disk, drafts: readonly number[]): Promise<void> {
  for (const number of drafts) await disk.remove(`${folder}/${draftName(number)}`);
  if (drafts.length > 0) await disk.syncFolder(folder);
}

/** Leaves a segment whose beginning was torn as one that has not begun. */
async function cutToHeader(disk: Disk, path: string): Promise<void> {
  const file = await disk.openFile(path, { access: "write" });
  try {
    await file.truncate(segmentHeaderBytes);
    await file.syncData();
  } finally {
    await file.close();
  }
}

/** REQUIRES: the first segment is durable. */
async function markBegun(folder: string, disk: Disk): Promise<void> {
  const file = await disk.openFile(`${folder}/${begunName}`, { access: "write", create: "may" });
  await file.close();
  await disk.syncFolder(folder);
}

function isReusable(bytes: number, options: LogOptions): boolean {
  return bytes <= options.segmentBytes && bytes * 2 >= options.segmentBytes;
}

async function openSegments(
  folder: string,
  seams: LogSeams,
  recovered: RecoveredLog,
  options: LogOptions,
): Promise<Segment[]> {
  const capacity = options.segmentBytes;
  const last = recovered.segments.at(-1);
  if (last === undefined) {
    return [new Segment({ number: 1, start: 0, path: `${folder}/${segmentName(1)}`, capacity })];
  }
  const segments: Segment[] = [];
  try {
    for (const found of recovered.segments) {
      const path = `${folder}/${segmentName(found.number)}`;
      const writing: OpenOptions = { access: "write", writesSync: options.fsync.kind === "always", urgent: true };
      const file = await seams.disk.openFile(path, found === last ? writing : { access: "read" });
      const { number, start, used } = found;
      const segment = new Segment({ number, start, path, capacity: Math.max(capacity, used) });
      segment.used = used;
      segment.dataStart = found.dataStart;
      segment.salt = found.salt;
      // The rewritten last one has no more than its batches.
      segment.allocated = found === last ? used : found.bytes;
      segment.file = file;
      segments.push(segment);
    }
  } catch (reason) {
    for (const segment of segments) await segment.close();
    throw reason;
  }
  return segments;
}
