// What runs where, once it runs.

import type { ClusterView } from "../../../internal/node/requests.ts";
import { listenedOn } from "../../trefoild/listened-on.ts";
import { loopback } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { Printer } from "./printer.ts";

export interface Shown {
  readonly plan: Plan;
  /** Of the processes, in the order of the nodes. */
  readonly pids: readonly (number | undefined)[];
  readonly view: ClusterView;
}

export function showCluster(printer: Printer, { plan, pids, view }: Shown): void {
  const { values, nodes } = plan;
  const { groups } = view;
  const users = groups.filter(({ group }) => group !== 0);
  printer.say("");
  printer.say(
    `${printer.strong("Trefoil runs")}: ${nodes.length} nodes, ${users.length} groups, data in ${values.data}. Every node takes any request.`,
  );
  printer.say("");
  const rows = nodes.map(({ id, ports }, at) => [
    id,
    `http://localhost:${ports.http}`,
    ...listenedOn.filter((flag) => flag !== "http").map((flag) => `${loopback}:${ports[flag]}`),
    users
      .filter(({ replicas }) => replicas.some(({ node }) => node === id))
      .map(({ group }) => String(group))
      .join(" "),
    String(pids[at] ?? "-"),
  ]);
  printer.table(["node", ...listenedOn, "groups", "process"], rows);
  printer.say("");
  const [first, second] = nodes;
  printer.say("Try it:");
  printer.say(`  curl -X PUT 'localhost:${first?.ports.http}/hello?ttl=60&consistency=strong' -d world`);
  printer.say(`  curl localhost:${first?.ports.http}/hello`);
  printer.say(`  curl 'localhost:${second?.ports.http}/hello?consistency=strong'`);
  printer.say("");
  printer.say(`All routes: http://localhost:${first?.ports.http}/-/docs. Ctrl-c stops it.`);
  printer.say("");
}
