// How far the clocks of other nodes are from this one's. What has a time to live is stamped by one clock and judged by another, so it is
// as exact as they agree (rule 5); when two are further apart than the settings believe, that is said: in the log, in numbers, in health.
//
//   asked at A ----------> told T ----------> heard at B        T was read between A and B: ahead by T - B at least, by T - A at most
//
// Only what is certain is said: a way that takes long leaves more open.

import { TrefoilError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";

export interface PeerClockParts {
  readonly table: Pick<PeerTable, "request" | "isConnected">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So far apart clocks are believed to be. */
  readonly skewMilliseconds: number;
}

/** Of another node's clock. */
export interface ClockDistance {
  readonly node: NodeId;
  /** Below 0: it is behind this node's. */
  readonly aheadMilliseconds: number;
  /** Further than it is believed to be. */
  readonly isApart: boolean;
}

const askMilliseconds = 1000;
const question = encodeTalk({ kind: "clock", wall: undefined });

export class PeerClocks {
  private readonly parts: PeerClockParts;
  private readonly measured = new Map<NodeId, ClockDistance>();

  constructor(parts: PeerClockParts) {
    this.parts = parts;
  }

  /** Of those who are connected and were asked. */
  get distances(): readonly ClockDistance[] {
    return [...this.measured.values()].filter(({ node }) => this.parts.table.isConnected(node));
  }

  /** What is wrong, in words; undefined: nothing is known to be. */
  get trouble(): string | undefined {
    const { distances, parts } = this;
    const apart = distances.filter(({ isApart }) => isApart);
    if (apart.length === 0) return undefined;
    const named = apart.map(({ node, aheadMilliseconds: ahead }) => {
      return `${node} is ${Math.abs(Math.round(ahead))} ms ${ahead > 0 ? "ahead" : "behind"}`;
    });
    const isMost = distances.length > 1 && 2 * apart.length > distances.length;
    const whose = isMost ? "this node's clock is the one to look at" : "one of the clocks is wrong";
    return `${named.join(", ")}, and --max-clock-skew is ${parts.skewMilliseconds} ms: ${whose}`;
  }

  /** Who does not answer, or is of a version that does not know, stays as it was measured before. */
  async ask(node: NodeId): Promise<void> {
    const { table, clock } = this.parts;
    const [wallBefore, before] = [clock.wallMilliseconds(), clock.monotonicMilliseconds()];
    const outcome = await table.request(node, question, { timeoutMilliseconds: askMilliseconds, trace: "" });
    const wall = clock.wallMilliseconds();
    // One stands still while the machine is suspended, the other one may be set.
    const elapsed = Math.max(clock.monotonicMilliseconds() - before, wall - wallBefore);
    const told = outcome.kind === "answered" ? this.wallIn(node, outcome.payload) : undefined;
    if (told !== undefined) this.note(node, told - wall, told - (wall - elapsed));
  }

  private note(node: NodeId, least: number, most: number): void {
    const { skewMilliseconds, logger } = this.parts;
    const wasApart = this.measured.get(node)?.isApart ?? false;
    const isFar = least > skewMilliseconds || most < -skewMilliseconds;
    const isNear = least >= -skewMilliseconds && most <= skewMilliseconds;
    const isApart = isFar || (wasApart && !isNear);
    const aheadMilliseconds = (least + most) / 2;
    this.measured.set(node, { node, aheadMilliseconds, isApart });
    if (isApart === wasApart) return;
    const fields = { node, aheadMilliseconds: Math.round(aheadMilliseconds), maxMilliseconds: skewMilliseconds };
    if (isApart)
      logger.warn(
        "a node's clock and this one's are too far apart: set them, for keys expire too early or too late",
        fields,
      );
    else logger.info("a node's clock and this one's agree again", fields);
  }

  private wallIn(from: NodeId, bytes: Uint8Array): number | undefined {
    try {
      const said = decodeTalk(bytes);
      return said.kind === "clock" ? said.wall : undefined;
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("what a node says of its clock cannot be read", { from, why: failure.message });
      return undefined;
    }
  }
}
