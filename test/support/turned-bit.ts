// Damage to a file, as a disk does it.

import { readFile, writeFile } from "node:fs/promises";

/** In the middle of what was written: not where a power cut could have torn it. */
export async function turnABit(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(path, bytes);
}
