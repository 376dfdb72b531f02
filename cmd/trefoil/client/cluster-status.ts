// `trefoil cluster status`: nodes, groups, who leads and who lags, and what is not as it should be. Its exit code is for scripts: 5 when
// some keys cannot be read or written now.

import process from "node:process";
import type { ClusterView, GroupView } from "../../../internal/node/requests.ts";
import { exitCodes } from "../failure.ts";
import { printReport } from "./report.ts";
import type { Part } from "./report.ts";
import { inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { visible } from "./visible.ts";

export function clusterStatus(options: SessionOptions): Promise<number> {
  return inSession(options, async ({ client, form = "table", screen }) => {
    const { body } = await client.ask({ method: "GET", path: "/-/cluster", mayRepeat: true });
    const text = body.toString().trimEnd();
    const view = JSON.parse(text) as ClusterView;
    const unavailable = unavailableIn(view);
    const json = `${text.slice(0, -1)},"unavailable":${JSON.stringify(unavailable)}}`;
    await printReport(screen, form, { parts: partsOf(view), json });
    for (const words of unavailable) process.stderr.write(`trefoil: unavailable: ${visible(words)}\n`);
    return unavailable.length === 0 ? exitCodes.ok : exitCodes.unavailable;
  });
}

/** In words. A node that is away is a trouble, and nothing is unavailable for it while its groups have their majorities. */
export function unavailableIn({ groups, answeredBy }: ClusterView): readonly string[] {
  if (groups.every(({ group }) => group === 0)) return ["the cluster is being founded, and serves no keys yet"];
  return groups.flatMap(({ group, leader, replicas }) => {
    if (leader === null || leader === undefined) return [`group ${group} has no leader`];
    const members = replicas.filter(({ joining }) => !joining);
    const seen = members.filter(({ role }) => role !== null && role !== undefined).length;
    if (seen * 2 > members.length) return [];
    return [`group ${group} has no majority: ${answeredBy} sees ${seen} of ${members.length} replicas`];
  });
}

function partsOf(view: ClusterView): readonly Part[] {
  const { cluster, epoch, format, answeredBy, nodes, groups, troubles } = view;
  const nodeRows = nodes.map(({ node, zone, state, roundTripMicroseconds, addresses }) => [
    node,
    zone,
    state,
    typeof roundTripMicroseconds === "number" ? (roundTripMicroseconds / 1000).toFixed(2) : null,
    groups
      .filter(({ leader }) => leader === node)
      .map(({ group }) => group)
      .join(" "),
    addresses.http,
    addresses.admin,
  ]);
  const groupRows = groups.map(({ group, slots, term, leader, commitIndex, replicas }) => [
    group,
    slots,
    term,
    leader,
    commitIndex,
    ...lagCells(replicas),
  ]);
  return [
    {
      kind: "facts",
      facts: [
        ["cluster", cluster],
        ["map epoch", epoch],
        ["format", format],
        ["as seen by", answeredBy],
      ],
    },
    {
      kind: "rows",
      headings: ["node", "zone", "state", "round trip ms", "leads groups", "http", "admin"],
      rows: nodeRows,
    },
    { kind: "rows", headings: ["group", "slots", "term", "leader", "committed", "lag", "replicas"], rows: groupRows },
    { kind: "lines", heading: "troubles", lines: troubles },
  ];
}

/** The greatest lag that is known, and each replica's. */
function lagCells(replicas: GroupView["replicas"]): readonly [lag: number | null, words: string] {
  const known = replicas.flatMap(({ lag }) => (typeof lag === "number" ? [lag] : []));
  const words = replicas.map(({ node, role, lag, joining }) => {
    return `${node} ${joining ? "joining" : (role ?? "unseen")}${lag ? ` -${lag}` : ""}`;
  });
  return [known.length === 0 ? null : Math.max(...known), words.join(", ")];
}
