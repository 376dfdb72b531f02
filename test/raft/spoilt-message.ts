// Messages that no replica could have sent, made of genuine ones: a field of a wrong kind or left out, a number that no field
// may hold, or numbers that cannot stand side by side.

import { stampMax } from "../../internal/base/stamp.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { Message } from "../../internal/raft/messages.ts";
import type { Entry } from "../../internal/raft/types.ts";

export interface Spoilt {
  readonly message: Message;
  readonly how: "malformed" | "out of range";
}

/** What a field of any message must never be. */
const badNumbers: readonly number[] = [Number.NaN, -1, 0.5, 2 ** 53, 2 ** 60, Infinity, -Infinity, 2 ** 48 + 1];
const noNumbers: readonly unknown[] = [undefined, null, "1", true, {}, [], 1n];
const noFlags: readonly unknown[] = [undefined, null, 0, 1, "true", {}];
const noLists: readonly unknown[] = [undefined, null, 3, "1,2,3", {}, [null], [undefined], ["1"], [{}]];
const noMessages: readonly unknown[] = [undefined, null, 0, "append", true, [], {}];
const noTypes: readonly unknown[] = [undefined, null, 0, "", "Append", "__proto__", "constructor", "toString"];

type Fields = Readonly<Record<string, unknown>>;

/** Undefined: nothing could be spoilt this time. */
export function spoil(random: Prng, genuine: Message): Spoilt | undefined {
  switch (random.below(4)) {
    case 0:
      return { message: malformed(random, genuine) as Message, how: "malformed" };
    case 1: {
      const message = impossible(random, genuine);
      return message === undefined ? undefined : { message, how: "out of range" };
    }
    default: {
      const message = outOfRange(random, genuine);
      return message === undefined ? undefined : { message, how: "out of range" };
    }
  }
}

function malformed(random: Prng, genuine: Message): unknown {
  if (random.chance(1, 40)) return random.pick(noMessages);
  if (genuine.type === "append" && genuine.entries.length > 0 && random.chance(1, 2)) {
    const at = random.below(genuine.entries.length);
    const whole = genuine.entries[at] as Entry;
    const bad = random.chance(1, 8) ? random.pick([null, undefined, 1, "x", {}]) : wrongField(random, { ...whole });
    return { ...genuine, entries: genuine.entries.map((entry, which) => (which === at ? bad : entry)) };
  }
  if (genuine.type === "snapshot" && random.chance(1, 3)) {
    return { ...genuine, configuration: wrongField(random, { ...genuine.configuration }) };
  }
  return wrongField(random, { ...genuine });
}

/** One field is of another kind than it has to be, or is not there. */
function wrongField(random: Prng, whole: Fields): Fields {
  const name = random.pick(Object.keys(whole));
  return { ...whole, [name]: wrongValue(random, name, whole[name]) };
}

function wrongValue(random: Prng, name: string, value: unknown): unknown {
  if (name === "type") return random.pick(noTypes);
  if (typeof value === "number") return random.pick(noNumbers);
  if (typeof value === "boolean") return random.pick(noFlags);
  if (Array.isArray(value)) return random.pick(noLists);
  // A payload, a configuration, a reason.
  return random.pick([undefined, null, 7, "because", {}, []]);
}

/** One number is none that its field may hold. */
function outOfRange(random: Prng, genuine: Message): Message | undefined {
  const value = random.pick(badNumbers);
  if (genuine.type === "append" && genuine.entries.length > 0 && random.chance(1, 2)) {
    const at = random.below(genuine.entries.length);
    const field = random.pick(["term", "index", "stamp", "kind", "flags"] as const);
    if (field === "stamp" && isStamp(value)) return undefined;
    const entries = genuine.entries.map((entry, which) => (which === at ? { ...entry, [field]: value } : entry));
    return { ...genuine, entries };
  }
  if (genuine.type === "snapshot" && random.chance(1, 3)) {
    const { configuration } = genuine;
    const voters = [...configuration.voters.slice(1), value] as unknown as typeof configuration.voters;
    return { ...genuine, configuration: { ...configuration, voters } };
  }
  const fields = Object.entries(genuine).filter(([, held]) => typeof held === "number");
  const [field] = random.pick(fields);
  // A context may be any whole number; 2^48 + 1 is one.
  if (field === "context" && value === 2 ** 48 + 1) return undefined;
  if ((field === "time" || field === "stamp") && isStamp(value)) return undefined;
  return { ...genuine, [field]: value };
}

/** Each number may stand there, and not beside the others. */
function impossible(random: Prng, genuine: Message): Message | undefined {
  const changes: object[] = [{ to: genuine.to + 100 }, { from: genuine.to }, { from: 0 }, { term: 0 }];
  switch (genuine.type) {
    case "vote":
    case "pre_vote":
      changes.push({ lastTerm: genuine.term + 1 }, { lastIndex: 0, lastTerm: 1 }, { lastIndex: 1, lastTerm: 0 });
      if (genuine.type === "pre_vote") changes.push({ configurationIndex: genuine.lastIndex + 1 });
      break;
    case "pre_vote_answer":
      changes.push({ isGranted: true, isSticky: true }, { isGranted: true, isRemoved: true });
      break;
    case "snapshot":
      changes.push({ snapshotTerm: genuine.term + 1 }, { index: 0, snapshotTerm: 0 }, { stamp: 0 });
      break;
    case "read_confirmed":
      changes.push({ commit: genuine.last + 1 }, { time: 0 });
      break;
    case "append":
      changes.push({ previousTerm: genuine.term + 1 }, { previousIndex: 0, previousTerm: 1 });
      changes.push(...impossibleEntries(genuine.entries));
      break;
    case "append_accepted":
    case "append_rejected":
    case "heartbeat":
    case "heartbeat_answer":
    case "read":
    case "read_refused":
    case "transfer_now":
    case "vote_answer":
  }
  return { ...genuine, ...random.pick(changes) };
}

function impossibleEntries(entries: readonly Entry[]): object[] {
  const [first, second] = entries;
  if (first === undefined) return [];
  const changes: object[] = [
    { entries: [{ ...first, index: first.index + 1 }, ...entries.slice(1)] },
    { entries: [...entries, { ...first }] },
    { entries: [{ ...first, kind: 256 }, ...entries.slice(1)] },
    { entries: [{ ...first, kind: 1, payload: new Uint8Array(3) }, ...entries.slice(1)] },
    { entries: [{ ...first, term: 0 }, ...entries.slice(1)] },
  ];
  if (second !== undefined) changes.push({ entries: [{ ...first, stamp: second.stamp }, ...entries.slice(1)] });
  return changes;
}

const isStamp = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && value <= stampMax;
