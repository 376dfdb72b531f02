// Brings each request of a client to a replica of its group, here or on another node, and its answer back.
//
//   key --slot, ring--> group --fast read: nearest replica; the rest: whoever leads--> GroupService, here or over there
//        answer "again": surely nothing happened; another node, or the same a little later, until the deadline
//        answer lost:    a read is tried again; a write only when it carries a request id, else nobody knows
//
// Rule 16: what this node has told clients of a group, its fast reads wait for, wherever they are served.

import { assert } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { stampOfMilliseconds } from "../base/stamp.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { slotPosition } from "../ring/positions.ts";
import type { Ring } from "../ring/ring.ts";
import { slotOf } from "../ring/slots.ts";
import { readGot, readPage, readWrote } from "./client-wire.ts";
import type { GotValue, ListedPage, WroteValue } from "./group-service.ts";
import { ListingPlaces, placesFor } from "./listing-places.ts";
import { fetchedBytesMost, mergedPage } from "./merged-page.ts";
import type { NextPiece, PieceBounds } from "./merged-page.ts";
import { stopping, valueOf } from "./refusals.ts";
import { longer, pauseMilliseconds, Routing } from "./routing.ts";
import type { RoutingParts, Tried } from "./routing.ts";
import type {
  Caller,
  ClusterView,
  Coordinator,
  ExplainedRecord,
  Explanation,
  GetAnswer,
  GetRequest,
  ListAnswer,
  ListRequest,
  ReadMode,
  Served,
  WriteAnswer,
  WriteMode,
  WriteRequest,
} from "./requests.ts";
import { ToldPositions } from "./told.ts";
import { Views, viewMilliseconds } from "./views.ts";
import { wouldDo } from "./would-do.ts";

export interface CoordinatorParts extends RoutingParts {
  readonly defaults: { readonly read: ReadMode; readonly write: WriteMode };
  /** The largest value that is taken. */
  readonly valueBytesMax: number;
  /** For whom this node waits, while it does not know where groups are. */
  awaited(): string;
}

/** Of a listing, what is asked of a group at a time. */
interface Piece {
  readonly request: ListRequest;
  readonly mode: ReadMode;
  readonly after: Uint8Array | undefined;
  readonly bounds: PieceBounds;
}

export class NodeCoordinator implements Coordinator {
  readonly node: NodeId;
  private readonly parts: CoordinatorParts;
  private readonly routing: Routing;
  private readonly views: Views;
  private readonly told = new ToldPositions();
  private readonly listings: ListingPlaces;

  constructor(parts: CoordinatorParts) {
    this.parts = parts;
    this.node = parts.node;
    this.routing = new Routing(parts);
    this.views = new Views(parts);
    this.listings = new ListingPlaces(parts.clock, parts.scheduler);
  }

  now(): number {
    return this.parts.clock.monotonicMilliseconds();
  }

  /** Takes no more requests. */
  stop(): void {
    this.routing.stop();
    this.listings.stop(stopping());
  }

  getNow(request: GetRequest): GetAnswer | undefined {
    const { service, defaults } = this.parts;
    if (service === undefined || (request.mode ?? defaults.read) !== "fast") return undefined;
    const group = this.groupNow(request.key);
    if (group === undefined) return undefined;
    const got = service.getNow(group, request.key, this.told.of(group));
    return got && this.gotAnswer({ answer: { kind: "done", value: got }, node: this.node }, group, "fast");
  }

  async get(request: GetRequest, caller: Caller): Promise<GetAnswer> {
    const mode = request.mode ?? this.parts.defaults.read;
    const group = this.groupNow(request.key) ?? (await this.groupOf(request.key, caller));
    const after = mode === "fast" ? this.told.of(group) : undefined;
    const asked = { key: request.key, mode, after };
    const tried = await this.routing.route(
      {
        group,
        call: { kind: "get", asked },
        wants: "nearest",
        isRepeatable: true,
        read: readGot,
        serve: (service) => service.get(group, asked),
      },
      caller,
    );
    return this.gotAnswer(tried, group, mode);
  }

  async write(request: WriteRequest, caller: Caller): Promise<WriteAnswer> {
    const mode = this.modeOf(request);
    const group = this.groupNow(request.key) ?? (await this.groupOf(request.key, caller));
    const asked = { request, mode, stamp: stampOfMilliseconds(this.parts.clock.wallMilliseconds()) };
    const tried = await this.routing.route<WroteValue>(
      {
        group,
        call: { kind: "write", asked },
        wants: "leader",
        isRepeatable: request.requestId !== undefined,
        read: readWrote,
        serve: (service) => service.write(group, asked),
      },
      caller,
    );
    const { answer } = tried;
    // The version that a condition met is told, too.
    if (answer.kind === "failed" && answer.code === "precondition_failed")
      this.told.note(group, answer.version, undefined);
    const { version, acks, replicas, durability, expiresAt, role } = valueOf(tried, group, mode);
    if (mode === "strong") this.told.note(group, version, undefined);
    else this.told.note(group, undefined, version);
    return {
      version,
      acks,
      replicas,
      durability,
      expiresAt,
      served: { node: tried.node, group, role, consistency: mode },
    };
  }

  async list(request: ListRequest, caller: Caller): Promise<ListAnswer> {
    this.routing.checkRuns();
    const wish = { places: placesFor(this.listingBytesMost), mayWait: request.mayWait === true };
    return this.listings.run(wish, caller, () => this.listNow(request, caller));
  }

