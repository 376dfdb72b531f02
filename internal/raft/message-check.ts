// Whether a message can be one of ours at all. What comes from outside is bytes until this has been asked: a wrong number here
// would become a wrong log there. A message that is merely old, late or double is none of this file's business; the core
// expects those.

import { TrefoilError } from "../base/errors.ts";
import { nobody } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { stampMax } from "../base/stamp.ts";
import { decodeConfiguration, faultOf } from "./configuration.ts";
import type { Append, Message } from "./messages.ts";
import { entryKind } from "./types.ts";
import type { Entry } from "./types.ts";

/** Terms and indexes beyond this are not reached in any life: such a message is forged, or damaged. */
const numberMax = 2 ** 48;
const appendEntriesMax = 65_536;

/** Why `message` cannot be meant for `self`, or undefined. */
export function messageFault(message: Message, self: ReplicaId): string | undefined {
  if (message.to !== self) return `for replica ${message.to}`;
  if (message.from === self || message.from === nobody || !isNumber(message.from, 0xffff_ffff))
    return `from replica ${message.from}`;
  if (!isNumber(message.term) || message.term < 1) return `term ${message.term}`;
  switch (message.type) {
    case "pre_vote":
    case "vote":
      return (
        firstWrong(message.lastIndex, message.lastTerm) ??
        termAbove(message.lastTerm, message.term) ??
        placeFault(message.lastIndex, message.lastTerm)
      );
    case "append":
      return appendFault(message);
    case "append_accepted":
      return firstWrong(message.index);
    case "append_rejected":
      return firstWrong(message.rejected, message.hintIndex, message.hintTerm);
    case "heartbeat":
      return firstWrong(message.commit, message.round);
    case "heartbeat_answer":
      return firstWrong(message.round);
    case "snapshot":
      return (
        firstWrong(message.index, message.snapshotTerm) ??
        termAbove(message.snapshotTerm, message.term) ??
        placeFault(message.index, message.snapshotTerm) ??
        (message.index < 1 ? "a snapshot of nothing" : undefined) ??
        stampFault(message.stamp) ??
        faultOf(message.configuration)
      );
    case "read":
    case "read_refused":
      return isNumber(message.context, Number.MAX_SAFE_INTEGER) ? undefined : `context ${message.context}`;
    case "read_confirmed":
      return (
        firstWrong(message.commit, message.last) ??
        (message.commit > message.last ? `commit ${message.commit} of ${message.last} entries` : undefined) ??
        stampFault(message.time) ??
        (isNumber(message.context, Number.MAX_SAFE_INTEGER) ? undefined : `context ${message.context}`)
      );
    case "pre_vote_answer":
    case "vote_answer":
    case "transfer_now":
      return undefined;
    default:
      return "of no known type";
  }
}

function appendFault(message: Append): string | undefined {
  const { previousIndex, previousTerm, commit, entries } = message;
  const wrong =
    firstWrong(previousIndex, previousTerm, commit) ??
    termAbove(previousTerm, message.term) ??
    placeFault(previousIndex, previousTerm);
  if (wrong !== undefined) return wrong;
  if (entries.length > appendEntriesMax) return `${entries.length} entries`;
  let before = { index: previousIndex as number, term: previousTerm as number, stamp: 0 };
  for (const entry of entries) {
    const fault = entryFault(entry, before) ?? termAbove(entry.term, message.term);
    if (fault !== undefined) return fault;
    before = entry;
  }
  return undefined;
}

function entryFault(entry: Entry, before: { index: number; term: number; stamp: number }): string | undefined {
  if (entry.index !== before.index + 1 || !isNumber(entry.index)) return `entry ${entry.index} behind ${before.index}`;
  if (!isNumber(entry.term) || entry.term < 1 || entry.term < before.term) {
    return `entry ${entry.index} of term ${entry.term} behind ${before.term}`;
  }
  const fault = stampFault(entry.stamp);
  if (fault !== undefined) return fault;
  if (entry.stamp <= before.stamp) return `entry ${entry.index} stamped ${entry.stamp} behind ${before.stamp}`;
  if (!isNumber(entry.kind, 0xff)) return `entry ${entry.index} of kind ${entry.kind}`;
  if (!isNumber(entry.flags, 0xffff_ffff)) return `entry ${entry.index} with flags ${entry.flags}`;
  if (entry.kind === entryKind.configuration) return configurationFault(entry);
  return undefined;
}

function configurationFault(entry: Entry): string | undefined {
  try {
    decodeConfiguration(entry.payload);
    return undefined;
  } catch (error) {
    if (error instanceof TrefoilError) return error.message;
    throw error;
  }
}

function firstWrong(...numbers: readonly number[]): string | undefined {
  const wrong = numbers.find((value) => !isNumber(value));
  return wrong === undefined ? undefined : `number ${wrong}`;
}

const isNumber = (value: number, most = numberMax): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value <= most;

const termAbove = (inner: number, outer: number): string | undefined =>
  inner > outer ? `a log of term ${inner} in a message of term ${outer}` : undefined;

/** Before the first entry there is no term; all others have one. */
const placeFault = (index: number, term: number): string | undefined =>
  (index === 0) === (term === 0) ? undefined : `entry ${index} of term ${term}`;

const stampFault = (value: number): string | undefined =>
  isNumber(value, stampMax) && value > 0 ? undefined : `stamp ${value}`;
