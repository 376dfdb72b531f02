// The shape and the settings of a simulated cluster, which each seed chooses.

import type { NodeId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import { tinyLimits } from "../limits.ts";
import type { SimNodeOptions } from "../sim-node.ts";

export interface ClusterLimits extends SimNodeOptions {
  readonly names: readonly string[];
  /** Who joins them, by way of any of them: it gets no replicas when these have their places, and takes requests as they do. */
  readonly joiner?: string | undefined;
  /** Of users. */
  readonly groups: number;
  zoneOf(node: NodeId): string;
}

export function clusterLimits(random: Prng): ClusterLimits {
  const tiny = tinyLimits(random.split("tiny"));
  const nodes = random.pick([3, 3, 4, 5]);
  const names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  const hasZones = random.chance(1, 3);
  return {
    ...tiny,
    log: { ...tiny.log, logBytesMax: Math.max(400_000, tiny.log.logBytesMax ?? 0) },
    names,
    groups: random.between(2, 4),
    zoneOf: (node) => (hasZones ? `zone ${Number(node.slice(1)) % 3}` : ""),
  };
}
