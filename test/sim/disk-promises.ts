// What a node has said that its disk must know, and whether the disk still knows it when the node comes back: the term that it
// spoke in, the vote that it gave, the entries that it acknowledged, to a leader or as one to a client. Nothing of that may be
// said before it is synced.

import { nobody } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { expectThat } from "./violation.ts";

const check = "promises survive a crash";

/** What a disk must show of its group's log. */
export type KeptLog = Pick<GroupLog, "hardState" | "base" | "lastIndex" | "termOf">;

export class DiskPromises {
  private fresh: "vote" | "entries" | undefined;
  private term = 0;
  private vote: ReplicaId = nobody;
  /** In the term `saidIn` the log agreed with its leader's up to this entry. */
  private held: { readonly saidIn: number; readonly entry: Version } | undefined;

  /** What it has promised since it was asked last. */
  takeFresh(): "vote" | "entries" | undefined {
    const { fresh } = this;
    this.fresh = undefined;
    return fresh;
  }

  /** A message of the node leaves. */
  note(message: ReplicaMessage, group: KeptLog): void {
    const { type } = message;
    if (!("term" in message) || type === "chunk" || type === "chunk_request" || type === "chunk_refused") return;
    // These speak of a term that nobody has yet.
    if (type === "pre_vote" || (type === "pre_vote_answer" && message.isGranted)) return;
    this.speak(message.term);
    if (type === "vote") this.promiseVote(message.term, message.from);
    if (type === "vote_answer" && message.isGranted) this.promiseVote(message.term, message.to);
    if (type !== "append_accepted") return;
    // Of what was discarded since it was made, it says nothing any more.
    const term = group.hardState.term === message.term ? group.termOf(message.index) : undefined;
    if (term !== undefined) this.hold(message.term, { term, index: message.index });
  }

  /** The node answered a fast write. */
  noteFast(version: Version): void {
    this.speak(version.term);
    this.hold(version.term, version);
  }

  /** The node is back, with this log. */
  check(group: KeptLog): void {
    const { hardState, base, lastIndex } = group;
    const { term, vote, held } = this;
    expectThat(
      hardState.term >= term,
      check,
      () => `a message of term ${term} left, and the disk has ${hardState.term}`,
    );
    const hasVote = hardState.term > term || vote === nobody || hardState.vote === vote;
    expectThat(hasVote, check, () => `replica ${vote} got the vote of term ${term}, the disk has ${hardState.vote}`);
    // In a newer term another leader may have had it discarded.
    if (held === undefined || hardState.term > held.saidIn || held.entry.index < base.index) return;
    const { index, term: entryTerm } = held.entry;
    const isThere = group.termOf(index) === entryTerm;
    expectThat(isThere, check, () => `entry ${entryTerm}.${index} was acknowledged, the disk ends at ${lastIndex}`);
  }

  private speak(term: number): void {
    if (term <= this.term) return;
    this.term = term;
    this.vote = nobody;
  }

  private promiseVote(term: number, to: ReplicaId): void {
    // One that waited for the disk while a newer term began binds nobody in that one.
    if (term < this.term) return;
    this.vote = to;
    this.fresh = "vote";
  }

  private hold(saidIn: number, entry: Version): void {
    const { held } = this;
    const isMore =
      held === undefined || saidIn > held.saidIn || (saidIn === held.saidIn && entry.index > held.entry.index);
    if (!isMore) return;
    this.held = { saidIn, entry };
    this.fresh ??= "entries";
  }
}
