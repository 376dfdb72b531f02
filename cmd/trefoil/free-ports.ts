// Ports of this machine, looked at before anything starts: whether one can be listened on, and which others can.

import { createServer } from "node:net";

const portMax = 65_535;
const suggestionStep = 100;
const suggestionsMax = 20;

/** Why nobody can listen there; undefined: it is free. */
export function listenTrouble(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

export interface Wish {
  readonly host: string;
  /** The port that cannot be had: others are looked for above it. */
  readonly busy: number;
  /** So many in a row. */
  readonly count: number;
  /** Where rows as long begin that are to be had beside it. */
  readonly taken: readonly number[];
}

/** From where on they are free. */
export async function freeFrom({ host, busy, count, taken }: Wish): Promise<number | undefined> {
  for (let step = 1; step <= suggestionsMax; step++) {
    const first = busy + step * suggestionStep;
    if (first + count - 1 > portMax) return undefined;
    if (taken.some((other) => Math.abs(other - first) < count)) continue;
    const troubles = await Promise.all(Array.from({ length: count }, (_, at) => listenTrouble(host, first + at)));
    if (troubles.every((trouble) => trouble === undefined)) return first;
  }
  return undefined;
}
