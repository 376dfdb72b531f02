// A coordinator whose requests go to nodes that say what the test has them say, in virtual time: a gateway's, so that every request goes
// over a network, or one with a replica of its own.

import assert from "node:assert/strict";
import { utf8 } from "../../internal/base/bytes.ts";
import type { ByteWriter } from "../../internal/base/codec.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { ErrorCode } from "../../internal/base/errors.ts";
import { logIndex, nodeId, replicaId, term } from "../../internal/base/ids.ts";
import type { NodeId } from "../../internal/base/ids.ts";
import { encodeMap } from "../../internal/cluster/cluster-map.ts";
import type { ClusterMap } from "../../internal/cluster/cluster-map.ts";
import {
  decodeCall,
  encodeAnswer,
  writeGot,
  writePage,
  writeSeen,
  writeWrote,
} from "../../internal/node/client-wire.ts";
import type { AddressedCall } from "../../internal/node/client-wire.ts";
import { NodeCoordinator } from "../../internal/node/coordinator.ts";
import { GroupRefusal } from "../../internal/node/failure.ts";
import type { Again, GroupAnswer, GroupService, SeenReplica } from "../../internal/node/group-service.ts";
import { MapKeeper } from "../../internal/node/map-keeper.ts";
import { PeerTable } from "../../internal/node/peer-table.ts";
import type { Caller, Explanation, WriteRequest } from "../../internal/node/requests.ts";
import type { Scheduler } from "../../internal/platform/clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { RequestOutcome } from "../../internal/platform/network.ts";
import { replicaMessages } from "../../internal/grpc/replica-messages.ts";
import { NodeClock, VirtualTime } from "../sim/virtual-time.ts";
import { mapNode, placedMap } from "./sample-map.ts";
import { ScriptedNetwork } from "./scripted-network.ts";

export const [n1, n2, n3] = [nodeId("n1"), nodeId("n2"), nodeId("n3")];
export const key = utf8("key");

export const version = { term: term(3), index: logIndex(7) };
export const got = {
  record: { value: utf8("value"), contentType: "", version, expiresAt: undefined },
  role: "follower" as const,
  stalenessMilliseconds: 1,
  applied: version,
  ahead: undefined,
};
const wrote = {
  version,
  acks: 2,
  replicas: 3,
  durability: "synced" as const,
  expiresAt: undefined,
  role: "leader" as const,
};

export const emptyPage = { records: [], hasMore: false, end: undefined, applied: version, ahead: undefined };
export const threeNodes = (groups = 4): ClusterMap =>
  placedMap(
    ["n1", "n2", "n3"].map((id) => mapNode(id)),
    groups,
  );

export type Says = GroupAnswer<unknown> | "served" | RequestOutcome;

export class Rig {
  readonly time = new VirtualTime();
  readonly clock = new NodeClock(this.time);
  readonly network = new ScriptedNetwork();
  readonly keeper: MapKeeper;
  readonly coordinator: NodeCoordinator;
  readonly table: PeerTable;
  /** So much later than asked for the coordinator's timers fire. */
  lateMilliseconds = 0;
  readonly calls: AddressedCall[] = [];
  /** What each node says, one thing after the other; the last one again and again. */
  readonly says = new Map<NodeId, Says[]>();
  /** Of whoever answers with a newer one. */
  map: ClusterMap | undefined;
  milliseconds = 0;
  /** What nodes say of their replicas, when that is asked for: those that are not named do not answer. */
  readonly seen = new Map<NodeId, SeenReplica>();
  /** Nodes that take requests and answer none. */
  readonly stuck = new Set<NodeId>();

  /** `own`: what lives on the node itself, which is n1 then, and else a gateway. */
  constructor(map: ClusterMap = threeNodes(), zone = "", own?: Partial<GroupService>) {
    const { clock, network } = this;
    this.keeper = new MapKeeper(undefined, (failure) => assert.fail(failure));
    this.keeper.adopt(map);
    const self = own === undefined ? nodeId("gateway") : n1;
    const service = own as GroupService | undefined;
    this.table = new PeerTable({ network, codec: replicaMessages, self });
    const { table } = this;
    table.follow(new Map(map.nodes.map(({ id, addresses }) => [id, addresses.peer])));
    const { keeper } = this;
    const scheduler: Scheduler = {
      after: (milliseconds, action) => clock.after(milliseconds + this.lateMilliseconds, action),
      afterTurn: (action) => clock.afterTurn(action),
    };
    const world = { clock, scheduler, logger: silentLogger };
    const defaults = { read: "fast", write: "strong" } as const;
    const awaited = (): string => "a cluster";
    const unfit = { own: undefined, of: () => undefined };
    const asked = { defaults, valueBytesMax: 1000, awaited };
    this.coordinator = new NodeCoordinator({ ...world, node: self, zone, keeper, table, service, unfit, ...asked });
    network.script = async (node, payload, { timeoutMilliseconds }) => {
      const call = decodeCall(payload);
      this.calls.push(call);
      const milliseconds = this.stuck.has(node) ? Infinity : this.milliseconds;
      await new Promise<void>((resolve) => void clock.after(Math.min(milliseconds, timeoutMilliseconds), resolve));
      if (milliseconds > timeoutMilliseconds) return { kind: "unknown", why: "late" };
      return this.outcomeOf(node, call);
    };
  }

