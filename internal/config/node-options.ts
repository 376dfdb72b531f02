// From settings to what the parts of a node are opened with: log, engine, replicas, edges; and the addresses that others are told.

import type { EngineOptions } from "../engine/options.ts";
import type { LogOptions } from "../log/options.ts";
import { logOptionsDefault } from "../log/options.ts";
import type { ReplicaOptions } from "../replica/options.ts";
import { addressOf, isWildcard, printAddress } from "./addresses.ts";
import type { HostPort } from "./addresses.ts";
import { tickMilliseconds } from "./values.ts";
import type { ListenerFlag, NodeValues } from "./values.ts";

type Storage = Pick<NodeValues, "fsync" | "log-bytes-max" | "log-cache-bytes">;

/** A log that may be small has small segments, and is flushed early enough to be purged. */
export function logOptionsOf(values: Storage): Partial<LogOptions> {
  const logBytesMax = values["log-bytes-max"];
  return {
    fsync: values.fsync,
    logBytesMax,
    cacheBytesMax: values["log-cache-bytes"],
    segmentBytes: Math.min(logOptionsDefault.segmentBytes, Math.floor(logBytesMax / 8)),
    flushWantedBytes: Math.min(logOptionsDefault.flushWantedBytes, Math.floor(logBytesMax / 4)),
  };
}

type Tables = Pick<NodeValues, "memtable-bytes" | "cache-bytes" | "table-cache-bytes" | "compaction-rate">;

export function engineOptionsOf(values: Tables): Partial<EngineOptions> {
  return {
    memtableBytes: values["memtable-bytes"],
    blockCacheBytes: values["cache-bytes"],
    tableCacheBytes: values["table-cache-bytes"],
    compactionBytesPerSecond: values["compaction-rate"],
  };
}

type Replication = Pick<
  NodeValues,
  "heartbeat" | "election-timeout" | "max-clock-offset" | "salvage-window" | "snapshot-rate"
>;

export function replicaOptionsOf(values: Replication): Partial<ReplicaOptions> {
  return {
    tickMilliseconds,
    raft: {
      heartbeatTicks: values.heartbeat / tickMilliseconds,
      electionTicks: values["election-timeout"] / tickMilliseconds,
      clockOffsetMax: values["max-clock-offset"],
    },
    salvageWindowMilliseconds: values["salvage-window"],
    snapshotBytesPerSecond: values["snapshot-rate"],
  };
}

type Edge = Pick<
  NodeValues,
  | "max-value-bytes"
  | "max-header-bytes"
  | "max-connections"
  | "max-requests"
  | "max-body-bytes"
  | "headers-timeout"
  | "idle-timeout"
  | "drain-timeout"
>;

/** Limits of the HTTP edge. */
export interface EdgeLimits {
  readonly valueBytesMax: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  readonly requestsMax: number;
  readonly bodyBytesMax: number;
  readonly headersMilliseconds: number;
  readonly idleMilliseconds: number;
  readonly stopMilliseconds: number;
}

export function edgeLimitsOf(values: Edge): EdgeLimits {
  return {
    valueBytesMax: values["max-value-bytes"],
    headerBytesMax: values["max-header-bytes"],
    connectionsMax: values["max-connections"],
    requestsMax: values["max-requests"],
    bodyBytesMax: values["max-body-bytes"],
    headersMilliseconds: values["headers-timeout"],
    idleMilliseconds: values["idle-timeout"],
    stopMilliseconds: values["drain-timeout"],
  };
}

/** Limits of the public gRPC listener. */
export interface KvEdgeLimits {
  readonly valueBytesMax: number;
  readonly connectionsMax: number;
  readonly requestsMax: number;
  readonly heldBytesMax: number;
  readonly stopMilliseconds: number;
}

export function kvLimitsOf(values: Edge): KvEdgeLimits {
  const { valueBytesMax, connectionsMax, requestsMax, bodyBytesMax, stopMilliseconds } = edgeLimitsOf(values);
  return { valueBytesMax, connectionsMax, requestsMax, heldBytesMax: bodyBytesMax, stopMilliseconds };
}

type Advertising = Pick<NodeValues, "id" | "peers" | "advertise"> & {
  readonly [Flag in ListenerFlag as `advertise-${Flag}`]: HostPort | undefined;
};

/**
 * What others dial. `bound` is where the listeners are in the end, with ports that the system chose. The peer address is as the
 * node's own entry in `--peers` says, if nothing else does; its host stands in for hosts that cannot be dialled.
 */
export function advertisedAddresses(
  values: Advertising,
  bound: Readonly<Record<ListenerFlag, HostPort>>,
): Record<ListenerFlag, string> {
  const own = addressOf(values.peers, values.id);
  const of = (flag: ListenerFlag): string => {
    const said = values[`advertise-${flag}`] ?? (flag === "peer" ? own : undefined);
    if (said !== undefined) return printAddress(said);
    const { host, port } = bound[flag];
    const reachable = values.advertise ?? (isWildcard(host) ? (own?.host ?? host) : host);
    return printAddress({ host: reachable, port });
  };
  return { http: of("http"), resp: of("resp"), grpc: of("grpc"), peer: of("peer"), admin: of("admin") };
}
