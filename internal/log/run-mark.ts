// What the log says of the run in which it is written: under which start of the machine, and whether answers
// may run ahead of syncs. From that the next run tells whether something that was answered may be missing
// (rule 19):
//
//   last run was     and ended by          may have lost
//   synced           anything              no
//   buffered         an orderly stop       no
//   buffered         death of the process  no: the machine still has what was written
//   buffered         the machine's end     yes, until the owner of the log says what it did about it
//
// A run under --fsync=interval says so, synced, before it answers anything; a log that was only ever written
// under `always` says nothing.

import { utf8, utf8Text } from "../base/bytes.ts";
import { recordHeaderBytes } from "./record.ts";

export interface RunMark {
  /** Of the machine; empty when it cannot tell, which is never the same as before. */
  readonly bootId: string;
  /** Answers may run ahead of syncs. */
  readonly isBuffered: boolean;
  readonly mayHaveLost: boolean;
}

export interface RunBegin {
  readonly bootId: string;
  readonly isBuffered: boolean;
  /** The run before this one ended in order. */
  readonly cleanStop: boolean;
}

const bootIdBytesMax = 64;
const bufferedFlag = 1;
const mayHaveLostFlag = 2;

/** What to say of the run that begins; undefined: nothing. */
export function markOfRun(before: RunMark | undefined, begin: RunBegin): RunMark | undefined {
  if (before === undefined && !begin.isBuffered) return undefined;
  return {
    bootId: begin.isBuffered ? begin.bootId : "",
    isBuffered: begin.isBuffered,
    mayHaveLost: before !== undefined && (before.mayHaveLost || losesTail(before, begin)),
  };
}

function losesTail(before: RunMark, begin: RunBegin): boolean {
  const isSameBoot = before.bootId !== "" && before.bootId === begin.bootId;
  return before.isBuffered && !begin.cleanStop && !isSameBoot;
}

/** The record's body, the boot id, and its flags. */
export function encodeRunMark(mark: RunMark): { readonly body: Uint8Array; readonly flags: number } {
  const flags = (mark.isBuffered ? bufferedFlag : 0) | (mark.mayHaveLost ? mayHaveLostFlag : 0);
  return { body: utf8(mark.bootId).subarray(0, bootIdBytesMax), flags };
}

/** Of the record of `length` bytes at `at`; undefined when it cannot be one. */
export function decodeRunMark(bytes: Uint8Array, at: number, length: number, flags: number): RunMark | undefined {
  if (length > recordHeaderBytes + bootIdBytesMax) return undefined;
  return {
    bootId: utf8Text(bytes.subarray(at + recordHeaderBytes, at + length)),
    isBuffered: (flags & bufferedFlag) !== 0,
    mayHaveLost: (flags & mayHaveLostFlag) !== 0,
  };
}
