// The key of one lookup, assembled once and passed to every memtable and table: incarnation (big
// endian, so that groups sort apart) and user key, with the hash that memtables and filters share.

import { assert } from "../base/assert.ts";
import { writeU32BigEndian } from "../base/codec.ts";
import { hashBytesSigned } from "../base/hash.ts";
import type { Incarnation } from "../base/ids.ts";
import { engineKeyBytesMax, incarnationBytes } from "../base/limits.ts";
import { copyRange } from "./table/copy-range.ts";

export class LookupKey {
  /** Owned by this object and reused by the next `set`. */
  readonly bytes = new Uint8Array(engineKeyBytesMax);
  length = 0;
  /** 32 bits, signed. */
  hash = 0;

  set(group: Incarnation, userKey: Uint8Array): this {
    assert(userKey.length <= this.bytes.length - incarnationBytes, "key length", { bytes: userKey.length });
    writeU32BigEndian(this.bytes, 0, group);
    copyRange(this.bytes, incarnationBytes, userKey, 0, userKey.length);
    this.length = incarnationBytes + userKey.length;
    this.hash = hashBytesSigned(this.bytes, 0, this.length);
    return this;
  }

  /** A copy that survives the next `set`. */
  copy(): LookupKey {
    const other = new LookupKey();
    other.bytes.set(this.bytes.subarray(0, this.length));
    other.length = this.length;
    other.hash = this.hash;
    return other;
  }
}
