// One cluster for development to a folder: locked as a whole before anything in it is made or started, so that a start that is
// refused leaves no folders of nodes behind, which would belong to the cluster that runs there from its next start on.

import { join } from "node:path";
import { DiskFailure } from "../../../internal/platform/disk.ts";
import type { Disk, FolderLock } from "../../../internal/platform/disk.ts";
import { makeDurably } from "../../../internal/platform/make-durably.ts";
import { idOf } from "./plan.ts";

export type Claim =
  | { readonly kind: "held"; readonly lock: FolderLock }
  /** Only when it is not to be made. */
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly why: string };

export interface ClaimWish {
  readonly folder: string;
  /** How many nodes may have something in it. */
  readonly nodes: number;
  readonly isMade: boolean;
}

export async function claimFolder(disk: Disk, { folder, nodes, isMade }: ClaimWish): Promise<Claim> {
  let lock: FolderLock | undefined;
  try {
    if (isMade) await makeDurably(disk, folder);
    lock = await lockIfThere(disk, folder);
    if (lock === undefined) return { kind: "absent" };
    // Nodes that somebody started by hand, or that outlive their supervisor for a moment.
    for (let at = 0; at < nodes; at++) {
      const ofNode = await lockIfThere(disk, join(folder, idOf(at)));
      await ofNode?.release();
    }
    return { kind: "held", lock };
  } catch (failure) {
    await lock?.release();
    if (failure instanceof DiskFailure) return { kind: "refused", why: refusalOf(failure, folder) };
    throw failure;
  }
}

async function lockIfThere(disk: Disk, folder: string): Promise<FolderLock | undefined> {
  try {
    return await disk.lockFolder(folder);
  } catch (failure) {
    if (failure instanceof DiskFailure && failure.kind === "not_found") return undefined;
    throw failure;
  }
}

function refusalOf(failure: DiskFailure, folder: string): string {
  const reason = failure.cause instanceof Error ? failure.cause.message : failure.message;
  if (failure.kind !== "in_use") return `--data ${folder}: ${reason}; choose another folder with --data`;
  const [holder = reason] = reason.split(";");
  const whose =
    failure.path === folder ? "a cluster runs in it already" : `${failure.path} belongs to a node that runs`;
  return `--data ${folder} is ${holder}: ${whose} (another npm start or trefoil dev?); stop that, or choose another folder with --data`;
}
