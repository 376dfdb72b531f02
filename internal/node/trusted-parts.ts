// Log and engine of a node, opened so that what they hold can be believed. Found damaged they are set aside, and the node begins with none:
// the others give its replicas new ids and fill them (rule 21).

import { TrefoilError } from "../base/errors.ts";
import { damagedNames, nodeParts } from "../cluster/node-folder.ts";
import type { NodeFolder } from "../cluster/node-folder.ts";
import { Engine } from "../engine/engine.ts";
import { openLog } from "../log/open-log.ts";
import type { Log } from "../log/log.ts";
import { closeAll } from "../platform/close-all.ts";
import { refuseMissingParts } from "./missing-parts.ts";
import type { NodeSeams, NodeSettings } from "./node-settings.ts";

export interface TrustedParts {
  readonly log: Log;
  readonly engine: Engine;
}

/** `newDisk`: the folder's name from then on, should what is in it have to be set aside. */
export async function openTrusted(
  seams: NodeSeams,
  settings: NodeSettings,
  folder: NodeFolder,
  newDisk: string,
): Promise<TrustedParts> {
  const { damage } = folder.record;
  if (damage !== undefined) await setAside(damage);
  try {
    return await openParts(seams, settings, folder);
  } catch (failure) {
    if (!isDamage(failure)) throw failure;
    await setAside(failure.message);
    return openParts(seams, settings, folder);
  }

  async function setAside(why: string): Promise<void> {
    await folder.setAside(why, newDisk);
    seams.logger.error("what this node had stored is damaged: it is set aside, and the others fill the node anew", {
      why,
      aside: `${folder.path}/${damagedNames}`,
    });
  }
}

/** Of what lies in the folder, as far as its checksums tell. */
export function isDamage(failure: unknown): failure is TrefoilError {
  return failure instanceof TrefoilError && failure.code === "corruption";
}

/** What a process says that ends for it, when the next one is going to set aside what there is. */
export function endedByDamage(damage: TrefoilError): TrefoilError {
  const detail = `${damage.message}; start the node again: it sets aside what it had stored, and the others fill it anew`;
  return new TrefoilError("conflict", detail, { cause: damage });
}

export async function closeParts({ log, engine }: Partial<TrustedParts>): Promise<void> {
  await closeAll(
    async () => engine?.close(),
    async () => log?.close(),
  );
}

async function openParts(seams: NodeSeams, settings: NodeSettings, folder: NodeFolder): Promise<TrustedParts> {
  const { disk } = seams;
  const at = (part: string): string => `${folder.path}/${part}`;
  await refuseMissingParts(disk, folder.path, folder.seats);
  await disk.makeFolder(at(nodeParts.engine));
  await disk.syncFolder(folder.path);
  const log = await openLog(at(nodeParts.log), seams, settings.log);
  try {
    if (log.mayHaveLost) throw untrusted(folder.path);
    return { log, engine: await Engine.open(seams, at(nodeParts.engine), settings.engine) };
  } catch (failure) {
    // Why it could not be opened counts, whatever else goes wrong now.
    await log.close().catch(() => undefined);
    throw failure;
  }
}

/** Rule 19: what it has promised the others may be gone, and a node that does not know its promises breaks them. */
function untrusted(path: string): TrefoilError {
  const detail =
    `the machine went down while this node answered writes before they were synced (--fsync=interval), and what is missing in ` +
    `${path} cannot be told: it takes part no more as it is; while the others are up, empty the folder and start it again, ` +
    `and it fetches everything from them`;
  return new TrefoilError("conflict", detail);
}