  private outcomeOf(node: NodeId, { call }: AddressedCall): RequestOutcome {
    if (call.kind === "view" && this.seen.size > 0) return this.viewAt(node);
    const lines = this.says.get(node) ?? ["served"];
    const said = (lines.length > 1 ? lines.shift() : lines[0]) ?? "served";
    if (said !== "served" && isOutcome(said)) return said;
    const [served, writeServed] = {
      get: [got, writeGot],
      write: [wrote, writeWrote],
      list: [emptyPage, writePage],
      view: [undefined, writeGot],
    }[call.kind];
    const answer: GroupAnswer<unknown> = said === "served" ? { kind: "done", value: served } : said;
    const write = writeServed as (writer: ByteWriter, value: unknown) => void;
    const newer = this.map === undefined ? undefined : encodeMap(this.map);
    return { kind: "answered", payload: encodeAnswer(answer, write, newer) };
  }

  private viewAt(node: NodeId): RequestOutcome {
    const value = this.seen.get(node);
    if (value === undefined) return { kind: "refused", why: "down" };
    return { kind: "answered", payload: encodeAnswer({ kind: "done", value }, writeSeen, undefined) };
  }

  caller(milliseconds = 1000): Caller {
    return { deadline: this.coordinator.now() + milliseconds, signal: undefined, trace: "" };
  }

  /** What came of it, and how many milliseconds later. */
  async told(asked: Promise<unknown>): Promise<{ code: ErrorCode | "done"; outcome: string; after: number }> {
    const from = this.time.now;
    let said: { code: ErrorCode | "done"; outcome: string; after: number } | undefined;
    asked.then(
      () => (said = { code: "done", outcome: "applied", after: this.time.now - from }),
      (failure: unknown) => {
        assert.ok(failure instanceof TrefoilError, String(failure));
        said = { code: failure.code, outcome: failure.outcome, after: this.time.now - from };
      },
    );
    const isDone = (): boolean => said !== undefined;
    for (let step = 0; step < 20_000 && !isDone(); step++) await this.time.runTo(this.time.now + 1, isDone);
    assert.ok(said !== undefined, "it never ended");
    return said;
  }

  /** Of a write, when nothing else was asked. */
  async refusal(asked: Promise<unknown> = this.coordinator.write(put, this.caller())): Promise<GroupRefusal> {
    const refused = asked.catch((failure: unknown) => failure);
    await this.told(refused);
    const failure = await refused;
    assert.ok(failure instanceof GroupRefusal, String(failure));
    return failure;
  }

  write(to: Partial<WriteRequest> = {}, milliseconds = 1000): ReturnType<Rig["told"]> {
    const request = { ...put, ...to } as WriteRequest;
    return this.told(this.coordinator.write(request, this.caller(milliseconds)));
  }

  get(mode: "fast" | "strong" = "fast", milliseconds = 1000): ReturnType<Rig["told"]> {
    return this.told(this.coordinator.get({ key, mode }, this.caller(milliseconds)));
  }

  async explanation(): Promise<Explanation & { readonly after: number }> {
    const explained = this.coordinator.explain(key, this.caller(30_000));
    const { after } = await this.told(explained);
    return { ...(await explained), after };
  }

  list(mode: "fast" | "strong" = "fast"): ReturnType<Rig["told"]> {
    const request = { prefix: utf8(""), cursor: undefined, limit: 10, withValues: false, mode };
    return this.told(this.coordinator.list(request, this.caller()));
  }

  allSay(...lines: readonly Says[]): void {
    for (const node of [n1, n2, n3]) this.says.set(node, [...lines]);
  }
}

export const put: WriteRequest = {
  kind: "put",
  key,
  mode: undefined,
  condition: undefined,
  requestId: undefined,
  value: utf8("value"),
  contentType: "",
  ttl: { kind: "none" },
};
export const withId = { requestId: utf8("id") };

const isOutcome = (said: GroupAnswer<unknown> | RequestOutcome): said is RequestOutcome =>
  said.kind === "answered" || said.kind === "refused" || said.kind === "unknown";

export const again = (why: Again, leader?: NodeId): GroupAnswer<never> => ({ kind: "again", why, leader });
export const failed = (code: ErrorCode, outcome: "not_applied" | "unknown", mayRepeat = false): GroupAnswer<never> => {
  return { kind: "failed", code, outcome, detail: "as the test says", version: undefined, mayRepeat };
};

export const seenAs = (node: NodeId, role: SeenReplica["role"]): SeenReplica => {
  const replica = replicaId(Number(node.slice(1)));
  const indexes = { commitIndex: 7, appliedIndex: 7, lastIndex: 7 };
  return { replica, role, term: 3, leader: n1, ...indexes, hasQuorum: true, matched: [], disbeliefMilliseconds: 0 };
};
