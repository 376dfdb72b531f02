// Everything in a folder: names and bytes, for tests that nothing was changed.

import { crc32 } from "../../internal/base/checksum.ts";
import { DiskFailure, readFully } from "../../internal/platform/disk.ts";
import type { Disk } from "../../internal/platform/disk.ts";

/** A line for each file and folder below; undefined when the folder is not there. */
export async function fingerprint(disk: Disk, folder: string): Promise<string[] | undefined> {
  let names: string[];
  try {
    names = await disk.list(folder);
  } catch (failure) {
    if (failure instanceof DiskFailure && failure.kind === "not_found") return undefined;
    throw failure;
  }
  const lines: string[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    const size = await disk.sizeOf(path);
    if (size === undefined) lines.push(`${path}/`, ...((await fingerprint(disk, path)) ?? []));
    else lines.push(`${path} ${size} ${crc32(await bytesOf(disk, path, size))}`);
  }
  return lines;
}

async function bytesOf(disk: Disk, path: string, size: number): Promise<Uint8Array> {
  const file = await disk.openFile(path, { access: "read" });
  try {
    const bytes = new Uint8Array(size);
    await readFully(file, bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}
