// Where a message goes that is for the replica itself, not for its Raft core: whoever deals with such things is told, if it can be one
// of ours and comes from who may say it.

import { isForMembers, ownMessageFault } from "./message-check.ts";
import type { OwnMessage } from "./message-check.ts";
import type { ReplicaCore } from "./replica-core.ts";

export function receiveOwn(core: ReplicaCore, message: OwnMessage): void {
  const fault = ownMessageFault(message, core.parts.id);
  if (fault !== undefined) return core.refuse(message, `${message.type}: ${fault}`);
  if (isForMembers(message) && !core.isKnown(message.from)) return;
  const { type } = message;
  const now = core.parts.seams.clock.monotonicMilliseconds();
  if (type === "salvage") {
    if (core.known.role === "leader") core.follow(core.salvager.asked(message));
  } else if (type === "salvage_settled") {
    core.salvager.settled(message);
  } else if (type === "tick_wanted") {
    core.wantTick(message.until);
  } else if (type === "keep_log") {
    core.pins.keep(message.from, message.index, now);
  } else if (type === "log_full") {
    core.pins.fullElsewhere(now);
  } else {
    core.snapshots.receive(message);
  }
}
