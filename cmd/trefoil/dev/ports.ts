// Whether the ports of a plan are free, before anything starts. One that is not is told with the flag that moves it, and
// with a port from which on as many are free; all that is proposed goes together.

import { createServer } from "node:net";
import { listenedOn } from "../../trefoild/listened-on.ts";
import { listenerFlags } from "../../../internal/config/values.ts";
import { loopback } from "./plan.ts";
import type { Plan } from "./plan.ts";

const portMax = 65_535;
const suggestionStep = 100;
const suggestionsMax = 20;

/** Each in words. */
export async function busyPorts({ nodes, values }: Plan): Promise<string[]> {
  const words: string[] = [];
  const taken = listenerFlags.map((flag) => values[flag]);
  for (const flag of listenedOn) {
    for (const { id, ports } of nodes) {
      const port = ports[flag];
      const why = await troubleOf(port);
      if (why === undefined) continue;
      const other = await freeFrom(values[flag], values.nodes, taken);
      if (other !== undefined) taken.push(other);
      const hint = other === undefined ? `choose other ports with --${flag}` : `choose others with --${flag} ${other}`;
      words.push(`port ${port}, the ${flag} port of ${id}, ${why}; ${hint}`);
      break;
    }
  }
  return words;
}

function troubleOf(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EADDRINUSE") resolve("is taken by another process");
      else if (code === "EACCES") resolve("is not for this user to take");
      else resolve(`cannot be taken (${code})`);
    });
    server.listen(port, loopback, () => server.close(() => resolve(undefined)));
  });
}

/** From where on as many are free, none of which is one of those that begin at `taken`. */
async function freeFrom(busy: number, nodes: number, taken: readonly number[]): Promise<number | undefined> {
  for (let step = 1; step <= suggestionsMax; step++) {
    const first = busy + step * suggestionStep;
    if (first + nodes - 1 > portMax) return undefined;
    if (taken.some((other) => Math.abs(other - first) < nodes)) continue;
    const troubles = await Promise.all(Array.from({ length: nodes }, (_, at) => troubleOf(first + at)));
    if (troubles.every((trouble) => trouble === undefined)) return first;
  }
  return undefined;
}
