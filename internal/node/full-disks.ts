// Whose disk is full. A node says so of its own, to all, again and again while it lasts: it goes on serving reads, and whoever else can
// leads its groups meanwhile. A leader that cannot write would refuse the writes of its group, for which a majority may have room.

import type { TrefoilError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import type { Clock } from "../platform/clock.ts";
import { encodeTalk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";

export interface FullDiskParts {
  readonly table: Pick<PeerTable, "tellAll">;
  readonly clock: Clock;
  /** Why this node refuses writes; a gateway has nothing that could be full. */
  readonly refusal: () => TrefoilError | undefined;
}

const sayMilliseconds = 1000;
/** One that was not heard is said again before this is over. */
const believedMilliseconds = 5000;
const word = encodeTalk({ kind: "full" });

export class FullDisks {
  private readonly parts: FullDiskParts;
  private sayAt = 0;
  private readonly believedUntil = new Map<NodeId, number>();

  constructor(parts: FullDiskParts) {
    this.parts = parts;
  }

  /** Why this node's is; undefined: it is not. */
  get own(): TrefoilError | undefined {
    const refusal = this.parts.refusal();
    return refusal?.code === "storage_full" ? refusal : undefined;
  }

  /** Again and again. Resolves when what there is to say was heard, or was not in time. */
  async say(): Promise<void> {
    const now = this.parts.clock.monotonicMilliseconds();
    if (this.own === undefined || now < this.sayAt) return;
    this.sayAt = now + sayMilliseconds;
    await this.parts.table.tellAll(word, { timeoutMilliseconds: sayMilliseconds, trace: "" });
  }

  hear(node: NodeId): void {
    this.believedUntil.set(node, this.parts.clock.monotonicMilliseconds() + believedMilliseconds);
  }

  /** Another node's. */
  has(node: NodeId): boolean {
    return this.parts.clock.monotonicMilliseconds() < (this.believedUntil.get(node) ?? 0);
  }
}
