// What keeps the engine from writing to disk.
//
//   passes   a full disk, no more files to open, a worker that died: writers are refused, readers go on, the work is tried again
//   stays    damage in a table that a merge reads: that chore has ended, the others go on
//   final    a failed sync, or any other failure of the disk: nothing more is written while this process
//            lives. A failed sync may have dropped the pages, so trying again would prove nothing.

import { TrefoilError } from "../base/errors.ts";
import { WorkerDied } from "../platform/background.ts";
import { DiskFailure } from "../platform/disk.ts";

export type Severity = "passes" | "stays" | "final";

export interface Trouble {
  readonly severity: Severity;
  /** What writers are told. */
  readonly error: TrefoilError;
}

export function troubleFrom(failure: unknown, doing: string, folder: string): Trouble {
  if (failure instanceof DiskFailure && failure.kind === "full") {
    const detail =
      `no space left in ${folder} while ${doing}; reads go on, deletes as long as memory lasts, ` +
      `writes are taken again when space has been made`;
    return { severity: "passes", error: new TrefoilError("storage_full", detail, { cause: failure }) };
  }
  if (failure instanceof DiskFailure && failure.kind === "exhausted") {
    const detail = `${doing} in ${folder} waits: ${failure.message}. It is tried again; let the process open more files, or close some`;
    return { severity: "passes", error: new TrefoilError("busy", detail, { cause: failure }) };
  }
  if (failure instanceof WorkerDied) {
    const detail = `${doing} in ${folder} was interrupted: ${failure.message}; it is tried again`;
    return { severity: "passes", error: new TrefoilError("busy", detail, { cause: failure }) };
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  if (failure instanceof TrefoilError && failure.code === "corruption") {
    const detail = `${doing} in ${folder} found damage: ${reason}; reads go on where they can, writes are refused`;
    return { severity: "stays", error: new TrefoilError("corruption", detail, { cause: failure }) };
  }
  const detail =
    `${doing} in ${folder} failed: ${reason}; writes are refused until the process is started again ` +
    `on a disk that works`;
  return { severity: "final", error: new TrefoilError("internal", detail, { cause: failure }) };
}

/** What a caller is told whose request met a failure of the disk; other failures are passed on as they are. */
export function refusalFrom(failure: unknown, doing: string, folder: string): unknown {
  if (!(failure instanceof DiskFailure)) return failure;
  if (failure.kind === "full" || failure.kind === "exhausted") return troubleFrom(failure, doing, folder).error;
  return new TrefoilError("internal", `${doing} in ${folder} failed: ${failure.message}`, { cause: failure });
}
