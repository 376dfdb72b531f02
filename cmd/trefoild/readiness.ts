// What /readyz tells: from the start of the process to its end. Whether the node may be given work is judged by
// internal/node/start-watch.ts once its log has been read.

import type { Readiness, ReadinessCheck } from "../../internal/http/admin-edge.ts";
import type { Node } from "../../internal/node/node.ts";
import type { PeerClocks } from "../../internal/node/peer-clocks.ts";
import { StartWatch } from "../../internal/node/start-watch.ts";
import type { Clock } from "../../internal/platform/clock.ts";

/** Of a node, what its readiness is read off. */
type ReadyNode = Pick<Node, "watched" | "unfitness"> & { readonly clocks: Pick<PeerClocks, "trouble" | "distances"> };

export class NodeReadiness {
  private readonly clock: Clock;
  private watch: StartWatch | undefined;
  private node: ReadyNode | undefined;
  private isStopping = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Its log has been read. */
  opens(node: ReadyNode): void {
    this.watch = new StartWatch(node.watched, this.clock);
    this.node = node;
  }

  /** Its groups have their places, and its replicas are open. */
  allOpen(): void {
    this.watch?.allOpen();
  }

  stops(): void {
    this.isStopping = true;
  }

  /** Looks once. True: the node is ready, and need not be looked at any more. */
  look(): boolean {
    return this.watch?.look() ?? false;
  }

  readiness(): Readiness {
    const state = this.isStopping ? "stopping" : this.look() ? "ready" : "starting";
    return { state, checks: this.checks() };
  }

  private checks(): ReadinessCheck[] {
    const { watch, node } = this;
    if (watch === undefined || node === undefined) return [{ name: "log", isFine: false, detail: "it is being read" }];
    return [
      { name: "log", isFine: true, detail: "read" },
      ...watch.checks(),
      checkOfDisk(node),
      checkOfClock(node.clocks),
    ];
  }
}

function checkOfDisk({ unfitness }: ReadyNode): ReadinessCheck {
  return { name: "disk", isFine: unfitness === undefined, detail: unfitness?.message ?? "can be written" };
}

function checkOfClock({ trouble, distances }: ReadyNode["clocks"]): ReadinessCheck {
  const others = distances.length === 0 ? "nobody yet" : distances.map(({ node }) => node).join(", ");
  return { name: "clock", isFine: trouble === undefined, detail: trouble ?? `within --max-clock-skew of ${others}` };
}
