// What a node's folder must hold before anything in it is believed. Log and engine are there before the first seat is noted; each
// vouches for its own files, and nobody for the folder of a part that is gone as a whole. A replica that began anew under its old
// id would have forgotten its votes and what it acknowledged: others could be elected without what they had promised (rule 21).

import { TrefoilError } from "../base/errors.ts";
import { nodeParts } from "../cluster/node-folder.ts";
import type { Seat } from "../cluster/node-folder.ts";
import { currentName } from "../engine/file-names.ts";
import { begunName } from "../log/segment.ts";
import type { Disk } from "../platform/disk.ts";

/** Of each part, the file that is there from its beginning on. */
const firstFiles: readonly (readonly [part: string, file: string])[] = [
  [nodeParts.log, begunName],
  [nodeParts.engine, currentName],
];

/** Throws `conflict`, which tells what to do, for a folder whose replicas have lost their log, or their records. */
export async function refuseMissingParts(disk: Disk, folder: string, seats: readonly Seat[]): Promise<void> {
  if (seats.length === 0) return;
  for (const [part, file] of firstFiles) {
    if ((await disk.sizeOf(`${folder}/${part}/${file}`)) !== undefined) continue;
    const detail =
      `${folder}/${part} is gone, or empty, and replicas of ${seats.length} groups had stored in it: without it they would break what ` +
      `they promised. Put it back, or empty ${folder} as a whole and start the node again: the others fill it`;
    throw new TrefoilError("conflict", detail);
  }
}