  /** What a page may hold while it is put together: of each group a record at least, whatever its size. */
  private get listingBytesMost(): number {
    const groups = this.parts.keeper.ring?.groups.length ?? 1;
    return fetchedBytesMost + groups * this.parts.valueBytesMax;
  }

  private async listNow(request: ListRequest, caller: Caller): Promise<ListAnswer> {
    const mode = request.mode ?? this.parts.defaults.read;
    const { ring } = await this.whenReady(caller);
    const pieces = ring.groups.map(
      (group): NextPiece =>
        (after, bounds) =>
          this.piece(group, { request, mode, after, bounds }, caller),
    );
    const nextTurn = (): Promise<void> => new Promise((resolve) => this.parts.scheduler.afterTurn(resolve));
    return { ...(await mergedPage(pieces, request, nextTurn)), consistency: mode };
  }

  async explain(key: Uint8Array, caller: Caller): Promise<Explanation> {
    const { map, ring } = await this.whenReady(caller);
    await this.whenLooked(map, caller);
    const slot = slotOf(key, 0, key.length);
    const id = ring.ownerOf(slot);
    const [look, record] = await Promise.all([this.views.lookAt(map, ring, id), this.recordNow(key, caller)]);
    const expiresAt = record.kind === "present" ? record.expiresAt : undefined;
    const now = this.parts.clock.wallMilliseconds();
    return {
      slot,
      position: slotPosition(slot),
      virtualNode: ring.virtualNodeOf(slot),
      epoch: map.epoch,
      group: look.view,
      ttlMilliseconds: expiresAt === undefined ? undefined : Math.max(0, expiresAt - now),
      record,
      wouldDo: wouldDo(look.said, this.routing.nearest(id, [])),
    };
  }

  /** What a fast read finds in no longer than the rest of the view takes. */
  private async recordNow(key: Uint8Array, caller: Caller): Promise<ExplainedRecord> {
    const { signal, trace } = caller;
    const deadline = Math.min(caller.deadline, this.now() + viewMilliseconds);
    try {
      const { record } = await this.get({ key, mode: "fast" }, { deadline, signal, trace });
      if (record === undefined) return { kind: "absent" };
      const { contentType, version, expiresAt } = record;
      return { kind: "present", contentType, version, expiresAt };
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      return { kind: "unknown", code: failure.code, detail: failure.message };
    }
  }

  async cluster(caller: Caller): Promise<ClusterView> {
    const map = await this.whenMap(caller);
    await this.whenLooked(map, caller);
    return this.views.cluster(map, this.parts.keeper.ring);
  }

  private async piece(group: GroupId, { request, mode, after, bounds }: Piece, caller: Caller): Promise<ListedPage> {
    const { prefix, withValues } = request;
    const told = mode === "fast" ? this.told.of(group) : undefined;
    const asked = { prefix, after, withValues, mode, told, ...bounds };
    const tried = await this.routing.route<ListedPage>(
      {
        group,
        call: { kind: "list", asked },
        wants: "nearest",
        isRepeatable: true,
        read: readPage,
        serve: (service) => service.list(group, asked),
      },
      caller,
    );
    const page = valueOf(tried, group, mode);
    this.told.note(group, page.applied, page.ahead);
    return page;
  }

  /** Explicit fast where something is read first is for the group's leader to refuse; a default of fast does not reach so far. */
  private modeOf(request: WriteRequest): WriteMode {
    if (request.mode !== undefined) return request.mode;
    const reads = request.condition !== undefined || (request.kind === "put" && request.ttl.kind === "keep");
    return reads ? "strong" : this.parts.defaults.write;
  }

  private gotAnswer(tried: Tried<GotValue>, group: GroupId, consistency: ReadMode): GetAnswer {
    const { record, role, stalenessMilliseconds, applied, ahead } = valueOf(tried, group, consistency);
    this.told.note(group, applied, ahead);
    const served: Served = { node: tried.node, group, role, consistency };
    return { record, served, stalenessMilliseconds };
  }

  /** Undefined: this node does not know yet where groups are. */
  private groupNow(key: Uint8Array): GroupId | undefined {
    assert(key.length > 0, "a request without a key");
    return this.parts.keeper.ring?.ownerOf(slotOf(key, 0, key.length));
  }

  private async groupOf(key: Uint8Array, caller: Caller): Promise<GroupId> {
    const { ring } = await this.whenReady(caller);
    return ring.ownerOf(slotOf(key, 0, key.length));
  }

  private async whenMap(caller: Caller): Promise<ClusterMap> {
    for (let pause = pauseMilliseconds; ; pause = longer(pause)) {
      const { map } = this.parts.keeper;
      this.routing.checkRuns();
      if (map !== undefined) return map;
      await this.routing.pause(pause, caller, "starting", this.parts.awaited());
    }
  }

  /** Who has just heard of the map has tried each node that it names once, or the time is nearly up. */
  private async whenLooked({ nodes }: ClusterMap, caller: Caller): Promise<void> {
    const { table } = this.parts;
    for (let pause = pauseMilliseconds; !nodes.every(({ id }) => table.isKnown(id)); pause = longer(pause)) {
      if (this.now() + viewMilliseconds >= caller.deadline) return;
      await this.routing.pause(pause, caller, "starting", "the nodes of the cluster are being looked for");
    }
  }

  private async whenReady(caller: Caller): Promise<{ readonly map: ClusterMap; readonly ring: Ring }> {
    for (let pause = pauseMilliseconds; ; pause = longer(pause)) {
      const map = await this.whenMap(caller);
      const { ring } = this.parts.keeper;
      if (ring !== undefined) return { map, ring };
      await this.routing.pause(pause, caller, "starting", this.parts.awaited());
    }
  }
}
