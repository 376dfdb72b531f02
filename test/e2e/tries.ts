// What every single try of a write was told. A client that waits for one no longer makes its request again elsewhere, and its history has
// the answer that it went on with; what the node says that it gave up is a promise, too, and is judged with the moments of that exchange.

import { entryInWords, versionName } from "../sim/history.ts";
import type { HistoryEntry, Written } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";

/** One exchange that was answered with what became of the write, however late. */
export interface Try {
  /** What it was made for. */
  readonly entry: HistoryEntry;
  readonly told: Written;
  /** The process that answered. */
  readonly via: string;
  readonly calledAt: number;
  readonly returnedAt: number;
}

export const tryInWords = ({ entry, told }: Try): string => entryInWords({ ...entry, told });

/** Throws a Violation. A request takes effect once: whoever says that it did names the same version. */
export function judgeTries(tries: readonly Try[]): void {
  const known = new Map<string, { readonly version: string; readonly via: string }>();
  for (const { entry, told, via } of tries) {
    const request = entry.done.kind === "write" ? entry.done.request : undefined;
    if (request === undefined || told.kind !== "done") continue;
    const version = versionName(told.version);
    const other = known.get(request);
    if (other === undefined) known.set(request, { version, via });
    else if (other.version !== version) {
      const answers = `as ${other.version} by ${other.via} and as ${version} by ${via}`;
      throw new Violation("once a request", `request ${request} was answered ${answers}`);
    }
  }
}
