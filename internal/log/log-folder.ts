// What lies in the folder of a log, by its names alone.

import { TrefoilError, corruption } from "../base/errors.ts";
import type { Disk } from "../platform/disk.ts";
import { begunName, parseLogName, segmentName } from "./segment.ts";

export interface LogFiles {
  /** Numbers, ascending, without a gap. */
  readonly segments: readonly number[];
  readonly spares: readonly number[];
  /** Numbers of unfinished files. */
  readonly drafts: readonly number[];
  /** The log has begun: there must be a segment that counts. */
  readonly isBegun: boolean;
}

/** Throws when the folder holds what is not of a log, or a segment is missing between two others. */
export async function readFolder(disk: Disk, folder: string): Promise<LogFiles> {
  const found = { segment: [] as number[], spare: [] as number[], draft: [] as number[] };
  let isBegun = false;
  for (const name of await disk.list(folder)) {
    if (isIgnored(name)) continue;
    if (name === begunName) {
      isBegun = true;
      continue;
    }
    const parsed = parseLogName(name);
    if (parsed === undefined) {
      const detail = `${folder}/${name} is no file of a log: is this the right folder? Move it away to go on`;
      throw new TrefoilError("conflict", detail);
    }
    found[parsed.kind].push(parsed.number);
  }
  const segments = found.segment.sort((a, b) => a - b);
  const first = segments[0] ?? 0;
  segments.forEach((number, at) => {
    if (number === first + at) return;
    throw corruption(`${folder}/${segmentName(first + at)} is missing: the log goes on in ${segmentName(number)}`);
  });
  if (isBegun && segments.length === 0) {
    throw corruption(`${folder} has no segment, and ${begunName} says that there were some: they are missing`);
  }
  return { segments, spares: found.spare, drafts: found.draft, isBegun };
}

/** Hidden files (a lock, what a desktop leaves) and the folder that a file system makes at its root. */
function isIgnored(name: string): boolean {
  return name.startsWith(".") || name === "lost+found";
}
