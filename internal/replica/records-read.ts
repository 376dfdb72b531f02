// Which records an entry reads before it can be applied, and what of them is held until it is. A short command can name thousands of
// large records: of most it matters only which version is there. Values that matter are held up to a bound, by what all
// replicas have alike: records that have expired, which some may have collected, are not looked at.

import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { payloadBytesMax } from "../log/record.ts";
import { compareVersions } from "./answer.ts";
import { userRecordKey } from "./areas.ts";
import { commandKind, decodeCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { keyName, needsRecord, needsValue, notHeld } from "./decide.ts";
import { answerKey, fateKey } from "./group-state.ts";
import type { GroupState } from "./group-state.ts";
import { decodeLoad, decodeMerge } from "./merge.ts";
import type { ForeignWrite } from "./merge.ts";

/** Twice what a command may write, or answer: none that could take effect needs more. */
export const valuesHeldBytesMax = 2 * payloadBytesMax;

/** A record that an entry reads. */
export interface Wanted {
  /** The engine's. */
  readonly key: Uint8Array;
  /** All of it; or, while it lives, its value or only that it is there; or its value only if it is of this version. */
  readonly part: "all" | "value" | "presence" | Version;
}

export const withTombstones = { tombstones: true };

/** What was found. Tombstones are shown, but for commands. */
export class RecordsRead {
  private readonly at: Stamp;
  private readonly found = new Map<string, EngineRecord | undefined>();
  private valueBytes = 0;

  /** For an entry stamped so. */
  constructor(at: Stamp) {
    this.at = at;
  }

  /** By the engine's key; undefined: there is none. */
  get(key: Uint8Array): EngineRecord | undefined {
    return this.found.get(keyName(key));
  }

  add({ key, part }: Wanted, record: EngineRecord | undefined): void {
    const name = keyName(key);
    const known = this.found.get(name);
    // A load may bring several versions of a key; one of them may be the present one.
    if (known !== undefined && known.payload !== notHeld) return;
    this.found.set(name, record === undefined ? undefined : this.trim(part, record));
  }

  private trim(part: Wanted["part"], record: EngineRecord): EngineRecord | undefined {
    if (part === "all") return record;
    if (typeof part === "object") return compareVersions(part, record) === 0 ? record : withoutValue(record);
    if (record.tombstone || isExpired(record.expiry, this.at)) return undefined;
    if (part === "presence") return withoutValue(record);
    this.valueBytes += record.payload.length;
    return this.valueBytes > valuesHeldBytesMax ? withoutValue(record) : record;
  }
}

const withoutValue = (record: EngineRecord): EngineRecord => ({ ...record, payload: notHeld });

/** What an entry reads. */
export function wantedBy(kind: number, payload: Uint8Array, state: GroupState): readonly Wanted[] {
  if (kind === commandKind.merge) return wantedByMerge(decodeMerge(payload));
  if (kind === commandKind.load) return wantedByLoad(decodeLoad(payload).writes);
  return wantedByCommand(decodeCommand(payload), state);
}

/** The answer that is repeated, or what lies under its operations' keys, each once. */
export function wantedByCommand({ request, operations }: Command, state: GroupState): readonly Wanted[] {
  if (request !== undefined && state.answeredAt(request.id) !== undefined) {
    return [{ key: answerKey(request.id), part: "all" }];
  }
  const wanted = new Map<string, Wanted>();
  for (const operation of operations) {
    if (!needsRecord(operation)) continue;
    const name = keyName(operation.key);
    const part = needsValue(operation) || wanted.get(name)?.part === "value" ? "value" : "presence";
    wanted.set(name, { key: userRecordKey(operation.key), part });
  }
  return [...wanted.values()];
}

/** Two writes of one version are compared. */
export function wantedByLoad(writes: readonly ForeignWrite[]): readonly Wanted[] {
  return writes.map(({ key, version }) => ({ key: userRecordKey(key), part: version }));
}

/** What lies there now, and what was decided of the write before. */
export function wantedByMerge({ key, version }: ForeignWrite): readonly [present: Wanted, fate: Wanted] {
  return [
    { key: userRecordKey(key), part: version },
    { key: fateKey(version.term, version.index), part: "all" },
  ];
}
