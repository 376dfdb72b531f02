// That the watermark goes on (rules 2, 4, 25): when all are there again it rises to whatever was written before, and what is in the
// log counts as with all of them. Without that no garbage goes and no seal ever completes, and nothing else would show it.

import { utf8 } from "../../internal/base/bytes.ts";
import { stampsPerMillisecond } from "../../internal/base/stamp.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Command } from "../../internal/replica/command.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { expectThat } from "./violation.ts";

/** A write that nobody reads. */
export const filling = "filling";
export const fillingCommand: Command = {
  request: undefined,
  operations: [
    {
      action: action.put,
      key: utf8(filling),
      condition: conditionKind.none,
      version: undefined,
      expiry: expiryMode.never,
      expiresAt: undefined,
      wantsPrevious: false,
      body: new Uint8Array(1),
    },
  ],
};

const retryMilliseconds = 500;

export class WatermarkRise {
  private readonly cluster: SimCluster;
  /** Voters that leave are waited for so long, unless they say that they keep nothing. */
  private readonly windowMilliseconds: number;
  private written: { readonly version: Version; readonly stamp: number } | undefined;

  constructor(cluster: SimCluster, windowMilliseconds: number) {
    this.cluster = cluster;
    this.windowMilliseconds = windowMilliseconds;
  }

  /** Has one more write made, so that there is something to rise to: a watermark is not raised for its own entries. */
  begin(): void {
    if (this.written !== undefined) return;
    const { cluster } = this;
    const { leader } = cluster;
    const proposed = leader?.replica?.propose("strong", () => fillingCommand);
    if (proposed?.kind === "accepted") {
      void proposed.outcome.then((outcome) => {
        if (outcome.kind === "done") this.written ??= outcome;
      });
    }
    cluster.time.after(retryMilliseconds, () => this.begin());
  }

  get isOver(): boolean {
    const leader = this.cluster.leader?.replica;
    if (this.written === undefined || leader === undefined) return false;
    const { version, stamp } = this.written;
    if (leader.state.watermark >= stamp && leader.isWithAll(version.index)) return true;
    return this.isHeldByWhoIsLost;
  }

  /** REQUIRES: there was time. */
  check(): void {
    expectThat(this.isOver, "the watermark rises", () => {
      const leader = this.cluster.leader?.replica;
      const { version, stamp } = this.written ?? {};
      const followers = leader?.followers.map(({ id, match }) => `${id} has ${match}`).join(", ");
      const isWithAll = version !== undefined && leader?.isWithAll(version.index) === true;
      return (
        `${version?.term}.${version?.index} stamped ${stamp} was written when all had healed; the watermark is` +
        ` ${leader?.state.watermark}, and it is ${isWithAll ? "" : "not "}with all: ${followers}`
      );
    });
  }

  /** A voter that left together with its disk never says so. */
  private get isHeldByWhoIsLost(): boolean {
    const { leader, lostDisks } = this.cluster;
    const state = leader?.replica?.state;
    if (state === undefined || ![...lostDisks].some((id) => state.departures.hasLeft(id))) return false;
    return state.departures.awaitedUntil(this.windowMilliseconds * stampsPerMillisecond) > state.last.stamp;
  }
}
