// A client's question to a node's replica: answered when its process gets to it, or "late".

import type { Replica } from "../../internal/replica/replica.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";

const deadline = 2000;

/** "late": nothing in time, though it may have done it, or may do it yet. */
export function ask<T>(
  cluster: Pick<SimCluster, "time" | "explains">,
  node: Pick<SimNode, "clock" | "replica">,
  action: (replica: Replica) => Promise<T>,
): Promise<T | "late"> {
  const { clock } = node;
  return new Promise((resolve, reject) => {
    const timer = cluster.time.after(deadline, () => resolve("late"));
    // A process that has ended since answers nothing, and tells of no failure: the call itself may have met the power cut.
    const unlessDead = (tell: () => void): void => {
      if (clock.isDead) return;
      timer.cancel();
      tell();
    };
    clock.live(() => {
      const answer = node.replica === undefined ? undefined : action(node.replica);
      answer?.then(
        (value) => unlessDead(() => resolve(value)),
        (reason: unknown) =>
          unlessDead(() => {
            if (cluster.explains(reason)) resolve("late");
            else reject(reason instanceof Error ? reason : new Error(String(reason)));
          }),
      );
    });
  });
}
