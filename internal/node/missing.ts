// Rule 16 at one replica: what it lacks of what a node has told its clients.

import type { Version } from "../engine/cell.ts";
import { compareVersions } from "../replica/answer.ts";
import type { Replica } from "../replica/replica.ts";

/**
 * What has to be applied here before fast reads show an entry that a client was told of, and all that was told before it; undefined:
 * nothing. What its leader has told beyond what it knows to be committed it has answered fast, and shows ahead of that: an entry in
 * between that was never answered, a strong write without its majority, is not waited for.
 */
export function missingFor(replica: Replica, told: Version): Version | undefined {
  const { applied } = replica;
  if (compareVersions(told, applied) <= 0) return undefined;
  const { role, term, commit, persisted } = replica.status;
  const isOwn = role === "leader" && term === told.term && told.index <= persisted;
  if (!isOwn || told.index <= commit) return told;
  return commit <= applied.index ? undefined : { term, index: commit };
}
