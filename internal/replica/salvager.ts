// Fast writes that this replica's log lost are kept in it until each has its fate: the leader, whoever it is, puts them into
// the log again as merges, and when a merge is applied here the write is kept no longer. Asking is repeated, since
// messages and leaders come and go; merging twice does nothing more.

import { logIndex, nobody, term } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import type { GroupLog } from "../log/group-log.ts";
import { entryHeaderBytes } from "../log/record.ts";
import { decodeCommand, action, expiryMode } from "./command.ts";
import { neverExpires } from "../base/stamp.ts";
import { corruption } from "../base/errors.ts";
import type { ForeignWrite } from "./merge.ts";
import type { SalvageMessage } from "./messages.ts";

export interface SalvagerParts {
  readonly id: ReplicaId;
  readonly log: GroupLog;
  readonly bytesPerMessage: number;
  send(message: SalvageMessage): void;
  /** This replica leads: puts a merge into the log. False: it cannot now. */
  propose(write: ForeignWrite): boolean;
}

export class Salvager {
  private readonly parts: SalvagerParts;
  /** Merges that this leader has proposed in its term, by version. */
  private proposed = new Set<string>();

  constructor(parts: SalvagerParts) {
    this.parts = parts;
  }

  get isPending(): boolean {
    return this.parts.log.salvage.length > 0;
  }

  /** Now and then, with whoever leads. */
  remind(leader: ReplicaId): void {
    if (leader === nobody || !this.isPending) return;
    const writes: ForeignWrite[] = [];
    let bytes = 0;
    for (const kept of this.parts.log.salvage) {
      if (bytes >= this.parts.bytesPerMessage) break;
      bytes += kept.bytes.length;
      writes.push(writeOf(kept));
    }
    if (leader === this.parts.id) this.merge(writes);
    else this.parts.send({ type: "salvage", from: this.parts.id, to: leader, writes });
  }

  /** As the leader: each is proposed once a term. */
  merge(writes: readonly ForeignWrite[]): void {
    for (const write of writes) {
      const name = `${write.version.term}.${write.version.index}`;
      if (this.proposed.has(name)) continue;
      if (!this.parts.propose(write)) return;
      this.proposed.add(name);
    }
  }

  /** A merge was applied here. True: nothing is pending any more that was before. */
  merged(write: ForeignWrite): boolean {
    this.proposed.delete(`${write.version.term}.${write.version.index}`);
    const { log } = this.parts;
    const { term: of, index } = write.version;
    if (!log.salvage.some((kept) => kept.term === of && kept.index === index)) return false;
    log.dropSalvage(term(of), logIndex(index));
    return !this.isPending;
  }

  /** Another term: what was proposed in the last one may be lost. */
  newTerm(): void {
    this.proposed = new Set();
  }
}

/** A kept entry as the write that it was. Only blind single writes are fast. */
function writeOf(kept: { readonly term: number; readonly index: number; readonly bytes: Uint8Array }): ForeignWrite {
  const { request, operations } = decodeCommand(kept.bytes, entryHeaderBytes);
  const [operation] = operations;
  if (operation === undefined || operations.length > 1 || operation.action > action.delete) {
    throw corruption(`the salvaged entry ${kept.term}.${kept.index} is no blind write`);
  }
  const { key, body, expiry, expiresAt } = operation;
  return {
    version: { term: term(kept.term), index: logIndex(kept.index) },
    request,
    isDelete: operation.action === action.delete,
    key,
    payload: body,
    expiry: expiry === expiryMode.at ? (expiresAt ?? neverExpires) : neverExpires,
  };
}
