// Who is unfit to lead, for it cannot write: its disk is full, or what it has stored is damaged. Such a node says so to all, again and
// again while it lasts. It goes on serving reads, and whoever else can leads its groups meanwhile: a leader that cannot write
// would refuse the writes of its groups, for which a majority may have room.

import type { TrefoilError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import type { Clock } from "../platform/clock.ts";
import { encodeTalk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";

export interface UnfitNodeParts {
  readonly table: Pick<PeerTable, "tellAll">;
  readonly clock: Clock;
  /** Why this node cannot write now; a gateway writes nothing. */
  readonly refusal: () => TrefoilError | undefined;
}

/** What lasts less passes by itself. */
const unfitMilliseconds = 1000;
/** A disk that has room for a moment has none: leaderships would go back and forth. */
const calmMilliseconds = 3000;
const sayMilliseconds = 1000;
/** One word that was not heard is said again before this is over. */
const believedMilliseconds = 5000;
/** Of what another node says. */
const believedTextMax = 500;

export class UnfitNodes {
  private readonly parts: UnfitNodeParts;
  private present: { readonly refusal: TrefoilError; readonly since: number; readonly seen: number } | undefined;
  private sayAt = 0;
  private readonly heard = new Map<NodeId, { readonly why: string; readonly until: number }>();

  constructor(parts: UnfitNodeParts) {
    this.parts = parts;
  }

  /** Again and again. Resolves when what there is to say was heard, or was not in time. */
  async look(): Promise<void> {
    const now = this.parts.clock.monotonicMilliseconds();
    const refusal = this.parts.refusal();
    if (refusal !== undefined) this.present = { refusal, since: this.present?.since ?? now, seen: now };
    else if (this.present !== undefined && now - this.present.seen >= calmMilliseconds) this.present = undefined;
    if (this.own === undefined || now < this.sayAt) return;
    this.sayAt = now + sayMilliseconds;
    const word = encodeTalk({ kind: "unfit", why: this.own });
    await this.parts.table.tellAll(word, { timeoutMilliseconds: sayMilliseconds, trace: "" });
  }

  /** Why this node is, in words; undefined: it is fit. */
  get own(): string | undefined {
    return this.ownRefusal?.message;
  }

  /** With its code. */
  get ownRefusal(): TrefoilError | undefined {
    const { present } = this;
    return present === undefined || present.seen - present.since < unfitMilliseconds ? undefined : present.refusal;
  }

  hear(node: NodeId, why: string): void {
    const until = this.parts.clock.monotonicMilliseconds() + believedMilliseconds;
    this.heard.set(node, { why: why.slice(0, believedTextMax), until });
  }

  /** Another process of the node, or the same one over another connection, which says it again: what was heard before is of the past. */
  noteArrived(node: NodeId): void {
    this.heard.delete(node);
  }

  /** Why another node is. */
  of(node: NodeId): string | undefined {
    const heard = this.heard.get(node);
    return heard === undefined || this.parts.clock.monotonicMilliseconds() >= heard.until ? undefined : heard.why;
  }
}
