// Whether a message between replicas can be one of ours at all, as internal/raft/message-check.ts asks it of Raft's own. Every field is
// looked at, whatever the types say. What is merely old, late or double is expected, and dealt with where it goes; so is what
// comes from a replica that this one does not know: it may be too far behind to know it. It has no say here until then.

import { groupKeyBytesMax } from "../base/limits.ts";
import type { ReplicaId } from "../base/ids.ts";
import { recordBytesMax } from "../log/record.ts";
import { addressFault, flagFault, numberFault, stampFault, textOf } from "../raft/message-check.ts";
import type { Message as RaftMessage } from "../raft/messages.ts";
import { foreignFault } from "./command-check.ts";
import type { ForeignWrite } from "./merge.ts";
import type { ChunkMessage, ChunkRequest, ReplicaMessage, SalvageMessage, SalvageSettled } from "./messages.ts";

export type OwnMessage = Exclude<ReplicaMessage, RaftMessage>;

/** Of a message's parts, at most. */
const listMax = 65_536;

const ownTypes: ReadonlySet<string> = new Set<OwnMessage["type"]>([
  "salvage",
  "salvage_settled",
  "tick_wanted",
  "keep_log",
  "log_full",
  "chunk_request",
  "chunk",
  "chunk_refused",
]);

/** Whether it is for the replica itself. All others are for its Raft core, which looks at them. */
export const isOwn = (message: ReplicaMessage): message is OwnMessage =>
  typeof message === "object" && message !== null && ownTypes.has(message.type);

/**
 * Whether only members are listened to. Chunks come from whoever offered them, to a newcomer that knows nobody; and who salvages may
 * have been one of us long ago: what it is told, and what it may bring, the salvager decides.
 */
export const isForMembers = ({ type }: OwnMessage): boolean =>
  type !== "salvage" && type !== "chunk" && type !== "chunk_refused";

/** Why `message` cannot be meant for `self`, or undefined. */
export function ownMessageFault(message: OwnMessage, self: ReplicaId): string | undefined {
  const fault = addressFault(message, self);
  if (fault !== undefined) return fault;
  switch (message.type) {
    case "salvage":
      return salvageFault(message);
    case "salvage_settled":
      return settledFault(message);
    case "tick_wanted":
      return stampFault(message.until);
    case "keep_log":
      return numberFault(message.index);
    case "log_full":
      return undefined;
    case "chunk_request":
      return placeFault(message) ?? bytesFault(message.after, groupKeyBytesMax);
    case "chunk":
      return chunkFault(message);
    case "chunk_refused":
      return placeFault(message);
    default:
      return "of no known type";
  }
}

/** What a replica that has left can be told. */
export function settledFault({ fates, isReleased }: SalvageSettled): string | undefined {
  if (!isShortList(fates)) return "fates that are no list";
  for (const fate of fates) {
    const fault = isObject(fate) ? (versionFault(fate.version) ?? versionFault(fate.mergedAt)) : "a fate that is none";
    if (fault !== undefined) return fault;
    if (fate.mergedAt.term < fate.version.term) return "a fate decided before its write";
  }
  return flagFault(isReleased);
}

function salvageFault({ writes, isLeaving }: SalvageMessage): string | undefined {
  if (!isShortList(writes)) return "writes that are no list";
  for (const write of writes) {
    const fault = shapeFault(write) ?? foreignFault(write)?.detail;
    if (fault !== undefined) return fault;
  }
  return flagFault(isLeaving);
}

function shapeFault(write: ForeignWrite): string | undefined {
  if (!isObject(write)) return "a write that is none";
  const { version, request, isDelete, key, payload, expiry } = write;
  if (request !== undefined && (!isObject(request) || !isBytes(request.id))) return "a request that is none";
  if (!isBytes(key) || !isBytes(payload)) return "a write without bytes";
  return versionFault(version) ?? flagFault(isDelete) ?? numberFault(expiry, Number.MAX_SAFE_INTEGER);
}

function chunkFault(message: ChunkMessage): string | undefined {
  return (
    placeFault(message) ??
    bytesFault(message.after, groupKeyBytesMax) ??
    bytesFault(message.bytes, recordBytesMax) ??
    flagFault(message.isLast)
  );
}

/** Of a snapshot: there is none of nothing. */
function placeFault({ index, term }: Pick<ChunkRequest, "index" | "term">): string | undefined {
  return versionFault({ index, term });
}

function versionFault(version: ForeignWrite["version"]): string | undefined {
  if (!isObject(version)) return "a version that is none";
  const { term, index } = version;
  return numberFault(term) ?? numberFault(index) ?? (term < 1 || index < 1 ? `entry ${term}.${index}` : undefined);
}

const bytesFault = (value: Uint8Array, most: number): string | undefined =>
  isBytes(value) && value.length <= most ? undefined : `bytes ${textOf(value)}`;

const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

const isShortList = (value: unknown): boolean => Array.isArray(value) && value.length <= listMax;

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
