// Reads of a session: of what it has seen, and nothing older (rule 14). What it has seen may lie in this replica's log without being
// applied, and be gone from there while the read waits for it: so the log is asked again when the waiting is over, and between
// its last answer and the read nothing else happens.

import { logIndex } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { RaftStatus } from "../raft/status.ts";
import type { LogEntries } from "./log-entries.ts";
import type { Position } from "./receipts.ts";

export type SessionRead<T> =
  | { readonly kind: "read"; readonly found: T }
  /** This replica does not have it yet. */
  | { readonly kind: "behind" }
  /** Another entry took its place, and none came in for it. */
  | { readonly kind: "lost" };

export interface SessionParts<T> {
  /** Whether a fast read would see an entry now, and all before it. */
  shows(version: Version): boolean;
  positionOf(version: Version): Promise<Position>;
  /** True: it is, or never will be. False: not in time. */
  whenApplied(version: Version): Promise<boolean>;
  /** What fast reads see at once. */
  read(): Promise<T>;
}

const roundsMax = 2;

export async function readInSession<T>(parts: SessionParts<T>, seen: Version): Promise<SessionRead<T>> {
  for (let round = 1; round <= roundsMax; round++) {
    const position = await parts.positionOf(seen);
    if (position.kind === "lost") return { kind: "lost" };
    const version = position.kind === "here" ? position.version : seen;
    if (parts.shows(version)) return { kind: "read", found: await parts.read() };
    if (round < roundsMax && !(await parts.whenApplied(version))) break;
  }
  return { kind: "behind" };
}

export interface ShownParts {
  readonly status: RaftStatus;
  readonly entries: LogEntries;
  readonly appliedIndex: LogIndex;
  isHere(version: Version): boolean;
}

/**
 * Whether a fast read sees an entry, and all before it: they are applied, or this leader has answered them fast, so that they are in
 * its overlay. Any other may be committed elsewhere, by a later leader, and have been seen.
 */
export function isShown(parts: ShownParts, version: Version): boolean {
  const { status, entries, appliedIndex } = parts;
  if (version.index <= appliedIndex) return parts.isHere(version);
  const { role, term, persisted } = status;
  if (role !== "leader" || version.term !== term || version.index > persisted) return false;
  return entries.areFast({ from: logIndex(appliedIndex + 1), to: version.index }, term);
}
