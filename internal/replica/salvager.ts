// Fast writes that this replica's log lost are kept in it until each has its fate: the leader, whoever it is, puts them into
// the log again as merges, and when a merge is applied here the write is kept no longer. Asking is repeated, since
// messages and leaders come and go; merging twice does nothing more.
//
//   holder --- salvage: writes ---> leader -- merge --> log ... applied everywhere: dropped by the holder
//          <-- salvage_settled ---         (fates that are known already: the holder may have got them by a snapshot, or
//                                           belong to the group no more)

import { logIndex, nobody, term } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import { neverExpires } from "../base/stamp.ts";
import { corruption } from "../base/errors.ts";
import type { Version } from "../engine/cell.ts";
import type { GroupLog } from "../log/group-log.ts";
import { entryHeaderBytes } from "../log/record.ts";
import { decodeCommand, action, expiryMode } from "./command.ts";
import type { ForeignWrite } from "./merge.ts";
import type { SalvageMessage, SalvageSettled } from "./messages.ts";

export interface SalvagerParts {
  readonly id: ReplicaId;
  readonly log: GroupLog;
  readonly bytesPerMessage: number;
  send(message: SalvageMessage | SalvageSettled): void;
  appliedIndex(): LogIndex;
  /** Where a write's fate was decided, as far as this replica has applied. */
  fateOf(version: Version): Promise<Version | undefined>;
  /** As the leader: whether `from` can have kept such a write. */
  mayMerge(write: ForeignWrite, from: ReplicaId): boolean;
  /** Whether the entry can be the one that decided something; what is applied here is known for sure. */
  isPossible(mergedAt: Version): boolean;
  /** This replica leads: puts a merge into the log. False: it cannot now. */
  propose(write: ForeignWrite): boolean;
  /** Whether the group has noted that a replica keeps nothing; and to have it noted. */
  isReleased(id: ReplicaId): boolean;
  proposeRelease(id: ReplicaId): boolean;
  /** Whether anything is pending may have changed: to be looked at when the turn ends. */
  changed(): void;
}

export class Salvager {
  private readonly parts: SalvagerParts;
  /** Merges that this leader has proposed in its term, by version. */
  private proposed = new Set<string>();

  constructor(parts: SalvagerParts) {
    this.parts = parts;
  }

  get isPending(): boolean {
    return this.parts.log.salvageBytes > 0;
  }

  /** Now and then, with whoever leads. */
  async remind(leader: ReplicaId): Promise<void> {
    if (leader === nobody || !this.isPending) return;
    const { id, log, bytesPerMessage } = this.parts;
    const writes = keptWrites(log, bytesPerMessage);
    const message: SalvageMessage = { type: "salvage", from: id, to: leader, writes, isLeaving: false };
    if (leader === id) await this.asked(message);
    else this.parts.send(message);
  }

  /** As the leader: says of each write what is known, and proposes the others, each once a term. */
  async asked({ from, writes, isLeaving }: SalvageMessage): Promise<void> {
    const fates: { readonly version: Version; readonly mergedAt: Version }[] = [];
    for (const write of writes) {
      const { version } = write;
      const mergedAt = await this.parts.fateOf(version);
      if (mergedAt !== undefined) {
        fates.push({ version, mergedAt });
        continue;
      }
      const name = `${version.term}.${version.index}`;
      if (this.proposed.has(name) || !this.parts.mayMerge(write, from)) continue;
      if (!this.parts.propose(write)) break;
      this.proposed.add(name);
    }
    const isReleased = isLeaving && writes.length === 0 && this.release(from);
    if (fates.length === 0 && !isReleased) return;
    const settled: SalvageSettled = { type: "salvage_settled", from: this.parts.id, to: from, fates, isReleased };
    if (from === this.parts.id) this.settled(settled);
    else this.parts.send(settled);
  }

  /** The leader knows these fates. What was merged ahead of what is applied here is waited for. */
  settled({ fates }: SalvageSettled): void {
    const applied = this.parts.appliedIndex();
    for (const { version, mergedAt } of fates) {
      if (mergedAt.index <= applied && this.parts.isPossible(mergedAt)) this.drop(version);
    }
  }

  /** A merge was applied here. */
  merged({ version }: ForeignWrite): void {
    this.proposed.delete(`${version.term}.${version.index}`);
    this.drop(version);
  }

  /** Another term: what was proposed in the last one may be lost. */
  newTerm(): void {
    this.proposed = new Set();
  }

  private release(id: ReplicaId): boolean {
    if (this.parts.isReleased(id)) return true;
    const name = `release ${id}`;
    if (!this.proposed.has(name) && this.parts.proposeRelease(id)) this.proposed.add(name);
    return false;
  }

  private drop(version: Version): void {
    if (dropKept(this.parts.log, version)) this.parts.changed();
  }
}

/** Drops what is kept of a write; false: nothing was. */
export function dropKept(log: GroupLog, { term: of, index }: Version): boolean {
  if (!log.isKept(of, index)) return false;
  log.dropSalvage(of, index);
  return true;
}

/** The oldest writes that are kept, up to about so many bytes. */
export function keptWrites(log: GroupLog, bytesMax: number): ForeignWrite[] {
  const writes: ForeignWrite[] = [];
  let bytes = 0;
  for (const kept of log.salvage) {
    if (bytes >= bytesMax) break;
    bytes += kept.bytes.length;
    writes.push(writeOf(kept));
  }
  return writes;
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
