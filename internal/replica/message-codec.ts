// How messages between replicas become bytes and back. The edge does it (internal/grpc), so that nothing here knows of its
// encoding; a simulated network may use the same one, or none.

import type { GroupId } from "../base/ids.ts";
import type { ReplicaMessage } from "./messages.ts";

export interface MessageCodec {
  encode(group: GroupId, message: ReplicaMessage): Uint8Array;
  /**
   * Throws `corruption` for bytes that are no message. Every field has its type and numbers are whole and below 2^53;
   * whether they can be meant so is the replica's to judge. Views of `bytes` are handed out.
   */
  decode(bytes: Uint8Array): Addressed;
}

export interface Addressed {
  readonly group: GroupId;
  readonly message: ReplicaMessage;
}
