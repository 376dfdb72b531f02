// Nodes of a cluster on this machine's loopback interface as processes: where each lies and listens, the flags that say so, its start.

import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../cmd/trefoild/node-flags.ts";
import { freePortList } from "./free-ports.ts";
import { RunningProcess } from "./running-process.ts";
import type { ProcessOptions } from "./running-process.ts";

const script = fileURLToPath(new URL("../../cmd/trefoild/main.js", import.meta.url));
const listeners = ["peer", "http", "resp", "grpc", "admin"] as const;
export type Listener = (typeof listeners)[number];

export interface NodePlace {
  readonly id: string;
  readonly folder: string;
  readonly ports: Readonly<Record<Listener, number>>;
}

/** n1, n2 and so on, each with a folder of its own in `folder`, which is not made yet, and ports that are free. */
export async function nodePlaces(folder: string, count: number): Promise<readonly NodePlace[]> {
  const ports = await freePortList(count * listeners.length);
  return Array.from({ length: count }, (_, at) => {
    const id = `n${at + 1}`;
    const mine = listeners.map((name, which) => [name, ports[at * listeners.length + which]] as const);
    return { id, folder: join(folder, id), ports: Object.fromEntries(mine) as Record<Listener, number> };
  });
}

/** It founds the cluster with the others, or, when it is none of them, joins by the second. */
export function flagsOf(place: NodePlace, founders: readonly NodePlace[]): string[] {
  const peers = founders.map(({ id, ports }) => `${id}=127.0.0.1:${ports.peer}`).join(",");
  const entry = founders.includes(place) ? `--peers=${peers}` : `--join=127.0.0.1:${founders[1]?.ports.peer}`;
  const listening = listeners.map((name) => `--${name}=127.0.0.1:${place.ports[name]}`);
  return [`--id=${place.id}`, `--data=${place.folder}`, entry, ...listening];
}

/** As users run it; it stops when this process is no more, however that came. `more`: flags of Node beside those. */
export function trefoild(
  flags: readonly string[],
  options: ProcessOptions = {},
  more: readonly string[] = [],
): RunningProcess {
  const all = [...nodeFlags, ...more, script, ...flags];
  return new RunningProcess(process.execPath, all, { ...options, hasChannel: true });
}
