// Which records an entry reads before it can be applied, and what was found under their keys.

import type { EngineRecord } from "../engine/reader.ts";
import { userRecordKey } from "./areas.ts";
import { commandKind, decodeCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { needsRecord } from "./decide.ts";
import { answerKey, fateKey } from "./group-state.ts";
import type { GroupState } from "./group-state.ts";
import { decodeLoad, decodeMerge } from "./merge.ts";
import type { ForeignWrite } from "./merge.ts";

/** Records by the names of their engine keys; undefined: there is none. Tombstones are shown. */
export type RecordsRead = Map<string, EngineRecord | undefined>;

export const withTombstones = { tombstones: true };

/** The keys of the records that an entry reads. */
export function keysRead(kind: number, payload: Uint8Array, state: GroupState): Uint8Array[] {
  if (kind === commandKind.merge) return keysOfMerge(decodeMerge(payload));
  if (kind === commandKind.load) return decodeLoad(payload).writes.map((write) => userRecordKey(write.key));
  return keysOfCommand(decodeCommand(payload), state);
}

/** The answer that is repeated, or what lies under its operations' keys. */
export function keysOfCommand({ request, operations }: Command, state: GroupState): Uint8Array[] {
  if (request !== undefined && state.answeredAt(request.id) !== undefined) return [answerKey(request.id)];
  return operations.filter(needsRecord).map((operation) => userRecordKey(operation.key));
}

/** What lies there now, and what was decided of the write before. */
export function keysOfMerge({ key, version }: ForeignWrite): [present: Uint8Array, fate: Uint8Array] {
  return [userRecordKey(key), fateKey(version.term, version.index)];
}
