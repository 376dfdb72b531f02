// Whether a message can be one of ours at all. What comes from outside is bytes until this has been asked: a wrong number here
// would become a wrong log there. Every field is looked at, whatever the types say. A message that is merely old, late or double
// is none of this file's business; the core expects those.

import { TrefoilError } from "../base/errors.ts";
import { nobody } from "../base/ids.ts";
import type { ReplicaId } from "../base/ids.ts";
import { stampMax } from "../base/stamp.ts";
import { decodeConfiguration, faultOf } from "./configuration.ts";
import type { Append, Message, PreVote, SnapshotMessage, Vote } from "./messages.ts";
import { entryKind } from "./types.ts";
import type { Entry, ReadRefusal } from "./types.ts";

/** Terms and indexes beyond this are not reached in any life: such a message is forged, or damaged. */
const numberMax = 2 ** 48;
const contextMax = Number.MAX_SAFE_INTEGER;
const appendEntriesMax = 65_536;

/** Why `message` cannot be meant for `self`, or undefined. */
export function messageFault(message: Message, self: ReplicaId): string | undefined {
  if (typeof message !== "object" || message === null) return "no message";
  const { term } = message;
  const wrong = addressFault(message, self);
  if (wrong !== undefined) return wrong;
  if (!isNumber(term) || term < 1) return `term ${textOf(term)}`;
  switch (message.type) {
    case "pre_vote":
      return (
        lastFault(message) ??
        numberFault(message.configurationIndex) ??
        (message.configurationIndex > message.lastIndex ? "a configuration behind the end of its log" : undefined)
      );
    case "pre_vote_answer":
      return (
        flagFault(message.isGranted) ??
        flagFault(message.isSticky) ??
        flagFault(message.isRemoved) ??
        (message.isGranted && (message.isSticky || message.isRemoved) ? "granted and refused" : undefined)
      );
    case "vote":
      return lastFault(message) ?? flagFault(message.isTransfer);
    case "vote_answer":
      return flagFault(message.isGranted);
    case "append":
      return flagFault(message.hasQuorum) ?? appendFault(message);
    case "append_accepted":
      return flagFault(message.hasSalvage) ?? flagFault(message.isClockRefused) ?? numberFault(message.index);
    case "append_rejected":
      return (
        flagFault(message.hasSalvage) ??
        numberFault(message.rejected) ??
        numberFault(message.hintIndex) ??
        numberFault(message.hintTerm)
      );
    case "heartbeat":
      return flagFault(message.hasQuorum) ?? numberFault(message.commit) ?? numberFault(message.round);
    case "heartbeat_answer":
      return flagFault(message.hasSalvage) ?? numberFault(message.round);
    case "snapshot":
      return flagFault(message.hasQuorum) ?? snapshotFault(message);
    case "transfer_now":
      return numberFault(message.lastIndex);
    case "read":
      return numberFault(message.context, contextMax);
    case "read_refused":
      return numberFault(message.context, contextMax) ?? whyFault(message.why);
    case "read_confirmed":
      return (
        numberFault(message.context, contextMax) ??
        numberFault(message.commit) ??
        numberFault(message.last) ??
        (message.commit > message.last ? `commit ${message.commit} of ${message.last} entries` : undefined) ??
        stampFault(message.time)
      );
    default:
      return "of no known type";
  }
}

/** What any message has: from whom, to whom. */
export function addressFault(
  { from, to }: { readonly from: ReplicaId; readonly to: ReplicaId },
  self: ReplicaId,
): string | undefined {
  if (to !== self) return `for replica ${textOf(to)}`;
  const isOther = from !== self && from !== nobody && isNumber(from, 0xffff_ffff);
  return isOther ? undefined : `from replica ${textOf(from)}`;
}

const lastFault = ({ lastIndex, lastTerm, term }: Vote | PreVote): string | undefined =>
  placeFault(lastIndex, lastTerm, term);

