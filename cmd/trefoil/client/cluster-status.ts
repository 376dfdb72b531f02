// `trefoil cluster status`: nodes, groups, who leads and who lags, and what is not as it should be. Its exit code is for scripts: 5 when
// some keys cannot be read or written now.

import process from "node:process";
import type { ClusterView, GroupView } from "../../../internal/node/requests.ts";
import { unavailableIn } from "../../../internal/node/unavailable.ts";
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
    // A table has told of it among the troubles, if the node is none of an earlier version.
    const told = form === "table" ? view.troubles : [];
    for (const words of unavailable) {
      if (!told.includes(words)) process.stderr.write(`trefoil: unavailable: ${visible(words)}\n`);
    }
    return unavailable.length === 0 ? exitCodes.ok : exitCodes.unavailable;
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
