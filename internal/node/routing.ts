// The way of a call to a replica that can serve it, and of its answer: node after node, until one has done it or refused it for good,
// or the time is up.
//
//   surely nothing happened    tried again, here or elsewhere
//   nobody knows what happened tried again only when that is no harm: a read, or a write under its request id. Once it was so, what
//                              ends without an answer of the group is told as unknown, whatever the last try came to
//   too much to do, no quorum  told when no replica takes it, at once, or as soon as a new leader would have been there: whoever asks
//                              is better off waiting by himself

import { unreachable } from "../base/assert.ts";
import type { ByteReader } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { decodeMap, groupOf, nodeOf, replicasOf } from "../cluster/cluster-map.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RequestOutcome } from "../platform/network.ts";
import { decodeAnswer, encodeCall } from "./client-wire.ts";
import type { ClientCall } from "./client-wire.ts";
import { Deadlines } from "./deadlines.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";
import type { Again, GroupAnswer, GroupService } from "./group-service.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { PeerTable } from "./peer-table.ts";
import {
  again,
  codeOf,
  cutOff,
  detailOf,
  isFinalAfterUnknown,
  notTaken,
  stopping,
  tooLate,
  unknownWrite,
  untried,
  worse,
} from "./refusals.ts";
import type { Trouble } from "./refusals.ts";
import type { Caller } from "./requests.ts";

/** Between two tries, at first and at most. */
export const pauseMilliseconds = 5;
const pauseMillisecondsMax = 100;
/** What is left of a deadline and not worth a try. */
const leastMilliseconds = 2;
/** What may be made twice waits for one node no longer: it may be stuck, and another one lead by now. */
const tryMillisecondsMax = 1000;
/** So long another leader may take to come when the present one hears no majority. */
const quorumMilliseconds = 250;
/** Under way at a time. */
const requestsMax = 8192;

export interface RoutingParts {
  readonly node: NodeId;
  readonly zone: string;
  readonly keeper: MapKeeper;
  readonly table: PeerTable;
  /** What lives on this node; undefined on a gateway. */
  readonly service: GroupService | undefined;
  readonly unfit: Pick<UnfitNodes, "own" | "of">;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export interface Tried<T> {
  readonly answer: GroupAnswer<T>;
  readonly node: NodeId;
}

/** Where a call may be served, in the order in which to try; and whether it may be made twice. */
export interface Route<T> {
  readonly group: GroupId;
  readonly call: ClientCall;
  readonly wants: "leader" | "nearest";
  readonly isRepeatable: boolean;
  readonly read: (reader: ByteReader) => T;
  serve(service: GroupService): Promise<GroupAnswer<T>>;
}

/** What the tries of one request have come to so far. */
interface Way {
  readonly deadline: number;
  readonly trace: string;
  /** Of the map by which the group was found: by a newer one the slot may be another's, and whoever knows it refuses. */
  readonly epoch: number;
  /** Of the last round in which somebody was asked. */
  why: Again;
  /** Who let the time pass when it was asked last, and who said what is no answer. Replaced, and not added to: most requests have none. */
  late: readonly NodeId[];
  unreadable: readonly NodeId[];
  /** An earlier try may have taken effect. */
  unknown: Tried<never> | undefined;
}

/** Between two rounds. */
interface Pause {
  readonly pause: number;
  /** Until then another leader may come when the present one hears no majority. */
  readonly patientUntil: number;
}

const nobody: readonly NodeId[] = [];

/** As it is after `node` was asked once more. */
function noted(nodes: readonly NodeId[], node: NodeId, isOne: boolean): readonly NodeId[] {
  if (nodes.includes(node) === isOne) return nodes;
  return isOne ? [...nodes, node] : nodes.filter((each) => each !== node);
}

export const longer = (pause: number): number => Math.min(2 * pause, pauseMillisecondsMax);

export class Routing {
  private readonly parts: RoutingParts;
  /** Who was said to lead a group, by whoever was asked last. */
  private readonly leaders = new Map<GroupId, NodeId>();
  private readonly deadlines: Deadlines;
  private underWay = 0;
  private isStopped = false;

  constructor(parts: RoutingParts) {
    this.parts = parts;
    this.deadlines = new Deadlines(parts.clock, parts.scheduler);
  }

  /** Takes no more requests. */
  stop(): void {
    this.isStopped = true;
  }

  /** Throws when it was stopped. */
  checkRuns(): void {
    if (this.isStopped) throw stopping();
  }

  /** Tries node after node until one has done it, or refused it for good, or the time is up. */
  async route<T>(route: Route<T>, caller: Caller): Promise<Tried<T>> {
    this.checkRuns();
    if (this.underWay >= requestsMax) {
      const detail = `${requestsMax} requests are under way through this node; try again a little later, or ask another one`;
      throw new TrefoilError("busy", detail);
    }
    this.underWay++;
    const { deadline, trace } = caller;
    const way: Way = {
      deadline,
      trace,
      epoch: this.parts.keeper.epoch,
      why: "no_leader",
      late: nobody,
      unreadable: nobody,
      unknown: undefined,
    };
    try {
      return await this.goOn(route, caller, way);
    } catch (failure) {
      // What it came to last did nothing; an earlier try may have.
      if (!(failure instanceof TrefoilError)) throw failure;
      if (way.unknown !== undefined) return way.unknown;
      throw notTaken(failure, this.parts.node, route.group);
    } finally {
      this.underWay--;
    }
  }

