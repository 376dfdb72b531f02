// What settings must be to one another. Each check says what is wrong and what to do; one that needs a setting which could not be
// read keeps silent, for that was told already.

import { addressOf, isLoopback, isWildcard, printAddress } from "./addresses.ts";
import type { HostPort, PeerAddress } from "./addresses.ts";
import { printBytes, printDuration } from "./kinds.ts";
import { envelopeBytesMax, listenerFlags, tickMilliseconds } from "./values.ts";
import type { DevValues, GatewayValues, ListenerFlag, NodeValues } from "./values.ts";

const foundersMin = 3;

/** By what settings were given, beside what they are. */
export type IsGiven = (flag: string) => boolean;

export function checkNode(values: Partial<NodeValues>, isGiven: IsGiven): string[] {
  return [
    ...checkEntry(values, isGiven),
    ...checkListeners(values, isGiven),
    ...checkAdvertised(values),
    ...checkTiming(values),
    ...checkSizes(values),
  ];
}

export function checkGateway(values: Partial<GatewayValues>, isGiven: IsGiven): string[] {
  return [...checkListeners(values, isGiven), ...checkSizes(values)];
}

export function checkDev(values: Partial<DevValues>, isGiven: IsGiven): string[] {
  return [...checkPortRanges(values, isGiven), ...checkTiming(values), ...checkSizes(values)];
}

/** How the node comes into its cluster. */
function checkEntry(values: Partial<NodeValues>, isGiven: IsGiven): string[] {
  if (isGiven("peers") === isGiven("join")) {
    const which = isGiven("peers") ? "--peers and --join are both given" : "neither --peers nor --join is given";
    return [
      `${which}: a node founds a cluster with --peers n1=host:7400,n2=…,n3=…, or enters one with --join host:7400; give one of the two`,
    ];
  }
  if (isGiven("join") && isGiven("groups")) {
    return ["--groups with --join: the groups are those of the cluster that is entered; leave --groups out"];
  }
  const { id, peers } = values;
  return peers === undefined ? [] : [...checkPeers(peers, id), ...checkOwnPort(values)];
}

/** The others dial the entry. Its host may differ from the one that is bound; a port that is led elsewhere is said so. */
function checkOwnPort({ id, peers, peer, "advertise-peer": said }: Partial<NodeValues>): string[] {
  const own = addressOf(peers, id);
  const isAsked = own !== undefined && peer !== undefined && peer.port !== 0 && said === undefined;
  if (!isAsked || own.port === peer.port) return [];
  const [entry, right] = [printAddress(own), printAddress({ host: peer.host, port: own.port })];
  return [
    `--peers has ${id} at ${entry}, and --peer ${printAddress(peer)} listens on another port: give --peer ${right}, or correct --peers; where a mapping of ports leads ${own.port} to ${peer.port}, say so with --advertise-peer ${entry}`,
  ];
}

function checkPeers(peers: readonly PeerAddress[], id: string | undefined): string[] {
  const wrong: string[] = [];
  if (peers.length < foundersMin) {
    wrong.push(
      `--peers names ${peers.length}, and a cluster begins with ${foundersMin} nodes at least: every group has three replicas`,
    );
  }
  for (const twice of repeated(peers.map((peer) => peer.id))) {
    wrong.push(`--peers names ${twice} twice; each node has a name of its own`);
  }
  for (const twice of repeated(peers.map(({ address }) => printAddress(address)))) {
    wrong.push(`--peers has ${twice} twice; each node has an address of its own`);
  }
  for (const { id: peer, address } of peers) {
    if (isWildcard(address.host))
      wrong.push(`--peers: nobody can dial ${printAddress(address)} of ${peer}; name its host`);
  }
  if (id !== undefined && peers.every((peer) => peer.id !== id)) {
    wrong.push(
      `--peers names ${peers.map((peer) => peer.id).join(", ")} and not this node; add ${id}=<host>:<port>, or correct --id`,
    );
  }
  return wrong;
}

type Listening = { readonly [Flag in ListenerFlag]?: HostPort | undefined } & { readonly insecure?: boolean };

/** Nothing listens for RESP yet: where it would, unasked, is in nobody's way. */
function takenFlags(isGiven: IsGiven): readonly ListenerFlag[] {
  return listenerFlags.filter((flag) => flag !== "resp" || isGiven(flag));
}

function checkListeners(values: Listening, isGiven: IsGiven): string[] {
  const wrong: string[] = [];
  const open = listenerFlags.filter((flag) => {
    const address = values[flag];
    return address !== undefined && !isLoopback(address.host);
  });
  if (open.length > 0 && values.insecure === false) {
    const named = open.map((flag) => `--${flag} ${printAddress(values[flag] as HostPort)}`).join(", ");
    wrong.push(
      `${named}: others than this machine would reach it, with nothing encrypted and nobody asked who they are; bind to 127.0.0.1, or accept that with --insecure`,
    );
  }
  const taken = takenFlags(isGiven);
  for (const [at, flag] of taken.entries()) {
    for (const other of taken.slice(at + 1)) {
      const [one, two] = [values[flag], values[other]];
      if (one !== undefined && two !== undefined && collide(one, two)) {
        wrong.push(`--${flag} and --${other} both take port ${one.port} of ${two.host}; change one of them`);
      }
    }
  }
  return wrong;
}

