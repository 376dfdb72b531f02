// Rule 16: what a node has told its clients of each group, so that its fast answers are never older.
//
// What is committed is applied everywhere sooner or later. What a leader has answered fast may be lost with it, and is seen at that leader
// while entries before it, which nobody has told of, wait for their majority: so the two are kept apart.

import type { GroupId } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import { compareVersions } from "../replica/answer.ts";
import type { Replica } from "../replica/replica.ts";

export interface Told {
  /** The last one of which something was told when it was committed; undefined: none. */
  readonly committed: Version | undefined;
  /** The last one of all. */
  readonly newest: Version;
}

export class ToldPositions {
  private readonly groups = new Map<GroupId, { committed: Version | undefined; newest: Version }>();

  /** What it returns goes on with what is noted later. */
  of(group: GroupId): Told | undefined {
    return this.groups.get(group);
  }

  /** An answer may have shown something of what is committed up to `committed`, and of what was answered fast up to `ahead`. */
  note(group: GroupId, committed: Version | undefined, ahead: Version | undefined): void {
    const newest = ahead ?? committed;
    if (newest === undefined) return;
    const told = this.groups.get(group);
    if (told === undefined) {
      this.groups.set(group, { committed, newest });
      return;
    }
    if (isNewer(newest, told.newest)) told.newest = newest;
    if (committed !== undefined && isNewer(committed, told.committed)) told.committed = committed;
  }
}

/** What has to be applied here before fast reads show all that was told; undefined: nothing. */
export function missingFor(replica: Replica, { committed, newest }: Told): Version | undefined {
  const { applied } = replica;
  if (!isNewer(newest, applied)) return undefined;
  const { role, term, persisted } = replica.status;
  const isOwn = role === "leader" && term === newest.term && newest.index <= persisted;
  if (!isOwn) return newest;
  return committed !== undefined && isNewer(committed, applied) ? committed : undefined;
}

const isNewer = (version: Version, other: Version | undefined): boolean =>
  other === undefined || compareVersions(version, other) > 0;
