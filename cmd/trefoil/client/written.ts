// What a node says of a write that it took, out of the headers of its answer.

import type { ClusterAnswer } from "./cluster-client.ts";
import type { Report } from "./report.ts";
import { headerText } from "./session.ts";

export function writtenReport({ headers }: ClusterAnswer): Report {
  const [acks, replicas] = (headerText(headers, "trefoil-acks") ?? "").split("/").map(Number);
  const version = headerText(headers, "etag")?.replaceAll('"', "");
  const told = {
    version,
    acks,
    replicas,
    durability: headerText(headers, "trefoil-durability"),
    receipt: headerText(headers, "trefoil-receipt"),
    group: Number(headerText(headers, "trefoil-group")),
    node: headerText(headers, "trefoil-node"),
    role: headerText(headers, "trefoil-role"),
    consistency: headerText(headers, "trefoil-consistency"),
    expiresAt: headerText(headers, "trefoil-expires-at") ?? null,
  };
  return {
    parts: [
      {
        kind: "facts",
        facts: [
          ["version", told.version],
          ["acks", `${told.acks} of ${told.replicas}`],
          ["durability", told.durability],
          ["consistency", told.consistency],
          ["receipt", told.receipt],
          ["group", told.group],
          ["node", told.node],
          ["expires", told.expiresAt],
        ],
      },
    ],
    json: JSON.stringify(told),
  };
}