  /** Round after round: each node once, and then a pause. */
  private async goOn<T>(route: Route<T>, caller: Caller, way: Way): Promise<Tried<T>> {
    const { clock } = this.parts;
    const began = clock.monotonicMilliseconds();
    if (way.deadline - began < leastMilliseconds) throw untried(route.group);
    const patientUntil = began + quorumMilliseconds;
    for (let pause = pauseMilliseconds; ; pause = longer(pause)) {
      const done: NodeId[] = [];
      for (let node = this.first(route); node !== undefined; node = this.after(route, done)) {
        this.checkRuns();
        const left = way.deadline - clock.monotonicMilliseconds();
        if (left < leastMilliseconds) break;
        if (done.length === 0) way.why = "no_leader";
        const last = this.learn(route, way, { answer: await this.tryAt(node, route, left, way), node });
        if (last !== undefined) return last;
        done.push(node);
      }
      await this.pauseAfter(route, caller, way, { pause, patientUntil });
    }
  }

  /** Behind a round in which nobody could take it. Throws when there is nothing to be waited for. */
  private pauseAfter<T>({ group }: Route<T>, caller: Caller, way: Way, { pause, patientUntil }: Pause): Promise<void> {
    // What was said before counts no more: whoever said it is gone.
    if (this.isCutOff) return this.pause(pause, caller, "no_leader", cutOff);
    const now = this.parts.clock.monotonicMilliseconds();
    const { why } = way;
    const [code, detail] = [codeOf(why), detailOf(why, group, this.troubleOf(group, way))];
    const isHopeless = why === "busy" || (why === "no_quorum" && now >= patientUntil);
    if (isHopeless) throw new TrefoilError(code, detail);
    return this.pause(pause, caller, code, detail);
  }

  /** A gateway that has lost its last node; a node has itself. */
  private get isCutOff(): boolean {
    const { service, table } = this.parts;
    return service === undefined && table.connected.length === 0;
  }

  /** By who is there now, of all nodes of the group: the last round may have ended before it came to each. */
  private troubleOf(group: GroupId, { late, unreadable }: Way): Trouble {
    const { node: asker, table } = this.parts;
    const others = this.placesOf(group).filter((node) => node !== asker);
    const silent = others.filter((node) => !table.isConnected(node) || late.includes(node)).sort();
    const stopping = others.filter((node) => table.isLeaving(node) && !silent.includes(node)).sort();
    return { asker, silent, stopping, unreadable: unreadable.filter((node) => table.isConnected(node)) };
  }

  /** What a try says of the group beside its answer. Undefined: it is to be tried again. */
  private learn<T>(route: Route<T>, way: Way, tried: Tried<T>): Tried<T> | undefined {
    const { answer, node } = tried;
    if (answer.kind !== "again") return this.judge(route, way, tried);
    way.why = worse(way.why, answer.why);
    if (answer.leader !== undefined) this.leaders.set(route.group, answer.leader);
    else if (this.leaders.get(route.group) === node) this.leaders.delete(route.group);
    return undefined;
  }

  /** Undefined: it is to be tried again. */
  private judge<T>(route: Route<T>, way: Way, tried: Tried<T>): Tried<T> | undefined {
    const { answer, node } = tried;
    if (answer.kind === "done") {
      if (route.wants === "leader") this.leaders.set(route.group, node);
      return tried;
    }
    if (answer.kind === "failed" && answer.mayRepeat && route.isRepeatable) {
      way.unknown = { answer, node };
      return undefined;
    }
    const isFinal = way.unknown === undefined || answer.kind !== "failed" || isFinalAfterUnknown(answer);
    return isFinal ? tried : way.unknown;
  }

  /** Where to try first: who leads, when that is known; the own replica; or the nearest. */
  private first<T>(route: Route<T>): NodeId | undefined {
    const { service, node } = this.parts;
    if (route.wants === "leader") return this.said(route)[0] ?? this.nearest(route.group, [])[0];
    const isHere = service?.has(route.group) === true && this.isSeatedHere(route.group);
    return isHere ? node : this.nearest(route.group, [])[0];
  }

  /** As the map has it. */
  private isSeatedHere(group: GroupId): boolean {
    const { keeper, node } = this.parts;
    const placed = keeper.map && groupOf(keeper.map, group);
    return placed !== undefined && replicasOf(placed).some((replica) => replica.node === node);
  }

  /** Where to try when `done` could not: who was said to lead, then the others by their distance. */
  private after<T>(route: Route<T>, done: readonly NodeId[]): NodeId | undefined {
    return this.said(route).findLast((node) => !done.includes(node)) ?? this.nearest(route.group, done)[0];
  }

