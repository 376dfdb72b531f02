// A process that tries to take a folder when it is told to, and says what came of it. It ends when its
// parent does.

import { DiskFailure, type FolderLock } from "../../internal/platform/disk.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";

export type LockOrder = { readonly order: "take"; readonly folder: string } | { readonly order: "release" };
export type LockReport = { readonly result: "held" | "released" | "failed"; readonly detail: string };

const disk = new RealDisk();
let lock: FolderLock | undefined;

process.on("message", (order: LockOrder) => {
  void carryOut(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());

async function carryOut(order: LockOrder): Promise<LockReport> {
  try {
    if (order.order === "release") {
      await lock?.release();
      lock = undefined;
      return { result: "released", detail: "" };
    }
    lock = await disk.lockFolder(order.folder);
    return { result: "held", detail: "" };
  } catch (reason) {
    const kind = reason instanceof DiskFailure ? reason.kind : "no DiskFailure";
    return { result: "failed", detail: `${kind}: ${String(reason)}` };
  }
}