function collide(one: HostPort, two: HostPort): boolean {
  if (one.port !== two.port || one.port === 0) return false;
  return one.host === two.host || isWildcard(one.host) || isWildcard(two.host);
}

/** What is bound to every interface is advertised under a host that others know. */
function checkAdvertised(values: Partial<NodeValues>): string[] {
  const wrong: string[] = [];
  const own = values.peers?.some((peer) => peer.id === values.id) === true;
  if (values.advertise !== undefined && isWildcard(values.advertise)) {
    wrong.push(`--advertise ${values.advertise}: nobody can dial it; name the host under which others reach this node`);
  }
  for (const flag of listenerFlags) {
    const bound = values[flag];
    const said = values[`advertise-${flag}`];
    if (said !== undefined && isWildcard(said.host)) {
      wrong.push(
        `--advertise-${flag} ${printAddress(said)}: nobody can dial it; name the host under which others reach this node`,
      );
    }
    const isNamed = said !== undefined || values.advertise !== undefined || own;
    if (bound !== undefined && isWildcard(bound.host) && !isNamed) {
      wrong.push(
        `--${flag} ${printAddress(bound)} is no address for others to dial; add --advertise HOST, or --advertise-${flag} HOST:PORT`,
      );
    }
  }
  return wrong;
}

type Timing = Partial<
  Pick<NodeValues, "heartbeat" | "election-timeout" | "max-clock-skew" | "max-clock-offset" | "salvage-window">
>;

function checkTiming(values: Timing): string[] {
  const wrong: string[] = [];
  const { heartbeat, "election-timeout": election, "max-clock-skew": skew, "max-clock-offset": offset } = values;
  const window = values["salvage-window"];
  for (const [flag, value] of [["heartbeat", heartbeat] as const, ["election-timeout", election] as const]) {
    if (value !== undefined && value % tickMilliseconds !== 0) {
      const near = Math.ceil(value / tickMilliseconds) * tickMilliseconds;
      wrong.push(
        `--${flag} ${printDuration(value)} is no multiple of ${tickMilliseconds}ms; write ${printDuration(near)}`,
      );
    }
  }
  if (heartbeat !== undefined && election !== undefined && election < 3 * heartbeat) {
    wrong.push(
      `--election-timeout ${printDuration(election)} is below three times --heartbeat ${printDuration(heartbeat)}: two lost heartbeats would depose a leader; raise it to ${printDuration(3 * heartbeat)}`,
    );
  }
  if (skew !== undefined && offset !== undefined && skew > offset) {
    wrong.push(
      `--max-clock-skew ${printDuration(skew)} is above --max-clock-offset ${printDuration(offset)}: what is believed of clocks would be refused; raise the offset`,
    );
  }
  if (window !== undefined && election !== undefined && window < 4 * election) {
    wrong.push(
      `--salvage-window ${printDuration(window)} is below four times --election-timeout ${printDuration(election)}: fast writes would be given up before anybody is elected; raise it`,
    );
  }
  return wrong;
}

type Sizes = Partial<
  Pick<NodeValues, "max-value-bytes" | "max-body-bytes" | "memtable-bytes" | "log-bytes-max" | "log-cache-bytes">
>;

function checkSizes(values: Sizes): string[] {
  const wrong: string[] = [];
  const { "max-value-bytes": value, "max-body-bytes": bodies, "memtable-bytes": memtable } = values;
  if (value === undefined) return wrong;
  if (bodies !== undefined && bodies < envelopeBytesMax(value)) {
    wrong.push(
      `--max-body-bytes ${printBytes(bodies)} holds not one value of --max-value-bytes ${printBytes(value)} in its envelope; raise it to ${printBytes(envelopeBytesMax(value))}`,
    );
  }
  if (memtable !== undefined && memtable < 2 * value) {
    wrong.push(
      `--memtable-bytes ${printBytes(memtable)} is below twice --max-value-bytes ${printBytes(value)}; raise it to ${printBytes(2 * value)}`,
    );
  }
  return wrong;
}

const portMax = 65_535;

function checkPortRanges(values: Partial<DevValues>, isGiven: IsGiven): string[] {
  const wrong: string[] = [];
  const { nodes } = values;
  if (nodes === undefined) return wrong;
  const taken = takenFlags(isGiven);
  for (const [at, flag] of taken.entries()) {
    const first = values[flag];
    if (first === undefined) continue;
    if (first + nodes - 1 > portMax) {
      wrong.push(
        `--${flag} ${first}: ${nodes} nodes take ports up to ${first + nodes - 1}, and ${portMax} is the last; take a lower one`,
      );
    }
    for (const other of taken.slice(at + 1)) {
      const second = values[other];
      if (second !== undefined && Math.abs(first - second) < nodes) {
        wrong.push(
          `--${flag} ${first} and --${other} ${second}: each takes ${nodes} ports, and they overlap; move one of them`,
        );
      }
    }
  }
  return wrong;
}

function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, at) => texts.indexOf(text) !== at))];
}
