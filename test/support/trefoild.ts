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
  /** Where all its listeners are. */
  readonly host: string;
  /** The port under which others reach its listener for peers. */
  readonly peerPort: number;
  readonly ports: Readonly<Record<Listener, number>>;
}

/** What lies between the nodes, where that is not the loopback interface alone. */
export interface Between {
  hostOf(node: number): string;
  peerPortOf(node: number, listening: number): number;
}

const loopback = "127.0.0.1";
const nothing: Between = { hostOf: () => loopback, peerPortOf: (_node, listening) => listening };

/** n1, n2 and so on, each with a folder of its own in `folder`, which is not made yet, and ports that are free. */
export async function nodePlaces(folder: string, count: number, between = nothing): Promise<readonly NodePlace[]> {
  const ports = await freePortList(count * listeners.length);
  return Array.from({ length: count }, (_, at) => {
    const id = `n${at + 1}`;
    const mine = listeners.map((name, which) => [name, ports[at * listeners.length + which]] as const);
    const own = Object.fromEntries(mine) as Record<Listener, number>;
    const peerPort = between.peerPortOf(at, own.peer);
    return { id, folder: join(folder, id), host: between.hostOf(at), peerPort, ports: own };
  });
}

/** It founds the cluster with the others, or, when it is none of them, joins by the second. */
export function flagsOf(place: NodePlace, founders: readonly NodePlace[]): string[] {
  const peers = founders.map(({ id, host, peerPort }) => `${id}=${host}:${peerPort}`).join(",");
  const second = founders[1];
  const entry = founders.includes(place) ? `--peers=${peers}` : `--join=${second?.host}:${second?.peerPort}`;
  const listening = listeners.map((name) => `--${name}=${place.host}:${place.ports[name]}`);
  const openly = place.host === loopback ? [] : ["--insecure"];
  const elsewhere = place.peerPort === place.ports.peer ? [] : [`--advertise-peer=${place.host}:${place.peerPort}`];
  return [`--id=${place.id}`, `--data=${place.folder}`, entry, ...listening, ...openly, ...elsewhere];
}

/**
 * As users run it; it stops when this process is no more, however that came. `more`: flags of Node beside those; `before`: the words of a
 * command that becomes it.
 */
export function trefoild(
  flags: readonly string[],
  options: ProcessOptions = {},
  { more = [], before = [] }: { readonly more?: readonly string[]; readonly before?: readonly string[] } = {},
): RunningProcess {
  const words = [...before, process.execPath, ...nodeFlags, ...more, script, ...flags];
  const [command = "", ...rest] = words;
  return new RunningProcess(command, rest, { ...options, hasChannel: true });
}
