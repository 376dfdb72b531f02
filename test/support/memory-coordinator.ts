// A coordinator of one node that keeps its records in a map: what edges are tested against. It keeps every rule of the interface
// that can be seen from an edge: modes, conditions, times to live on a clock that the test moves, request ids, deadlines,
// pages. It can be told to fail the next request, or to hold requests until it is told to go on.

import { base64url } from "../../internal/http/percent.ts";
import { compareBytes, copyBytes, hex } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { groupId, logIndex, nodeId, term } from "../../internal/base/ids.ts";
import { keyBytesMax } from "../../internal/base/limits.ts";
import { GroupRefusal } from "../../internal/node/failure.ts";
import { listLimitMax } from "../../internal/node/requests.ts";
import type {
  Caller,
  ClusterView,
  Condition,
  Coordinator,
  ExplainedRecord,
  Explanation,
  GetAnswer,
  GetRequest,
  GroupView,
  ListAnswer,
  ListedRecord,
  ListRequest,
  ReadMode,
  Served,
  StoredRecord,
  TimeToLive,
  WriteAnswer,
  WriteRequest,
} from "../../internal/node/requests.ts";

const group = groupId(3);
const presentTerm = term(7);

interface Kept {
  readonly key: Uint8Array;
  readonly record: StoredRecord;
}

export class MemoryCoordinator implements Coordinator {
  readonly node = nodeId("n1");
  /** Of the wall; the test moves it. */
  wallMilliseconds = 1_800_000_000_000;
  defaultRead: ReadMode = "fast";
  defaultWrite: ReadMode = "strong";
  /** Of fast reads. */
  staleness: number | undefined = 12.5;
  /** Whether reads are answered without waiting. */
  answersNow = true;
  durability: "synced" | "buffered" = "synced";
  /** Thrown by the next request. */
  failure: Error | undefined;
  /** What explanations say of each key's record. */
  unexplained: ExplainedRecord | undefined;
  writes = 0;
  lastCaller: Caller | undefined;
  private readonly kept = new Map<string, Kept>();
  private readonly remembered = new Map<string, WriteAnswer | TrefoilError>();
  private readonly held: (() => void)[] = [];
  private holding = false;
  private index = 40;

  now(): number {
    return performance.now();
  }

  get size(): number {
    return this.kept.size;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.held.length;
  }

  /** Requests wait from now on. */
  hold(): void {
    this.holding = true;
  }

  goOn(): void {
    this.holding = false;
    for (const go of this.held.splice(0)) go();
  }

  /** As if some other edge had stored it. */
  place(key: Uint8Array, value: Uint8Array, contentType: string): void {
    const version = { term: presentTerm, index: logIndex(++this.index) };
    const record = { value, contentType, version, expiresAt: undefined };
    this.kept.set(hex(key), { key, record });
  }

  getNow(request: GetRequest): GetAnswer | undefined {
    if (!this.answersNow || this.holding || this.failure !== undefined) return undefined;
    return this.look(request);
  }

  async get(request: GetRequest, caller: Caller): Promise<GetAnswer> {
    await this.enter(caller);
    return this.look(request);
  }

  async write(request: WriteRequest, caller: Caller): Promise<WriteAnswer> {
    await this.enter(caller);
    checkKey(request.key);
    const name = request.requestId === undefined ? undefined : hex(request.requestId);
    const known = name === undefined ? undefined : this.remembered.get(name);
    if (known instanceof Error) throw known;
    if (known !== undefined) return { ...known, expiresAt: undefined };
    try {
      const answer = this.apply(request);
      if (name !== undefined) this.remembered.set(name, answer);
      return answer;
    } catch (failure) {
      if (name !== undefined) this.remembered.set(name, failure as TrefoilError);
      throw failure;
    }
  }

  async list(request: ListRequest, caller: Caller): Promise<ListAnswer> {
    await this.enter(caller);
    const { prefix, cursor, limit, withValues } = request;
    if (limit < 1 || limit > listLimitMax) throw new Error(`a limit of ${limit}`);
    const all = [...this.kept.values()]
      .filter(({ key }) => compareBytes(key.subarray(0, prefix.length), prefix) === 0)
      .filter(({ key }) => cursor === undefined || compareBytes(key, cursor) > 0)
      .filter(({ record }) => !this.isExpired(record))
      .toSorted((a, b) => compareBytes(a.key, b.key));
    const page = all.slice(0, limit);
    const records = page.map(({ key, record }): ListedRecord => {
      return { ...record, key, value: withValues ? record.value : undefined };
    });
    return {
      records,
      cursor: page.length < all.length ? page.at(-1)?.key : undefined,
      consistency: request.mode ?? this.defaultRead,
    };
  }