function snapshotFault({ index, snapshotTerm, term, stamp, configuration }: SnapshotMessage): string | undefined {
  const fault = placeFault(index, snapshotTerm, term) ?? stampFault(stamp);
  if (fault !== undefined) return fault;
  if (index < 1) return "a snapshot of nothing";
  const isWhole =
    typeof configuration === "object" &&
    configuration !== null &&
    [configuration.voters, configuration.outgoing, configuration.learners].every(isList);
  return isWhole ? faultOf(configuration) : "a snapshot without a configuration";
}

function appendFault(message: Append): string | undefined {
  const { previousIndex, previousTerm, term, commit, entries } = message;
  const wrong = placeFault(previousIndex, previousTerm, term) ?? numberFault(commit);
  if (wrong !== undefined) return wrong;
  if (!isList(entries)) return "an append without a list of entries";
  if (entries.length > appendEntriesMax) return `${entries.length} entries`;
  let before: Before = { index: previousIndex, term: previousTerm, stamp: 0 };
  for (const entry of entries) {
    const fault = entryFault(entry, before);
    if (fault !== undefined) return fault;
    before = entry;
  }
  return before.term > term ? `a log of term ${before.term} in a message of term ${term}` : undefined;
}

interface Before {
  readonly index: number;
  readonly term: number;
  readonly stamp: number;
}

function entryFault(entry: Entry, before: Before): string | undefined {
  if (typeof entry !== "object" || entry === null) return "an entry that is none";
  const { index, term, stamp, kind, flags, payload } = entry;
  if (index !== before.index + 1 || !isNumber(index)) return `entry ${textOf(index)} behind ${before.index}`;
  if (!isNumber(term) || term < 1 || term < before.term) {
    return `entry ${index} of term ${textOf(term)} behind ${before.term}`;
  }
  const fault = stampFault(stamp);
  if (fault !== undefined) return fault;
  if (stamp <= before.stamp) return `entry ${index} stamped ${stamp} behind ${before.stamp}`;
  if (!isNumber(kind, 0xff)) return `entry ${index} of kind ${textOf(kind)}`;
  if (!isNumber(flags, 0xffff_ffff)) return `entry ${index} with flags ${textOf(flags)}`;
  if (!(payload instanceof Uint8Array)) return `entry ${index} without bytes`;
  return kind === entryKind.configuration ? configurationFault(entry) : undefined;
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

/** Before the first entry there is no term; all others have one, at most the sender's. */
function placeFault(index: number, term: number, most: number): string | undefined {
  const fault = numberFault(index) ?? numberFault(term);
  if (fault !== undefined) return fault;
  if (term > most) return `a log of term ${term} in a message of term ${most}`;
  return (index === 0) === (term === 0) ? undefined : `entry ${index} of term ${term}`;
}

const isNumber = (value: number, most = numberMax): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value <= most;

const isList = (value: unknown): boolean => Array.isArray(value);

export const numberFault = (value: number, most = numberMax): string | undefined =>
  isNumber(value, most) ? undefined : `number ${textOf(value)}`;

export const flagFault = (value: boolean): string | undefined =>
  typeof value === "boolean" ? undefined : `flag ${textOf(value)}`;

export const stampFault = (value: number): string | undefined =>
  isNumber(value, stampMax) && value > 0 ? undefined : `stamp ${textOf(value)}`;

const whyFault = (why: ReadRefusal): string | undefined =>
  readRefusals.has(why) ? undefined : `refused because of ${textOf(why)}`;

const readRefusals: ReadonlySet<ReadRefusal> = new Set<ReadRefusal>([
  "no_leader",
  "not_ready",
  "no_quorum",
  "leader_changed",
  "busy",
]);

/** Of what need not be what its type says. */
export const textOf = (value: unknown): string =>
  typeof value === "number" ? String(value) : `of type ${typeof value}`;
