// Whether the ports of a plan are free, before anything starts. One that is not is told with the flag that moves it, and
// with a port from which on as many are free; all that is proposed goes together.

import { listenedOn } from "../../trefoild/listened-on.ts";
import { listenerFlags } from "../../../internal/config/values.ts";
import { freeFrom, listenTrouble } from "../free-ports.ts";
import { loopback } from "./plan.ts";
import type { Plan } from "./plan.ts";

/** Each in words. */
export async function busyPorts({ nodes, values }: Plan): Promise<string[]> {
  const words: string[] = [];
  const taken = listenerFlags.map((flag) => values[flag]);
  for (const flag of listenedOn) {
    for (const { id, ports } of nodes) {
      const port = ports[flag];
      const why = await troubleOf(port);
      if (why === undefined) continue;
      const other = await freeFrom({ host: loopback, busy: values[flag], count: values.nodes, taken });
      if (other !== undefined) taken.push(other);
      const hint = other === undefined ? `choose other ports with --${flag}` : `choose others with --${flag} ${other}`;
      words.push(`port ${port}, the ${flag} port of ${id}, ${why}; ${hint}`);
      break;
    }
  }
  return words;
}

async function troubleOf(port: number): Promise<string | undefined> {
  const trouble = await listenTrouble(loopback, port);
  if (trouble === undefined) return undefined;
  if (trouble.code === "EADDRINUSE") return "is taken by another process";
  return trouble.code === "EACCES" ? "is not for this user to take" : `cannot be taken (${trouble.code})`;
}
