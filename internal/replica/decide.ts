// What a command does, given the records that it reads: the same everywhere and always, for it looks at nothing else but the
// entry's own version and stamp. A record that has expired by that stamp is not there.

import { assert, unreachable } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import { isExpired, neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { payloadBytesMax } from "../log/record.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { compareVersions } from "./answer.ts";
import type { CommandAnswer, RefusalReason } from "./answer.ts";
import { recordPayloadBytesMax } from "./command-check.ts";
import { action, conditionKind, expiryMode } from "./command.ts";
import type { Command, Operation } from "./command.ts";

/** The entry that a command came in. */
export interface Origin extends Version {
  readonly stamp: Stamp;
}

export type PlannedWrite =
  | { readonly kind: "put"; readonly key: Uint8Array; readonly payload: Uint8Array; readonly expiry: Stamp }
  | { readonly kind: "delete"; readonly key: Uint8Array };

export interface Decision {
  readonly answer: CommandAnswer;
  /** In order; none when the command was refused. */
  readonly writes: readonly PlannedWrite[];
}

/** The record under a key before the command; tombstones count as absent. */
export type Lookup = (key: Uint8Array) => EngineRecord | undefined;

/** Whether deciding needs to know what is under the operation's key. */
export function needsRecord(operation: Operation): boolean {
  const { condition, expiry, wantsPrevious } = operation;
  if (condition !== conditionKind.none || expiry === expiryMode.keep || wantsPrevious) return true;
  return operation.action !== action.put && operation.action !== action.delete;
}

/** Whether it needs the value that is there, too: it writes it anew, or answers it. */
export function needsValue({ action: what, wantsPrevious }: Operation): boolean {
  return wantsPrevious || (what !== action.put && what !== action.delete);
}

/** The payload of a record of which only its presence is known. */
export const notHeld = new Uint8Array(0);

export function decide(command: Command, origin: Origin, lookup: Lookup): Decision {
  const writes: PlannedWrite[] = [];
  const values: (Uint8Array | undefined)[] = [];
  let bytesWritten = 0;
  let bytesAnswered = 0;
  // A later operation sees what an earlier one of the same command did.
  const state = new Records(lookup, origin);
  for (const [which, operation] of command.operations.entries()) {
    const record = needsRecord(operation) ? state.get(operation.key) : undefined;
    let outcome = act(operation, record);
    if (outcome.kind === "done") {
      if (outcome.write?.kind === "put") bytesWritten += outcome.write.payload.length;
      bytesAnswered += outcome.value?.length ?? 0;
      // Short commands can make much of large records: each replica would have to hold it at once.
      if (Math.max(bytesWritten, bytesAnswered) > payloadBytesMax) outcome = { kind: "refused", why: "too_large" };
    }
    if (outcome.kind === "refused") {
      const { why } = outcome;
      const version = { term: origin.term, index: origin.index };
      const present = record === undefined ? undefined : { term: record.term, index: record.index };
      return { answer: { kind: "refused", version, why, operation: which, present }, writes: [] };
    }
    if (outcome.write !== undefined) {
      writes.push(outcome.write);
      state.set(outcome.write);
    }
    values.push(outcome.value);
  }
  return { answer: { kind: "done", version: { term: origin.term, index: origin.index }, values }, writes };
}

interface Present extends Version {
  readonly payload: Uint8Array;
  readonly expiry: Stamp;
}

class Records {
  private readonly lookup: Lookup;
  private readonly origin: Origin;
  private readonly changed = new Map<string, Present | undefined>();

  constructor(lookup: Lookup, origin: Origin) {
    this.lookup = lookup;
    this.origin = origin;
  }

  get(key: Uint8Array): Present | undefined {
    const name = keyName(key);
    if (this.changed.has(name)) return this.changed.get(name);
    const record = this.lookup(key);
    if (record === undefined || record.tombstone || isExpired(record.expiry, this.origin.stamp)) return undefined;
    return record;
  }

  set(write: PlannedWrite): void {
    const { term, index } = this.origin;
    const now = write.kind === "delete" ? undefined : { term, index, payload: write.payload, expiry: write.expiry };
    this.changed.set(keyName(write.key), now);
  }
}

type Outcome =
  | { readonly kind: "done"; readonly write: PlannedWrite | undefined; readonly value: Uint8Array | undefined }
  | { readonly kind: "refused"; readonly why: RefusalReason };

function act(operation: Operation, record: Present | undefined): Outcome {
  if (!holds(operation, record)) return { kind: "refused", why: "condition" };
  // What it names is more than a replica holds at once.
  if (record?.payload === notHeld && needsValue(operation)) return { kind: "refused", why: "too_large" };
  const previous = operation.wantsPrevious ? record?.payload : undefined;
  const { key } = operation;
  switch (operation.action) {
    case action.put:
      return done({ kind: "put", key, payload: operation.body, expiry: expiryOf(operation, record) }, previous);
    case action.delete:
      return done({ kind: "delete", key }, previous);
    case action.increment:
      return increment(operation, record);
    case action.append:
      return append(operation, record);
    case action.touch:
      if (record === undefined) return { kind: "refused", why: "condition" };
      return done({ kind: "put", key, payload: record.payload, expiry: expiryOf(operation, record) }, previous);
    default:
      return unreachable(operation.action, "an action");
  }
}

const done = (write: PlannedWrite, value: Uint8Array | undefined): Outcome => ({ kind: "done", write, value });

function holds(operation: Operation, record: Present | undefined): boolean {
  switch (operation.condition) {
    case conditionKind.none:
      return true;
    case conditionKind.absent:
      return record === undefined;
    case conditionKind.present:
      return record !== undefined;
    case conditionKind.version:
      assert(operation.version !== undefined, "a condition on a version without one");
      return record !== undefined && compareVersions(record, operation.version) === 0;
    default:
      return unreachable(operation.condition, "a condition");
  }
}

function expiryOf(operation: Operation, record: Present | undefined): Stamp {
  switch (operation.expiry) {
    case expiryMode.never:
      return neverExpires;
    case expiryMode.at:
      return operation.expiresAt ?? neverExpires;
    case expiryMode.keep:
      return record?.expiry ?? neverExpires;
    default:
      return unreachable(operation.expiry, "a mode of expiry");
  }
}

/** A counter is its decimal text under no content type, as other clients would write and read it. */
function increment(operation: Operation, record: Present | undefined): Outcome {
  const by = counterOf(operation.body, 0);
  const before = record === undefined ? 0n : counterOf(record.payload, payloadValueAt(record.payload));
  if (by === undefined || before === undefined) return { kind: "refused", why: "conflict" };
  const after = before + by;
  if (after !== BigInt.asIntN(64, after)) return { kind: "refused", why: "conflict" };
  const text = asciiBytes(after.toString());
  const contentType = record?.payload.subarray(0, payloadValueAt(record.payload)) ?? plainContentType;
  const payload = concatBytes([contentType, text]);
  const write: PlannedWrite = { kind: "put", key: operation.key, payload, expiry: expiryOf(operation, record) };
  return done(write, text);
}

function append(operation: Operation, record: Present | undefined): Outcome {
  const before = record?.payload ?? plainContentType;
  if (before.length + operation.body.length > recordPayloadBytesMax) return { kind: "refused", why: "conflict" };
  const payload = concatBytes([before, operation.body]);
  const write: PlannedWrite = { kind: "put", key: operation.key, payload, expiry: expiryOf(operation, record) };
  return done(write, asciiBytes(String(payload.length - payloadValueAt(payload))));
}

/** Where the value begins, behind the content type. */
const payloadValueAt = (payload: Uint8Array): number => 1 + (payload[0] ?? 0);

const plainContentType = Uint8Array.of(0);
const counterDigitsMax = 20;

function counterOf(bytes: Uint8Array, start: number): bigint | undefined {
  const length = bytes.length - start;
  if (length < 1 || length > counterDigitsMax) return undefined;
  let text = "";
  for (let at = start; at < bytes.length; at++) text += String.fromCharCode(bytes[at] as number);
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** As many bytes as a call takes as arguments for sure. */
const nameAtOnceMax = 4096;

/**
 * A key as a property name: each byte one letter. It is made in one piece: of letters put together one by one a string remembers each
 * step, which takes 32 bytes a letter for as long as it is kept, and time when it is first compared.
 */
export function keyName(key: Uint8Array): string {
  if (key.length <= nameAtOnceMax) return String.fromCharCode.apply(undefined, key as unknown as number[]);
  let name = "";
  for (const byte of key) name += String.fromCharCode(byte);
  return name;
}