  async explain(key: Uint8Array, caller: Caller): Promise<Explanation> {
    await this.enter(caller);
    const record = this.present(key);
    return {
      slot: 5061,
      position: 123_456,
      virtualNode: { group, number: 17, position: 123_999 },
      epoch: 9,
      group: groupView,
      ttlMilliseconds: record?.expiresAt === undefined ? undefined : record.expiresAt - this.wallMilliseconds,
      record: this.unexplained ?? (record === undefined ? { kind: "absent" } : { kind: "present", ...record }),
      wouldDo: { fastRead: "n1, here", strongRead: "n1, here", fastWrite: "n1", strongWrite: "n1 and a follower" },
    };
  }

  async cluster(caller: Caller): Promise<ClusterView> {
    await this.enter(caller);
    const addresses = { peer: "h:1", http: "h:2", resp: "h:3", grpc: "h:4", admin: "h:5" };
    const node = { zone: "a", addresses };
    return {
      cluster: "c0ffee",
      epoch: 9,
      format: 1,
      answeredBy: this.node,
      nodes: [
        { ...node, node: this.node, state: "self", roundTripMicroseconds: undefined },
        { ...node, node: nodeId("n2"), state: "connected", roundTripMicroseconds: 180 },
      ],
      groups: [groupView],
      troubles: ["n3 is unreachable"],
    };
  }

  private async enter(caller: Caller): Promise<void> {
    this.lastCaller = caller;
    if (this.holding) await new Promise<void>((resolve) => void this.held.push(resolve));
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    if (caller.deadline <= this.now()) throw new TrefoilError("deadline_exceeded", "the time for it is over");
  }

  private look({ key, mode }: GetRequest): GetAnswer {
    checkKey(key);
    const consistency = mode ?? this.defaultRead;
    const stalenessMilliseconds = consistency === "strong" ? 0 : this.staleness;
    const present = this.present(key);
    // As an engine does: each reader has bytes of his own.
    const record = present && { ...present, value: copyBytes(present.value) };
    return { record, served: this.served(consistency), stalenessMilliseconds };
  }

  private apply(request: WriteRequest): WriteAnswer {
    const { key, condition } = request;
    const present = this.present(key);
    const keeps = request.kind === "put" && request.ttl.kind === "keep";
    const readsFirst = condition !== undefined || keeps;
    if (readsFirst && request.mode === "fast") throw new Error("a fast write that reads first");
    const consistency = readsFirst ? "strong" : (request.mode ?? this.defaultWrite);
    if (condition !== undefined && !holds(condition, present)) {
      const found =
        present === undefined ? "nothing is there" : `there is ${present.version.term}.${present.version.index}`;
      throw new GroupRefusal(
        { code: "precondition_failed", outcome: "not_applied", detail: `the condition does not hold: ${found}` },
        { node: this.node, group, decided: { role: "leader", consistency }, version: present?.version },
      );
    }
    const version = { term: presentTerm, index: logIndex(++this.index) };
    let expiresAt: number | undefined;
    if (request.kind === "put") {
      expiresAt = this.expiryOf(request.ttl, present);
      // What an edge hands over is not its own any more, and what it asks for is checked before.
      const value = copyBytes(request.value);
      this.kept.set(hex(key), { key, record: { value, contentType: request.contentType, version, expiresAt } });
    } else {
      this.kept.delete(hex(key));
    }
    this.writes++;
    const acks = consistency === "fast" ? 1 : 2;
    return { version, acks, replicas: 3, durability: this.durability, expiresAt, served: this.served(consistency) };
  }

  private expiryOf(ttl: TimeToLive, present: StoredRecord | undefined): number | undefined {
    if (ttl.kind === "milliseconds") return this.wallMilliseconds + ttl.milliseconds;
    return ttl.kind === "keep" ? present?.expiresAt : undefined;
  }

  private present(key: Uint8Array): StoredRecord | undefined {
    const record = this.kept.get(hex(key))?.record;
    return record === undefined || this.isExpired(record) ? undefined : record;
  }

  private isExpired({ expiresAt }: StoredRecord): boolean {
    return expiresAt !== undefined && expiresAt <= this.wallMilliseconds;
  }

  private served(consistency: ReadMode): Served {
    return { node: this.node, group, role: "leader", consistency };
  }
}

const groupView: GroupView = {
  group,
  slots: 4096,
  term: presentTerm,
  leader: nodeId("n1"),
  commitIndex: 40,
  replicas: [
    { replica: 1, node: nodeId("n1"), role: "leader", appliedIndex: 40, lag: 0, joining: false },
    { replica: 2, node: nodeId("n2"), role: "follower", appliedIndex: 39, lag: 1, joining: false },
    { replica: 3, node: nodeId("n3"), role: undefined, appliedIndex: undefined, lag: undefined, joining: false },
  ],
};

function checkKey(key: Uint8Array): void {
  if (key.length >= 1 && key.length <= keyBytesMax && !Buffer.isBuffer(key)) return;
  throw new Error(`an edge let the key ${base64url(key)} through`);
}

function holds(condition: Condition, present: StoredRecord | undefined): boolean {
  if (condition.kind === "absent") return present === undefined;
  if (condition.kind === "present") return present !== undefined;
  const { term: wanted, index } = condition.version;
  return present?.version.term === wanted && present.version.index === index;
}
