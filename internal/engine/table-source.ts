// How a level's walk gets at its tables.

import type { Cursor } from "./cursor.ts";
import type { TableMeta } from "./table-meta.ts";

export interface TableSource {
  /** undefined when the table is not open yet. Closing the cursor lets go of the table. */
  cursorNow(table: TableMeta): Cursor | undefined;
  openCursor(table: TableMeta): Promise<Cursor>;
}
