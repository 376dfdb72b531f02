// How far garbage may be collected, per incarnation, as of its last durable flush (never from memory:
// a replay after a crash would decide otherwise than the first apply did).

import type { Incarnation } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";

export interface GarbageHorizon {
  readonly incarnation: Incarnation;
  /** A tombstone or expired record may go only when its stamp is at most this. */
  readonly watermark: Stamp;
  /** An expired record may go only when its expiry is at most this, too. */
  readonly expiryHorizon: Stamp;
}
