// What the edges ask of a node, and what they are told: the same for HTTP, gRPC and RESP, on a node with data and on a gateway.
//
//   edge --parse--> request, Caller --> Coordinator --> answer, or a TrefoilError --> edge --print-->
//
// A failure is a TrefoilError with a code of the closed list; its outcome says whether the request may have taken effect, its
// detail what happened, to what, and what to do. What is asked for is checked at the edge, so that a coordinator may
// assert it: keys of 1 to 1024 bytes, values within the bound, times to live from 1 ms to 36525 days.

import type { ErrorCode } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import type { Addresses } from "../cluster/cluster-map.ts";
import type { Version } from "../engine/cell.ts";

/** On whose behalf. */
export interface Caller {
  /** The request ends by then, one way or another: a moment of the node's monotonic clock. */
  readonly deadline: number;
  /** The caller has gone: nobody reads the answer. */
  readonly signal: AbortSignal | undefined;
  /** A `traceparent` as W3C writes it, or empty. */
  readonly trace: string;
}

export type WriteMode = "fast" | "strong";
export type ReadMode = "fast" | "strong";
export type Role = "leader" | "follower" | "learner";

/** Who served a request, and what was really delivered. */
export interface Served {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly role: Role;
  readonly consistency: ReadMode;
}

export interface GetRequest {
  readonly key: Uint8Array;
  /** Undefined: what the node is set to. */
  readonly mode: ReadMode | undefined;
}

/** As it is stored. The bytes are the receiver's to read, not to change. */
export interface StoredRecord {
  readonly value: Uint8Array;
  /** Empty: none was given. */
  readonly contentType: string;
  readonly version: Version;
  /** Milliseconds since 1970; undefined: it never expires. */
  readonly expiresAt: number | undefined;
}

export interface GetAnswer {
  readonly record: StoredRecord | undefined;
  readonly served: Served;
  /** Milliseconds behind the leader that a quorum knew, at most; undefined: nobody can say. 0 of strong reads. */
  readonly stalenessMilliseconds: number | undefined;
}

export type TimeToLive =
  | { readonly kind: "none" }
  | { readonly kind: "milliseconds"; readonly milliseconds: number }
  | { readonly kind: "keep" };

export type Condition =
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "version"; readonly version: Version };

export type WriteRequest = {
  readonly key: Uint8Array;
  /** Undefined: what the node is set to; whatever reads state before it writes is strong then. */
  readonly mode: WriteMode | undefined;
  readonly condition: Condition | undefined;
  /** A retry under the same id is told what the first try was told. 1 to 64 bytes. */
  readonly requestId: Uint8Array | undefined;
} & (
  | { readonly kind: "put"; readonly value: Uint8Array; readonly contentType: string; readonly ttl: TimeToLive }
  | { readonly kind: "delete" }
);

export interface WriteAnswer {
  readonly version: Version;
  readonly acks: number;
  /** Of how many. */
  readonly replicas: number;
  readonly durability: "synced" | "buffered";
  /** Undefined: it never expires; or this is the answer of an earlier try, and a read tells. */
  readonly expiresAt: number | undefined;
  readonly served: Served;
}

export interface ListRequest {
  readonly prefix: Uint8Array;
  /** Of the page before. */
  readonly cursor: Uint8Array | undefined;
  /** From 1 to `listLimitMax`. */
  readonly limit: number;
  readonly withValues: boolean;
  readonly mode: ReadMode | undefined;
  /** Waits for its turn while this node makes as many listings as it may, and is refused only when its time is up: a page of a scan that has begun. */
  readonly mayWait?: boolean;
}

/** At once at a node: no more of them wait for their pages. */
export const scansMax = 256;

export const listLimitMax = 10_000;

export interface ListedRecord extends Omit<StoredRecord, "value"> {
  readonly key: Uint8Array;
  /** Undefined when values were not asked for. */
  readonly value: Uint8Array | undefined;
}

export interface ListAnswer {
  /** In the order of their keys; perhaps fewer than asked for, or none, though more follow. */
  readonly records: readonly ListedRecord[];
  /** Where to go on; undefined: that was all. */
  readonly cursor: Uint8Array | undefined;
  readonly consistency: ReadMode;
}

export interface ReplicaView {
  readonly replica: number;
  readonly node: NodeId;
  /** Undefined: nobody there answered. */
  readonly role: Role | undefined;
  readonly appliedIndex: number | undefined;
  /** Entries behind the leader's commit index. */
  readonly lag: number | undefined;
  /** It is about to take the place of another one, and is none of the three yet. */
  readonly joining: boolean;
}

export interface GroupView {
  readonly group: GroupId;
  readonly slots: number;
  /** The greatest of those replicas that are seen, as is `commitIndex`; undefined: none is. */
  readonly term: number | undefined;
  readonly leader: NodeId | undefined;
  readonly commitIndex: number | undefined;
  readonly replicas: readonly ReplicaView[];
}

export interface NodeView {
  readonly node: NodeId;
  readonly zone: string;
  readonly addresses: Addresses;
  /** As the answering node sees it. */
  readonly state: "self" | "connected" | "unreachable";
  readonly roundTripMicroseconds: number | undefined;
}

export interface ClusterView {
  readonly cluster: string;
  readonly epoch: number;
  readonly format: number;
  readonly answeredBy: NodeId;
  readonly nodes: readonly NodeView[];
  readonly groups: readonly GroupView[];
  /** What is not as it should be, in words. */
  readonly troubles: readonly string[];
}

/** Unknown: nobody who was asked in a moment could say whether there is one. */
export type ExplainedRecord =
  | ({ readonly kind: "present" } & Omit<StoredRecord, "value">)
  | { readonly kind: "absent" }
  | { readonly kind: "unknown"; readonly code: ErrorCode; readonly detail: string };

export interface Explanation {
  readonly slot: number;
  /** On the ring: of the slot, and of the virtual node that it leads to. */
  readonly position: number;
  readonly virtualNode: { readonly group: GroupId; readonly number: number; readonly position: number };
  readonly epoch: number;
  readonly group: GroupView;
  /** Milliseconds; undefined: it does not expire, or is absent or unknown. */
  readonly ttlMilliseconds: number | undefined;
  readonly record: ExplainedRecord;
  /** What each would do now, in words: who would serve it, or why it would be refused. */
  readonly wouldDo: Readonly<Record<"fastRead" | "strongRead" | "fastWrite" | "strongWrite", string>>;
}

export interface Coordinator {
  get(request: GetRequest, caller: Caller): Promise<GetAnswer>;
  /** As get, when it takes no waiting; undefined: ask `get`. */
  getNow(request: GetRequest): GetAnswer | undefined;
  write(request: WriteRequest, caller: Caller): Promise<WriteAnswer>;
  list(request: ListRequest, caller: Caller): Promise<ListAnswer>;
  explain(key: Uint8Array, caller: Caller): Promise<Explanation>;
  cluster(caller: Caller): Promise<ClusterView>;
  /** For deadlines: the node's monotonic clock. */
  now(): number;
  readonly node: NodeId;
}
