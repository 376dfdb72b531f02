// What replicas say to their leader about salvage (rule 2) against what they keep. One that says for long that it keeps some, and
// keeps none, holds the watermark, every seal and all garbage of its group.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

/** What is discarded counts before it is kept; a disk that hangs holds that up. */
const longestMilliseconds = 15_000;

interface Claim {
  readonly life: number;
  readonly since: number;
}

export class SalvageClaims {
  private readonly claims = new Map<ReplicaId, Claim>();

  /** A message of the node leaves. */
  sent(node: SimNode, message: ReplicaMessage, now: number): void {
    const { id, life, replica } = node;
    if (!("hasSalvage" in message) || replica === undefined) return;
    if (!message.hasSalvage || replica.hasSalvage) {
      this.claims.delete(id);
      return;
    }
    const known = this.claims.get(id);
    if (known?.life !== life) {
      this.claims.set(id, { life, since: now });
      return;
    }
    if (now - known.since < longestMilliseconds) return;
    const what = `node ${id} has said since ${known.since} that it keeps some, and keeps none`;
    node.report(new Violation("salvage is told as it is", what));
  }
}
