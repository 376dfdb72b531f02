// What a log says, record by record.

import { unreachable } from "../../../internal/base/assert.ts";
import { counted } from "../../../internal/base/counted.ts";
import { logIndex } from "../../../internal/base/ids.ts";
import { inspectLog } from "../../../internal/log/inspect.ts";
import type { DecodedRecord, LogItem } from "../../../internal/log/inspect.ts";
import type { DecodedEntry } from "../../../internal/log/record.ts";
import { recoverLog } from "../../../internal/log/recovery.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import { operationsKind, operationsOf } from "../../../internal/store/command.ts";
import type { Finding, InspectOptions, Json } from "../output.ts";
import { checkPath } from "./path.ts";
import { refusal } from "./refusal.ts";
import { base64, fileName, shownExpiry, shownKey, shownStamp, shownVersion, valueIn } from "./text.ts";

const operationsShown = 4;

/** The summary comes first, so the log is read twice. */
export async function* findingsOfLog(
  given: string,
  { limit }: InspectOptions,
): AsyncGenerator<Finding, void, undefined> {
  const disk = new RealDisk();
  const [path, kind] = await checkPath(disk, "log", given);
  yield await summaryOf(disk, path);
  if (kind === "log") yield* refusal(() => recoverLog(disk, path));
  let shown = 0;
  let passed = 0;
  for await (const item of inspectLog(disk, path)) {
    if (item.kind !== "damage" && shown >= limit) {
      passed++;
      continue;
    }
    if (item.kind !== "damage") shown++;
    yield findingOf(item);
  }
  if (passed === 0) return;
  const details = `${counted(passed, "line")} not shown (--limit ${limit})`;
  yield { place: "", what: "more", details, fields: { passed, limit } };
}

async function summaryOf(disk: Disk, path: string): Promise<Finding> {
  const counts = { segments: 0, bytes: 0, batches: 0, records: 0, entries: 0, damages: 0 };
  for await (const item of inspectLog(disk, path)) {
    if (item.kind === "segment") {
      counts.segments++;
      counts.bytes += item.bytes;
    } else if (item.kind === "batch") counts.batches++;
    else if (item.kind === "damage") counts.damages++;
    else if (item.kind === "record") {
      counts.records++;
      if (item.record.type === "entry") counts.entries++;
    }
  }
  const files = `${counted(counts.segments, "segment")} of ${counted(counts.bytes, "byte")}`;
  const records = `${counted(counts.records, "record")} (${counted(counts.entries, "entry", "entries")})`;
  const damaged = counts.damages === 0 ? "" : `, ${counted(counts.damages, "damaged place")}`;
  const details = `${files}, ${counted(counts.batches, "batch", "batches")}, ${records}${damaged}`;
  return { place: "", what: "summary", details, fields: counts };
}

function findingOf(item: LogItem): Finding {
  const file = fileName(item.path);
  switch (item.kind) {
    case "segment": {
      const { number, start, bytes } = item;
      const details = `${file}: segment ${number}, positions from ${start}, ${counted(bytes, "byte")}`;
      return { place: "", what: "segment", details, fields: { file, number, start, bytes } };
    }
    case "batch": {
      const { offset, position, synced, bytes, marks } = item;
      const marked = marks.length === 0 ? "" : `, ${marks.join(", ")}`;
      const details = `position ${position}, ${counted(bytes, "byte")}, synced before it up to ${synced}${marked}`;
      return {
        place: String(offset),
        what: "batch",
        details,
        fields: { file, offset, position, synced, bytes, marks },
      };
    }
    case "record": {
      const { offset, bytes, record } = item;
      const { details, fields } = describeRecord(record);
      return { place: String(offset), what: record.type, details, fields: { file, offset, bytes, ...fields } };
    }
    case "end": {
      const details = item.isBlank
        ? "zeros follow"
        : "what follows is no batch: torn, or of an earlier life of the file";
      const fields = { file, offset: item.offset, isBlank: item.isBlank };
      return { place: String(item.offset), what: "end", details, fields };
    }
    case "damage": {
      const { offset, detail } = item;
      return {
        place: String(offset),
        what: "damage",
        details: detail,
        fields: { file, offset, detail },
        isDamage: true,
      };
    }
    case "other":
      return { place: "", what: item.what, details: file, fields: { file } };
    default:
      return unreachable(item, "a kind of finding in a log");
  }
}

