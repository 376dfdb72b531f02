// Reads of a replica's own records that promise more than a fast one: to be no older than was told (rule 15), and to show what
// clients of the same node were answered (rule 16). A contact is the node that a client talks to, for as long as its process
// lives: writes go to the leader, wherever that is, and the contact learns what was answered.

import type { Version } from "../../internal/engine/cell.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { SimNode } from "./sim-node.ts";
import type { NodeClock } from "./virtual-time.ts";

export interface FreshRead {
  readonly record: EngineRecord | undefined;
  /** Nothing that the group had at this virtual moment is missing; undefined: nothing is said of that. */
  readonly freshAt: number | undefined;
}

/** Undefined: it cannot prove to be at most `most` milliseconds behind, and asks, so that it may soon. */
export async function readBounded(
  replica: Replica,
  key: Uint8Array,
  { most, now }: { readonly most: number; readonly now: number },
): Promise<FreshRead | undefined> {
  const staleness = replica.stalenessMilliseconds;
  if (staleness === undefined || staleness > most / 2) replica.refreshStaleness();
  if (staleness === undefined || staleness > most) return undefined;
  return { record: await replica.readFast(key), freshAt: now - staleness };
}

/** Undefined: it is behind, and the leader would have to be asked. */
export async function readOwn(replica: Replica, key: Uint8Array): Promise<FreshRead | undefined> {
  const record = await replica.readOwn(key);
  return record === "behind" ? undefined : { record, freshAt: undefined };
}

export class Contact {
  readonly node: SimNode;
  /** Its process. */
  readonly name: string;
  private readonly clock: NodeClock;

  constructor(node: SimNode) {
    this.node = node;
    this.clock = node.clock;
    this.name = `${node.id}/${node.life}`;
  }

  get isThere(): boolean {
    const { node, clock } = this;
    return node.replica !== undefined && node.clock === clock && !clock.isPaused;
  }

  /** A client is answered by way of it. */
  noteAnswered(version: Version): void {
    this.node.replica?.noteAnswered(version);
  }
}
