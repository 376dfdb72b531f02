// Every setting of a node, of `trefoil dev` and of a gateway: name, kind with its bounds, default, help. The bounds of what log
// and engine keep to are theirs (schema.test.ts holds the two against each other).

import { valueBytesDefault, valueBytesMax } from "../base/limits.ts";
import { bindAddress, dialAddress, dialList, host, peerList, port } from "./addresses.ts";
import { bytes, count, duration, file, folder, fsync, name, printBytes, toggle, word } from "./kinds.ts";
import { optional, required, setting } from "./setting.ts";

/** The map holds this many groups, the meta group among them. */
const groupsMax = 1023;

const everywhere = {
  config: optional(file, "Reads settings from this JSON file: an object with the names of flags as members."),
  "log-level": setting(word("info", "warn", "error", "silent"), "info", "The least important lines that are logged."),
  "log-format": setting(
    word("auto", "json", "pretty"),
    "auto",
    "How lines are logged; auto: pretty on a terminal, JSON elsewhere.",
  ),
};

const requests = {
  "default-read": setting(word("fast", "strong"), "fast", "Consistency of reads that do not ask for one."),
  "default-write": setting(word("fast", "strong"), "strong", "Consistency of writes that do not ask for one."),
  "max-value-bytes": setting(
    bytes("1B", printBytes(valueBytesMax)),
    printBytes(valueBytesDefault),
    "The largest value that is taken; larger ones are refused with 413.",
  ),
  "max-connections": setting(
    count(1, 1_000_000),
    "10000",
    "Connections at once, of HTTP and of gRPC each; beyond it they are closed.",
  ),
  "max-requests": setting(
    count(1, 1_000_000),
    "10000",
    "Requests without an answer, of HTTP and of gRPC each; beyond it 429.",
  ),
  "max-body-bytes": setting(
    bytes("64KiB", "64GiB"),
    "256MiB",
    "All bodies that are being read or served, of HTTP and of gRPC each; beyond it 429. Twice --max-value-bytes and 1KiB at least.",
  ),
  "max-header-bytes": setting(
    bytes("4KiB", "1MiB"),
    "16KiB",
    "Request line and headers of one HTTP request; beyond it 431.",
  ),
  "headers-timeout": setting(duration("100ms", "10m"), "10s", "An HTTP request's headers have come by then, or 408."),
  "idle-timeout": setting(duration("1s", "1h"), "60s", "An HTTP connection is closed when nothing came for so long."),
  "drain-timeout": setting(
    duration("0ms", "10m"),
    "10s",
    "What a stopping process waits for others to take over, and then for requests under way.",
  ),
};

const listeners = {
  http: setting(bindAddress, "127.0.0.1:8080", "Where the HTTP interface listens."),
  resp: setting(bindAddress, "127.0.0.1:7379", "Where the RESP interface is going to listen; this version has none."),
  grpc: setting(bindAddress, "127.0.0.1:7500", "Where the public gRPC interface listens."),
  admin: setting(bindAddress, "127.0.0.1:9400", "Where metrics, health and the admin interface listen."),
  insecure: setting(
    toggle,
    "false",
    "Permits listeners that others than this machine reach, though nothing is encrypted and nobody asked who they are.",
  ),
};

const timing = {
  heartbeat: setting(duration("10ms", "10s"), "50ms", "How often a leader is heard of. A multiple of 10ms."),
  "election-timeout": setting(
    duration("50ms", "60s"),
    "300ms",
    "Silence of a leader after which another is elected, each time a random length from this to twice this. A multiple of 10ms, and three times --heartbeat at least.",
  ),
  "max-clock-skew": setting(
    duration("1ms", "10s"),
    "500ms",
    "How far apart the nodes' clocks are believed to be: expiry is exact to this, and nodes whose clocks differ by more say so. At most --max-clock-offset.",
  ),
  "max-clock-offset": setting(
    duration("100ms", "36525d"),
    "10s",
    "Entries stamped so far ahead of this node's clock are refused: one clock that jumps does not spoil the others.",
  ),
  "salvage-window": setting(
    duration("10s", "7d"),
    "1h",
    "For how long a replica that is away keeps others from forgetting what its fast writes may still meet. Four times --election-timeout at least.",
  ),
};