interface Described {
  readonly details: string;
  readonly fields: { readonly [name: string]: Json };
}

function describeRecord(record: DecodedRecord): Described {
  switch (record.type) {
    case "entry":
    case "salvage":
    case "carried":
      return describeEntry(record.entry);
    case "hardState": {
      const { group, term, vote, commit } = record;
      return {
        details: `group ${group}, term ${term}, vote ${vote}, commit ${commit}`,
        fields: { group, term, vote, commit },
      };
    }
    case "truncation":
      return {
        details: `group ${record.group}, from ${record.from} on`,
        fields: { group: record.group, from: record.from },
      };
    case "salvageDropped": {
      const { group, term, index } = record;
      return { details: `group ${group}, ${shownVersion(term, index)}`, fields: { group, term, index } };
    }
    case "mark": {
      const { group, index, term, isSnapshot, dropsRest } = record;
      const how = `${isSnapshot ? "a snapshot" : "compacted"}${dropsRest ? ", and nothing behind it" : ""}`;
      return {
        details: `group ${group}, up to ${shownVersion(term, index)}: ${how}`,
        fields: { group, index, term, isSnapshot, dropsRest },
      };
    }
    case "groupRemoved":
      return { details: `group ${record.group}`, fields: { group: record.group } };
    case "run": {
      const { bootId, isBuffered, mayHaveLost } = record;
      const how = isBuffered ? `answers ahead of syncs, boot ${bootId === "" ? "unknown" : bootId}` : "all synced";
      return { details: `${how}${mayHaveLost ? ", may have lost" : ""}`, fields: { bootId, isBuffered, mayHaveLost } };
    }
    case "checkpoint":
      return { details: `of ${counted(record.groups, "group")}`, fields: { groups: record.groups } };
    case "groupState": {
      const { group, term, vote, commit, baseIndex, baseTerm, lastIndex, lastTerm } = record.state;
      const range = `entries ${logIndex(baseIndex + 1)} to ${lastIndex}`;
      return {
        details: `group ${group}, term ${term}, vote ${vote}, commit ${commit}, ${range}`,
        fields: { group, term, vote, commit, baseIndex, baseTerm, lastIndex, lastTerm },
      };
    }
    default:
      return unreachable(record, "a kind of record in a log");
  }
}

function describeEntry(entry: DecodedEntry): Described {
  const { group, term, index, stamp, flags, kind, payload } = entry;
  const operations = kind === operationsKind ? describeOperations(payload) : undefined;
  const payloadShown = operations?.text ?? `kind ${kind}, ${counted(payload.length, "byte")}`;
  return {
    details: `group ${group}, ${shownVersion(term, index)}, ${shownStamp(stamp)}: ${payloadShown}`,
    fields: {
      group,
      term,
      index,
      stamp,
      flags,
      kind,
      ...(operations === undefined ? { payload64: base64(payload) } : { operations: operations.list }),
    },
  };
}

/** What the entry of a store does; undefined when it is not one. */
function describeOperations(payload: Uint8Array): { readonly text: string; readonly list: Json[] } | undefined {
  const operations = operationsOf({ bytes: payload, start: 0, end: payload.length });
  if (operations === undefined) return undefined;
  const texts: string[] = [];
  const list: Json[] = [];
  for (const { isDelete, keyBytes, keyStart, keyEnd, payloadBytes, payloadStart, payloadEnd, expiry } of operations) {
    const key = keyBytes.subarray(keyStart, keyEnd);
    const value = valueIn(payloadBytes.subarray(payloadStart, payloadEnd));
    const size = counted(value.length, "byte");
    texts.push(isDelete ? `delete ${shownKey(key)}` : `put ${shownKey(key)} (${size}${shownExpiry(expiry)})`);
    const named = { op: isDelete ? "delete" : "put", key64: base64(key) };
    list.push(isDelete ? named : { ...named, expiry, value64: base64(value) });
  }
  const rest = texts.length > operationsShown ? `; and ${texts.length - operationsShown} more` : "";
  return { text: `${texts.slice(0, operationsShown).join("; ")}${rest}`, list };
}
