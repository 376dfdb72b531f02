// What replicas say to their leader about salvage (rule 2) against what they keep. One that says for long that it keeps some, and
// keeps none, holds the watermark, every seal and all garbage of its group. One that acknowledges a log, keeps what it discarded
// for it and says that it keeps nothing lets the watermark pass what then comes too late.

import type { LogIndex, ReplicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { simGroup } from "./sim-node.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

/** What is discarded counts before it is kept; a disk that hangs holds that up. */
const longestMilliseconds = 15_000;

interface Claim {
  readonly life: number;
  readonly since: number;
}

/** Up to where a snapshot may have taken the place of a replica's log, and when that was looked at. */
interface Replaced {
  readonly life: number;
  readonly installed: number;
  readonly upTo: LogIndex;
}

export class SalvageClaims {
  private readonly claims = new Map<ReplicaId, Claim>();
  private readonly replaced = new Map<ReplicaId, Replaced>();

  /** A message of the node leaves. */
  sent(node: SimNode, message: ReplicaMessage, now: number): void {
    const { id, life, replica } = node;
    if (!("hasSalvage" in message) || replica === undefined) return;
    this.review(node, replica.numbers.installed);
    // To a leader of a former term it may be on its way for long.
    const isPresent = message.type === "append_accepted" && message.term === replica.status.term;
    if (isPresent && !message.hasSalvage && replica.hasSalvage) this.denied(node, message.index);
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

  /** The log begins behind a snapshot that it has just taken in, or earlier. */
  private review({ id, life, log }: SimNode, installed: number): void {
    const known = this.replaced.get(id);
    if (log === undefined || (known?.life === life && known.installed === installed)) return;
    this.replaced.set(id, { life, installed, upTo: log.group(simGroup).base.index });
  }

  /** What lies above its index was kept after the acknowledgement was made; and so may be what a snapshot has taken the place of. */
  private denied(node: SimNode, index: LogIndex): void {
    const upTo = this.replaced.get(node.id)?.upTo ?? 0;
    const { salvage } = node.log?.group(simGroup) ?? { salvage: [] };
    const kept = salvage.find((entry) => entry.index > upTo && entry.index <= index);
    if (kept === undefined) return;
    const what = `node ${node.id} acknowledged ${index}, said that it keeps nothing, and keeps ${kept.term}.${kept.index}`;
    node.report(new Violation("salvage is told as it is", what));
  }
}
