// When a group is at rest.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLevel } from "./level.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";

interface Seen {
  readonly applied?: number;
  readonly hasSalvage?: boolean;
  readonly isHeldDown?: boolean;
  readonly isGone?: boolean;
}

/** The first leads, and has applied all. Without `applied` no replica runs. */
function group(...others: readonly Seen[]): Pick<SimCluster, "leader" | "nodes"> {
  const nodes = [{ applied: 7 }, ...others].map(
    ({ applied, hasSalvage = false, isHeldDown = false, isGone = false }: Seen) => {
      const replica = applied === undefined ? undefined : { appliedIndex: applied, hasSalvage, status: { last: 7 } };
      return { replica, isHeldDown, isGone } as unknown as SimNode;
    },
  );
  return { leader: nodes[0], nodes: new Map(nodes.entries()) } as unknown as Pick<SimCluster, "leader" | "nodes">;
}

describe("a group of the simulator", () => {
  it("is level when all have applied what the leader has, and keep nothing that was salvaged", () => {
    assert.ok(isLevel(group({ applied: 7 }, { applied: 7 })));
    assert.ok(!isLevel(group({ applied: 7 }, { applied: 6 })));
    assert.ok(!isLevel(group({ applied: 7 }, { applied: 7, hasSalvage: true })));
  });

  it("is not level without a leader", () => {
    const { nodes } = group({ isGone: true });
    assert.ok(!isLevel({ leader: undefined, nodes: new Map([...nodes].slice(1)) }));
  });

  it("waits for who is starting, and not for who is held down", () => {
    assert.ok(!isLevel(group({ applied: 7 }, {})));
    assert.ok(isLevel(group({ applied: 7 }, { isHeldDown: true })));
  });

  it("does not wait for who lost its disk, whose seat goes on once its successor is back (seed 630497)", () => {
    assert.ok(isLevel(group({ applied: 7 }, { applied: 7 }, { isGone: true }, { isHeldDown: true })));
  });
});
