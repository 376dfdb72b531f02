// Voters that have left the group and may still keep fast writes that nobody else has (rule 12). Until each has said that it
// keeps none, or the salvage window is over, the watermark waits for them as for a voter that is away.
//
//   count varint | ( replica u32 | stamp u64 )*   left, and when
//   count varint | ( replica u32 )*               voters that said so already, and will never take part again
//   replica u32                                   the greatest id of a voter that ever left; 0: none has
//
// Whoever was forgotten, its writes having a fate or being lost, is still no voter again: what it voted and acknowledged may have been
// erased. So no id up to the greatest that ever left becomes a voter; new replicas get greater ones.

import { ByteReader, ByteWriter } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import { nobody, replicaId } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { isExpired, stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { isVoter } from "../raft/configuration.ts";
import type { Configuration } from "../raft/configuration.ts";
import { fateExpiry } from "./fates.ts";

export class Departures {
  private readonly left = new Map<ReplicaId, Stamp>();
  private readonly released = new Set<ReplicaId>();
  private greatest = nobody;

  /** Until when those that left may come with writes of their own, `window` after they did; zero: nobody is waited for. */
  awaitedUntil(window: number): Stamp {
    let until = 0;
    for (const at of this.left.values()) until = Math.max(until, at + window);
    return stamp(until);
  }

  /** A voter that left not long ago, and has not said that it keeps nothing. */
  hasLeft(id: ReplicaId): boolean {
    return this.left.has(id);
  }

  /** Whether one that is no voter may become one: none that was one before. */
  mayJoin(id: ReplicaId): boolean {
    return id > this.greatest;
  }

  /** A voter that has said that it keeps nothing must not take part again: nobody would wait for what it takes. */
  conflictOf(id: ReplicaId): TrefoilError | undefined {
    if (!this.released.has(id)) return undefined;
    const detail = `replica ${id} has said that it takes no part any more; it comes back under a new id`;
    return new TrefoilError("conflict", detail);
  }

  /** Whether nobody waits for this one's writes, or will when it leaves. */
  isReleased(id: ReplicaId, present: Configuration): boolean {
    return !this.left.has(id) && (!isVoter(present, id) || this.released.has(id));
  }

  /** Another configuration counts from the entry stamped `at` on. True when there is something new to remember. */
  changed(before: Configuration, after: Configuration, at: Stamp): boolean {
    let isNew = false;
    for (const id of [...before.voters, ...before.outgoing]) {
      if (isVoter(after, id)) continue;
      if (!this.released.delete(id)) this.left.set(id, at);
      if (id > this.greatest) this.greatest = id;
      isNew = true;
    }
    // Whoever comes so late is told that its writes are lost.
    for (const [id, since] of this.left) if (isExpired(fateExpiry(since), at)) this.left.delete(id);
    return isNew;
  }

  /** A replica has said that it keeps nothing. True when that is news. */
  release(id: ReplicaId, present: Configuration): boolean {
    if (this.left.delete(id)) return true;
    if (!isVoter(present, id) || this.released.has(id)) return false;
    this.released.add(id);
    return true;
  }

  encode(): Uint8Array {
    const writer = new ByteWriter(64);
    writer.varint(this.left.size);
    for (const [id, at] of this.left) writer.u32(id).u64(at);
    writer.varint(this.released.size);
    for (const id of this.released) writer.u32(id);
    writer.u32(this.greatest);
    return writer.finish();
  }

  take(reader: ByteReader): void {
    for (let count = reader.varint(); count > 0; count--) this.left.set(replicaId(reader.u32()), stamp(reader.u64()));
    for (let count = reader.varint(); count > 0; count--) this.released.add(replicaId(reader.u32()));
    this.greatest = replicaId(reader.u32());
    reader.expectEnd();
  }
}

/** The entry that says so of a replica: its id, u32. */
export function encodeRelease(id: ReplicaId): Uint8Array {
  return new ByteWriter(4).u32(id).finish();
}

export function decodeRelease(bytes: Uint8Array, start = 0, end = bytes.length): ReplicaId {
  const reader = new ByteReader(bytes, "a release", start, end);
  const id = replicaId(reader.u32());
  reader.expectEnd();
  return id;
}
