// The data folder of a node, judged as its node would before it takes part; and which folders of nodes lie in one of `trefoil dev`.

import { corruption, TrefoilError } from "../../../internal/base/errors.ts";
import { nodeParts, ownNames, readMap, readRecord, refuseStrangers } from "../../../internal/cluster/node-folder.ts";
import type { NodeRecord } from "../../../internal/cluster/node-folder.ts";
import { checkEngineFolder } from "../../../internal/engine/recovery.ts";
import { recoverLog } from "../../../internal/log/recovery.ts";
import type { RecoveredLog } from "../../../internal/log/recovery.ts";
import { markOfRun } from "../../../internal/log/run-mark.ts";
import { refuseMissingParts } from "../../../internal/node/missing-parts.ts";
import { systemMachine } from "../../../internal/os/system-machine.ts";
import type { Disk } from "../../../internal/platform/disk.ts";

/** Throws what would keep a node from opening it. */
export async function checkNode(disk: Disk, folder: string): Promise<void> {
  const record = await readRecord(disk, folder);
  if (record === undefined) return refuseStrangers(disk, folder);
  await refuseMissingParts(disk, folder, record.seats);
  const map = await readMap(disk, folder, record.seats);
  const names = await disk.list(folder);
  const logFolder = `${folder}/${nodeParts.log}`;
  const engineFolder = `${folder}/${nodeParts.engine}`;
  const log = names.includes(nodeParts.log) ? await recoverLog(disk, logFolder) : undefined;
  if (log !== undefined) checkRun(log, logFolder);
  const tables = names.includes(nodeParts.engine) ? await checkEngineFolder(disk, engineFolder) : undefined;
  for (const { group, replica } of record.seats) {
    const known = tables?.groups.get(group);
    const there = map?.groups.find(({ id }) => id === group)?.replicas.find((each) => each.replica === replica);
    // What the map does not have is erased, whatever it holds.
    if (known === undefined || there?.disk !== record.disk) continue;
    const applied = tables?.applied.get(known.incarnation) ?? 0;
    const state = log?.groups.get(group);
    const base = state?.baseIndex ?? 0;
    const last = Math.max(state?.lastIndex ?? 0, known.snapshot?.index ?? 0);
    if (base > applied) {
      throw corruption(`group ${group}: its log begins behind entry ${base}, its tables end at ${applied}`);
    }
    if (applied > last) {
      throw corruption(`group ${group}: its log ends at entry ${last}, its tables hold entries up to ${applied}`);
    }
  }
}

/** On this machine: another one is not that under which answers ran ahead of the disk. */
function checkRun({ run, cleanStop }: RecoveredLog, folder: string): void {
  const begin = { bootId: systemMachine.bootId ?? "", isBuffered: false, cleanStop };
  if (markOfRun(run, begin)?.mayHaveLost !== true) return;
  const detail = `${folder}: the machine went down while writes were answered before they were synced (--fsync=interval)`;
  throw new TrefoilError("conflict", detail);
}

export function describeRecord({ node, disk, life, founding, seats }: NodeRecord): string {
  const groups =
    seats.length === 0 ? "no replicas" : `replicas of groups ${seats.map(({ group }) => group).join(", ")}`;
  const began = founding.stage === "empty" ? "founded no cluster" : `founding ${founding.stage}`;
  return `node ${node}, folder ${disk}, life ${life}, ${began}, ${groups}`;
}

/** Whether these names are those of a node's folder, be it that its record is lost. */
export function isOfNode(names: readonly string[]): boolean {
  return names.includes(ownNames.record) || (names.includes(nodeParts.snapshots) && names.includes(nodeParts.engine));
}

/** Of `trefoil dev`: the names of the nodes' folders in it. */
export async function nodesIn(disk: Disk, folder: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names.filter((each) => /^n[1-9]\d{0,3}$/.test(each))) {
    if ((await disk.sizeOf(`${folder}/${name}`)) !== undefined) continue;
    if (isOfNode(await disk.list(`${folder}/${name}`))) found.push(name);
  }
  return found;
}
