// Addresses as they are written: `host:port`, `[::1]:port`, lists of them, and lists of nodes with theirs.

import { rangeOf, shown } from "./kinds.ts";
import type { Kind, Parsed } from "./setting.ts";

export interface HostPort {
  readonly host: string;
  /** 0: whichever is free. */
  readonly port: number;
}

export interface PeerAddress {
  readonly id: string;
  readonly address: HostPort;
}

const portMax = 65_535;
const peersMax = 1024;
const hostCharactersMax = 253;

/** Where a listener binds; port 0 takes a free one. */
export const bindAddress: Kind<HostPort> = addressKind(0);
/** Where others reach somebody. */
export const dialAddress: Kind<HostPort> = addressKind(1);

export const port: Kind<number> = {
  placeholder: "PORT",
  bounds: rangeOf([1, portMax], String),
  parse: (text) => {
    const value = portOf(text);
    return value === undefined || value === 0
      ? { fault: `${shown(text)} is no port, a whole number from ${rangeOf([1, portMax], String)}` }
      : { value };
  },
  print: String,
};

export const host: Kind<string> = {
  placeholder: "HOST",
  parse: (text) => {
    const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
    if (isHost(bare)) return { value: bare };
    const hint = parseAddress(text, 0);
    if ("value" in hint) return { fault: `${shown(text)} has a port; write the host alone, ${hint.value.host}` };
    return { fault: `${shown(text)} is no host name and no IP address` };
  },
  print: (value) => value,
};

export const dialList: Kind<readonly HostPort[]> = {
  placeholder: "HOST:PORT,…",
  bounds: `at most ${peersMax}`,
  parse: (text) => listOf(text, (item) => parseAddress(item, 1)),
  print: (list) => list.map(printAddress).join(","),
};

export const peerList: Kind<readonly PeerAddress[]> = {
  placeholder: "ID=HOST:PORT,…",
  bounds: `at most ${peersMax}`,
  parse: (text) => listOf(text, parsePeer),
  print: (peers) => peers.map(({ id, address }) => `${id}=${printAddress(address)}`).join(","),
};

export function printAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Of the node with this name, as the list has it. */
export function addressOf(peers: readonly PeerAddress[] | undefined, id: string | undefined): HostPort | undefined {
  return peers?.find((peer) => peer.id === id)?.address;
}

/** Nobody outside this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Every address of this machine: can be bound to, and not dialled. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

function addressKind(portMin: 0 | 1): Kind<HostPort> {
  return { placeholder: "HOST:PORT", parse: (text) => parseAddress(text, portMin), print: printAddress };
}

function parseAddress(text: string, portMin: number): Parsed<HostPort> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const found = match?.[1] ?? match?.[2];
  const number = portOf(match?.[3] ?? "");
  if (found !== undefined && isHost(found) && number !== undefined && number >= portMin) {
    return { value: { host: found, port: number } };
  }
  if (portOf(text.replace(/^:/, "")) !== undefined) {
    const bare = text.replace(/^:/, "");
    return { fault: `${shown(text)} lacks a host; write 127.0.0.1:${bare}, or 0.0.0.0:${bare} for every interface` };
  }
  if (isHost(text))
    return { fault: `${shown(text)} lacks a port; write ${text.includes(":") ? `[${text}]` : text}:<port>` };
  return {
    fault: `${shown(text)} is no host:port with a port from ${portMin} to ${portMax}; IPv6 stands in brackets, [::1]:8080`,
  };
}

function portOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= portMax ? Number(text) : undefined;
}

/** Whether the system knows it is another matter. */
function isHost(text: string): boolean {
  if (text.length > hostCharactersMax) return false;
  if (text.includes(":")) return /^[0-9A-Fa-f:.]+(?:%[\w.-]+)?$/.test(text) && text.split(":").length > 2;
  return /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text) && !text.includes("..");
}

function parsePeer(text: string): Parsed<PeerAddress> {
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(.*)$/.exec(text);
  if (match === null) return { fault: `${shown(text)} is no <id>=<host>:<port>, as n1=10.0.0.1:7400` };
  const address = parseAddress(match[2] as string, 1);
  return "fault" in address ? address : { value: { id: match[1] as string, address: address.value } };
}

function listOf<Item>(text: string, parse: (item: string) => Parsed<Item>): Parsed<readonly Item[]> {
  const items = text.split(",").map((item) => item.trim());
  if (items.length > peersMax) return { fault: `${items.length} addresses, and ${peersMax} are the most` };
  const list: Item[] = [];
  const faults: string[] = [];
  for (const item of items) {
    const parsed = parse(item);
    if ("fault" in parsed) faults.push(parsed.fault);
    else list.push(parsed.value);
  }
  return faults.length > 0 ? { fault: faults.join("; ") } : { value: list };
}
