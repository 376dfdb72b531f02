// The way of a call to a replica that can serve it, and of its answer: node after node, until one has done it or refused it for good,
// or the time is up. What surely did nothing is tried again, here or elsewhere; what may have, only when that is no harm.

import { unreachable } from "../base/assert.ts";
import type { ByteReader } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { decodeMap, groupOf } from "../cluster/cluster-map.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import { decodeAnswer, encodeCall } from "./client-wire.ts";
import type { ClientCall } from "./client-wire.ts";
import type { Again, GroupAnswer, GroupService } from "./group-service.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { PeerTable } from "./peer-table.ts";
import { again, codeOf, detailOf, tooLate, unknownWrite } from "./refusals.ts";
import type { Caller } from "./requests.ts";

/** Between two tries, at first and at most. */
export const pauseMilliseconds = 5;
const pauseMillisecondsMax = 100;
/** What is left of a deadline and not worth a try. */
const leastMilliseconds = 2;

export interface RoutingParts {
  readonly node: NodeId;
  readonly keeper: MapKeeper;
  readonly table: PeerTable;
  /** What lives on this node; undefined on a gateway. */
  readonly service: GroupService | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
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

export const longer = (pause: number): number => Math.min(2 * pause, pauseMillisecondsMax);
const isFirst = (node: NodeId, at: number, all: readonly NodeId[]): boolean => all.indexOf(node) === at;

export class Routing {
  private readonly parts: RoutingParts;
  /** Who was said to lead a group, by whoever was asked last. */
  private readonly leaders = new Map<GroupId, NodeId>();
  private isStopped = false;

  constructor(parts: RoutingParts) {
    this.parts = parts;
  }

  /** Takes no more requests. */
  stop(): void {
    this.isStopped = true;
  }

  /** Throws when it was stopped. */
  checkRuns(): void {
    if (this.isStopped) throw new TrefoilError("stopping", "this node is stopping; ask another one");
  }

  /** Tries node after node until one has done it, or refused it for good, or the time is up. */
  async route<T>(route: Route<T>, caller: Caller): Promise<Tried<T>> {
    let why: Again = "no_leader";
    for (let pause = pauseMilliseconds; ; pause = longer(pause)) {
      for (const node of this.candidates(route)) {
        this.checkRuns();
        const left = caller.deadline - this.parts.clock.monotonicMilliseconds();
        if (left < leastMilliseconds) break;
        const answer = await this.tryAt(node, route, left, caller.trace);
        if (answer.kind !== "again") {
          if (route.wants === "leader" && answer.kind === "done") this.leaders.set(route.group, node);
          return { answer, node };
        }
        why = answer.why;
        if (answer.leader === undefined) this.leaders.delete(route.group);
        else this.leaders.set(route.group, answer.leader);
      }
      await this.pause(pause, caller, codeOf(why), detailOf(why, route.group));
    }
  }

  /** Once each. */
  private candidates<T>({ group, wants }: Route<T>): readonly NodeId[] {
    const { keeper, table, service } = this.parts;
    const placed = keeper.map && groupOf(keeper.map, group);
    if (placed === undefined) return [];
    const near = table.byDistance(placed.replicas.map(({ node }) => node));
    // A replica of one's own hears of a new leader first.
    const leader = service?.leaderOf(group) ?? this.leaders.get(group);
    if (leader === undefined) return near;
    const others = near.filter((node) => node !== leader);
    return wants === "leader" ? [leader, ...others] : [...near.slice(0, 1), leader, ...others].filter(isFirst);
  }

  private async tryAt<T>(node: NodeId, route: Route<T>, left: number, trace: string): Promise<GroupAnswer<T>> {
    const { service, table, keeper } = this.parts;
    if (node === this.parts.node)
      return service === undefined ? again("not_here") : this.serveHere(service, route, left);
    const payload = encodeCall({ epoch: keeper.epoch, group: route.group, call: route.call });
    const outcome = await table.request(node, payload, { timeoutMilliseconds: Math.ceil(left), trace });
    switch (outcome.kind) {
      case "answered": {
        const { answer, newerMap } = decodeAnswer(outcome.payload, route.read);
        if (newerMap !== undefined) keeper.adopt(decodeMap(newerMap));
        return answer;
      }
      case "refused":
        return again(outcome.why === "down" ? "no_leader" : "busy");
      case "unknown":
        if (route.isRepeatable && outcome.why !== "late") return again("no_leader");
        return route.call.kind === "write" ? unknownWrite(node, outcome.why) : tooLate(node);
      default:
        return unreachable(outcome, "an outcome of a request");
    }
  }

  /** A local replica may wait for a majority that does not come: the deadline holds here as well. */
  private serveHere<T>(service: GroupService, route: Route<T>, left: number): Promise<GroupAnswer<T>> {
    return new Promise((resolve, reject) => {
      const timer = this.parts.scheduler.after(left, () => {
        resolve(route.call.kind === "write" ? unknownWrite(this.parts.node, "late") : tooLate(this.parts.node));
      });
      route.serve(service).then(
        (answer) => {
          timer.cancel();
          resolve(answer);
        },
        (failure: unknown) => {
          timer.cancel();
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
