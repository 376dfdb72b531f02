// Whether a table's file is the one that the manifest names, and whole.

import { TrefoilError } from "../../../internal/base/errors.ts";
import type { TableMeta } from "../../../internal/engine/table-meta.ts";
import { inspectTable } from "../../../internal/engine/table/table-inspector.ts";
import { TableScan } from "../../../internal/engine/table/table-scan.ts";
import { realJobDisk } from "../../../internal/os/real-job-disk.ts";

export interface TableJudgement {
  readonly blocks: number;
  readonly damages: readonly string[];
}

/** With `quick` its data blocks are not read. Left out, the manifest's word on it is not known. */
export function judgeTable(path: string, meta: TableMeta | undefined, quick: boolean): TableJudgement {
  const file = realJobDisk.openFile(path);
  const damages = new Set<string>();
  let blocks = 0;
  try {
    if (meta !== undefined) {
      try {
        new TableScan(file, meta).close();
      } catch (failure) {
        if (!(failure instanceof TrefoilError)) throw failure;
        damages.add(failure.message);
      }
    }
    if (!quick) {
      for (const finding of inspectTable(file)) {
        if (finding.kind === "damage") damages.add(finding.detail);
        else if (finding.kind === "block") blocks++;
      }
    }
  } finally {
    file.close();
  }
  return { blocks, damages: [...damages] };
}
