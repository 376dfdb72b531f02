// What the coordinator says, as messages: pure. Every answer tells what was really delivered.

import { sealCursor } from "../node/cursors.ts";
import type { GetAnswer, ListAnswer, ListedRecord, Served, WriteAnswer } from "../node/requests.ts";
import { answerTypes, consistency, durability, encodeMessage, role } from "./messages.ts";

export function getMessage({ record, served, stalenessMilliseconds }: GetAnswer, withoutValue: boolean): Uint8Array {
  return encodeMessage(answerTypes.get, {
    found: record !== undefined,
    value: withoutValue ? undefined : record?.value,
    contentType: record?.contentType,
    version: record?.version,
    expiresAtMs: record?.expiresAt,
    // Rounded up: it is a bound.
    stalenessMs: stalenessMilliseconds === undefined ? undefined : Math.ceil(stalenessMilliseconds),
    served: servedFields(served),
  });
}

export function writeMessage(given: WriteAnswer): Uint8Array {
  const { version, acks, replicas, expiresAt, served } = given;
  return encodeMessage(answerTypes.write, {
    version,
    receipt: { group: served.group, term: version.term, index: version.index },
    acks,
    replicas,
    durability: durability[given.durability],
    expiresAtMs: expiresAt,
    served: servedFields(served),
  });
}

/** What a record takes beside its bytes, at most. */
const recordOverheadBytes = 64;

/** A page as messages of about `bytesMax`, each with a record at least, or none when there is none. The last one has the cursor. */
export function* pageMessages(given: ListAnswer, node: string, bytesMax: number): Generator<Uint8Array> {
  const about = { consistency: consistency[given.consistency], node };
  let records: object[] = [];
  let bytes = 0;
  for (const record of given.records) {
    const size = sizeOf(record);
    if (records.length > 0 && bytes + size > bytesMax) {
      yield encodeMessage(answerTypes.page, { records, ...about });
      records = [];
      bytes = 0;
    }
    records.push(recordFields(record));
    bytes += size;
  }
  yield encodeMessage(answerTypes.page, { records, cursor: given.cursor && sealCursor(given.cursor), ...about });
}

/** Of the records, as they are held until they are taken. */
export function pageBytes({ records }: ListAnswer): number {
  return records.reduce((sum, record) => sum + sizeOf(record), 0);
}

function sizeOf({ key, value, contentType }: ListedRecord): number {
  return key.length + (value?.length ?? 0) + contentType.length + recordOverheadBytes;
}

function recordFields({ key, version, expiresAt, contentType, value }: ListedRecord): object {
  return { key, version, expiresAtMs: expiresAt, contentType, value };
}

function servedFields(served: Served): object {
  const { node, group } = served;
  return { consistency: consistency[served.consistency], node, group, role: role[served.role] };
}
