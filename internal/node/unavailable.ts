// What of a cluster cannot be read or written now, in words: of a view as a node makes it, or as it was told as JSON, where null stands
// for what is not known.

import type { ClusterView } from "./requests.ts";

type Seen = Pick<ClusterView, "groups" | "answeredBy">;

/** A node that is away is a trouble, and nothing is unavailable for it while its groups have their majorities. */
export function unavailableIn({ groups, answeredBy }: Seen): readonly string[] {
  if (groups.every(({ group }) => group === 0)) return ["the cluster is being founded, and serves no keys yet"];
  return groups.flatMap(({ group, leader, replicas }) => {
    if (leader === null || leader === undefined) return [`group ${group} has no leader`];
    const members = replicas.filter(({ joining }) => !joining);
    const unseen = members.filter(({ role }) => role === null || role === undefined);
    const seen = members.length - unseen.length;
    if (seen * 2 > members.length) return [];
    const missing = unseen.map(({ node }) => node).join(" and ");
    return [
      `group ${group} has no majority: ${answeredBy} sees ${seen} of ${members.length} replicas, and not those of ${missing}`,
    ];
  });
}
