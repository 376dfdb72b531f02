// What became of a command: the same on every replica, and kept under its request id, so that a retry is told what the
// first try was told.
//
//   answer := kind u8 | term u64 | index u64 | rest
//   rest   := count varint | value*          done;      value := 0 u8 | (1 u8 | block)
//           | operation varint | [ version ] refused;   version := 0 u8 | (1 u8 | term u64 | index u64)

import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";

export type RefusalReason =
  /** A condition did not hold. */
  | "condition"
  /** Not a counter, or beyond 64 bits; or the value would grow beyond its bound. */
  | "conflict"
  /** The slot of a key moves away, or is not here. */
  | "sealed"
  /** Of a load: a slot is open, or was so since it was asked for. */
  | "not_sealed"
  /** A request so old that its first answer may be forgotten: nobody knows what became of it. */
  | "request_too_old"
  /** A request stamped by a clock far ahead: nobody could say for how long its answer has to be remembered. */
  | "request_too_new"
  /** Its answer is large, and too much of such answers is remembered already: it may be asked for again later. */
  | "answers_full"
  /** It would write, or answer, more than an entry may hold. */
  | "too_large";

export type CommandAnswer =
  | {
      readonly kind: "done";
      /** Of the entry that took effect; of a retry: the first try's. */
      readonly version: Version;
      /** One for each operation: its new counter, its new length, or what was there before, when either was asked for. */
      readonly values: readonly (Uint8Array | undefined)[];
    }
  | {
      readonly kind: "refused";
      readonly version: Version;
      readonly why: RefusalReason;
      /** Which operation it was, from 0. */
      readonly operation: number;
      /** The present version of its key, when there is one. */
      readonly present: Version | undefined;
    };

const reasons: readonly RefusalReason[] = [
  "condition",
  "conflict",
  "sealed",
  "request_too_old",
  "too_large",
  "request_too_new",
  "not_sealed",
  "answers_full",
];

export function encodeAnswer(answer: CommandAnswer): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(answer.kind === "done" ? 0 : 1 + reasons.indexOf(answer.why));
  writeVersion(writer, answer.version);
  if (answer.kind === "done") {
    writer.varint(answer.values.length);
    for (const value of answer.values) {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) writer.block(value);
    }
  } else {
    writer.varint(answer.operation).u8(answer.present === undefined ? 0 : 1);
    if (answer.present !== undefined) writeVersion(writer, answer.present);
  }
  return writer.finish();
}

/** At least what encodeAnswer makes of it. */
export function answerBytesMax(answer: CommandAnswer): number {
  let bytes = 64;
  if (answer.kind === "done") for (const value of answer.values) bytes += 6 + (value?.length ?? 0);
  return bytes;
}

/** Throws `corruption` for bytes that are no answer. */
export function decodeAnswer(bytes: Uint8Array): CommandAnswer {
  const reader = new ByteReader(bytes, "a remembered answer");
  const kind = reader.u8();
  const version = readVersion(reader);
  if (kind === 0) {
    const values: (Uint8Array | undefined)[] = [];
    for (let count = reader.varint(); count > 0; count--) values.push(reader.u8() === 0 ? undefined : reader.block());
    reader.expectEnd();
    return { kind: "done", version, values };
  }
  const why = reasons[kind - 1];
  if (why === undefined) throw corruption(`a remembered answer of kind ${kind}`);
  const operation = reader.varint();
  const present = reader.u8() === 0 ? undefined : readVersion(reader);
  reader.expectEnd();
  return { kind: "refused", version, why, operation, present };
}

export function writeVersion(writer: ByteWriter, version: Version): void {
  writer.u64(version.term).u64(version.index);
}

export function readVersion(reader: ByteReader): Version {
  return { term: term(reader.u64()), index: logIndex(reader.u64()) };
}

/** Negative when `left` is the older write, 0 when they are the same. */
export function compareVersions(left: Version, right: Version): number {
  return left.term - right.term || left.index - right.index;
}