  /** Who leads, as a replica of one's own has it, which hears of a new leader first, and as whoever was asked last said. */
  private said<T>({ group }: Route<T>): readonly NodeId[] {
    const { service, table } = this.parts;
    const said: NodeId[] = [];
    for (const node of [service?.leaderOf(group), this.leaders.get(group)]) {
      if (node !== undefined && !table.isLeaving(node)) said.push(node);
    }
    return said;
  }

  /** The nodes of a group that are to be asked, but for `done`: this one, then by distance. */
  nearest(group: GroupId, done: readonly NodeId[]): readonly NodeId[] {
    const { keeper, table, zone } = this.parts;
    const { map } = keeper;
    const zoneOf = (id: NodeId): string | undefined => map && nodeOf(map, id)?.zone;
    const left = this.nodesOf(group).filter((node) => !done.includes(node));
    return table.byDistance(left, (node) => zoneOf(node) === zone);
  }

  private nodesOf(group: GroupId): readonly NodeId[] {
    return this.placesOf(group).filter((node) => !this.parts.table.isLeaving(node));
  }

  /** Those that stop among them. */
  private placesOf(group: GroupId): readonly NodeId[] {
    const { map } = this.parts.keeper;
    const placed = map && groupOf(map, group);
    return placed === undefined ? [] : [...new Set(replicasOf(placed).map(({ node }) => node))];
  }

  private tryAt<T>(node: NodeId, route: Route<T>, left: number, way: Way): Promise<GroupAnswer<T>> {
    const { service, table } = this.parts;
    const { epoch, trace } = way;
    // A scan takes as long as it takes: one that was given up would go on beside its successor.
    const isShort = route.isRepeatable && route.call.kind !== "list" && left > tryMillisecondsMax;
    if (node === this.parts.node) {
      return service === undefined ? Promise.resolve(again("not_here")) : this.serveHere(service, route, left, isShort);
    }
    const payload = encodeCall({ epoch, group: route.group, call: route.call });
    const timeoutMilliseconds = isShort ? tryMillisecondsMax : Math.ceil(left);
    return table.request(node, payload, { timeoutMilliseconds, trace }).then((outcome) => {
      way.late = noted(way.late, node, outcome.kind === "unknown" && outcome.why === "late");
      way.unreadable = noted(way.unreadable, node, false);
      if (isShort && outcome.kind === "unknown" && route.call.kind !== "write") return again("no_leader");
      return this.answerOf(node, route, outcome, way);
    });
  }

  private answerOf<T>(node: NodeId, route: Route<T>, outcome: RequestOutcome, way: Way): GroupAnswer<T> {
    const isWrite = route.call.kind === "write";
    switch (outcome.kind) {
      case "answered":
        return this.read(node, route, outcome.payload, way);
      case "refused":
        return again(outcome.why === "down" ? "no_leader" : "busy");
      case "unknown":
        if (isWrite) return unknownWrite(node, outcome.why);
        return outcome.why === "late" ? tooLate(node) : again("no_leader");
      default:
        return unreachable(outcome, "an outcome of a request");
    }
  }

  /** Bytes that are no answer say nothing of what was done. */
  private read<T>(node: NodeId, route: Route<T>, payload: Uint8Array, way: Way): GroupAnswer<T> {
    try {
      const { answer, newerMap } = decodeAnswer(payload, route.read);
      if (newerMap !== undefined) this.learnMap(node, newerMap);
      return answer;
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("another node's answer cannot be read", { from: node, why: failure.message });
      way.unreadable = noted(way.unreadable, node, true);
      return route.call.kind === "write" ? unknownWrite(node, "unreadable") : again("no_leader");
    }
  }

  /** The answer beside it counts, whatever the map is. */
  private learnMap(node: NodeId, bytes: Uint8Array): void {
    try {
      this.parts.keeper.adopt(decodeMap(bytes));
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("another node's map cannot be taken", { from: node, why: failure.message });
    }
  }

  /** A local replica may wait for a majority that does not come: the deadline holds here as well, and a short try is as short. */
  private serveHere<T>(
    service: GroupService,
    route: Route<T>,
    left: number,
    isShort: boolean,
  ): Promise<GroupAnswer<T>> {
    return new Promise((resolve, reject) => {
      const deadline = this.deadlines.begin(isShort ? tryMillisecondsMax : left, () => {
        const { node } = this.parts;
        if (route.call.kind === "write") resolve(unknownWrite(node, "late"));
        else resolve(isShort ? again("no_leader") : tooLate(node));
      });
      route.serve(service).then(
        (answer) => {
          this.deadlines.end(deadline);
          resolve(answer);
        },
        (failure: unknown) => {
          this.deadlines.end(deadline);
          reject(failure instanceof Error ? failure : new Error(String(failure)));
        },
      );
    });
  }

  /** Throws when the time is up before. */
  pause(milliseconds: number, caller: Caller, code: ErrorCode, detail: string): Promise<void> {
    const left = caller.deadline - this.parts.clock.monotonicMilliseconds() - leastMilliseconds;
    if (left <= 0 || caller.signal?.aborted === true) return Promise.reject(new TrefoilError(code, detail));
    return new Promise((resolve) => {
      this.parts.scheduler.after(Math.min(milliseconds, left), resolve);
    });
  }
}