const storage = {
  fsync: setting(
    fsync,
    "always",
    "When writes are synced: before they are answered, or at intervals, of which a crash of the machine can lose one.",
  ),
  "log-bytes-max": setting(
    bytes("16MiB", "4096GiB"),
    "1GiB",
    "Beyond it, log that only lagging replicas need is dropped, and they get a snapshot.",
  ),
  "log-cache-bytes": setting(bytes("4MiB", "64GiB"), "32MiB", "Memory for the newest part of the log."),
  "memtable-bytes": setting(
    bytes("1MiB", "1GiB"),
    "16MiB",
    "Memory of one memtable; there are up to four. Twice --max-value-bytes at least.",
  ),
  "cache-bytes": setting(bytes("16KiB", "64GiB"), "64MiB", "Memory for blocks of tables."),
  "table-cache-bytes": setting(bytes("16KiB", "64GiB"), "64MiB", "Memory for indexes and filters of tables."),
  "compaction-rate": setting(
    bytes("64KiB", "64GiB"),
    "64MiB",
    "What compaction writes each second while nothing presses.",
  ),
  "snapshot-rate": setting(bytes("64KiB", "64GiB"), "128MiB", "What a snapshot to another node sends each second."),
};

export const trefoildSchema = {
  id: required(name, "The name of this node, for ever the same."),
  data: required(folder, "The folder of this node's data."),
  peers: optional(
    peerList,
    "Founds a cluster: the nodes that it begins with, three at least, this one among them, and the same list on each.",
  ),
  join: optional(dialList, "Enters a running cluster: peer addresses of some of its nodes."),
  groups: setting(
    count(1, groupsMax),
    "4",
    "Groups that a cluster is founded with: fixed from then on, and the same on each node.",
  ),
  zone: setting(name, "default", "What fails together: the replicas of a group lie in different zones where they can."),
  ...listeners,
  peer: setting(
    bindAddress,
    "127.0.0.1:7400",
    "Where other nodes are listened to; of a founder without it, on the port of its own entry in --peers.",
  ),
  advertise: optional(host, "The host under which others reach this node, where it is not the one that it listens on."),
  "advertise-http": optional(dialAddress, "Where others reach the HTTP interface."),
  "advertise-resp": optional(dialAddress, "Where others are going to reach the RESP interface."),
  "advertise-grpc": optional(dialAddress, "Where others reach the public gRPC interface."),
  "advertise-peer": optional(dialAddress, "Where other nodes reach this one."),
  "advertise-admin": optional(dialAddress, "Where others reach the admin interface."),
  ...timing,
  ...storage,
  ...requests,
  ...everywhere,
};

export const gatewaySchema = {
  seeds: required(dialList, "Peer addresses of some nodes of the cluster."),
  id: setting(name, "gateway", "The name that answers of this gateway carry."),
  zone: setting(name, "default", "Fast reads go to replicas of this zone first."),
  ...listeners,
  ...requests,
  ...everywhere,
};

export const devSchema = {
  nodes: setting(count(3, 64), "3", "Nodes, each a process of its own."),
  groups: setting(
    count(1, groupsMax),
    "4",
    "Groups that the cluster is founded with; fixed in its folder from then on.",
  ),
  data: setting(folder, "./data", "The folder of all data."),
  http: setting(port, "8080", "HTTP port of the first node; each further node takes the next."),
  resp: setting(port, "7379", "RESP port of the first node; this version listens on none."),
  peer: setting(port, "7400", "Port of the first node for other nodes."),
  grpc: setting(port, "7500", "gRPC port of the first node."),
  admin: setting(port, "9400", "Admin port of the first node."),
  restart: setting(toggle, "true", "Starts a node again whose process died."),
  ...timing,
  ...storage,
  ...requests,
  ...everywhere,
  "log-level": setting(
    word("info", "warn", "error", "silent"),
    "warn",
    "The least important lines of the nodes that are shown.",
  ),
};

/** What `trefoil dev` hands on to its nodes as it stands. */
export const handedToNodes: readonly (keyof typeof devSchema & keyof typeof trefoildSchema)[] = [
  ...keysOf(timing),
  ...keysOf(storage),
  ...keysOf(requests),
  "log-level",
];

export const schemas = {
  trefoild: trefoildSchema,
  "trefoil dev": devSchema,
  "trefoil gateway": gatewaySchema,
} as const;
export type CommandName = keyof typeof schemas;

/** Variables that the command line's other commands know, to use or to say that they do not; a process beside them overlooks them. */
export const clientVariables: readonly string[] = ["TREFOIL_ENDPOINT", "TREFOIL_ADMIN_ENDPOINT", "TREFOIL_TOKEN"];

function keysOf<Part extends object>(part: Part): (keyof Part)[] {
  return Object.keys(part) as (keyof Part)[];
}
