// Messages that nobody could have sent, and genuine ones at the wrong time. Both come to a core in the middle of a life full of
// faults: the first are refused and change nothing, the others break no invariant.

import { assert } from "../../internal/base/assert.ts";
import { stampMax } from "../../internal/base/stamp.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Message } from "../../internal/raft/messages.ts";
import { RandomRun } from "./random-run.ts";
import type { Member } from "./world.ts";

export interface FuzzCounts {
  malformed: number;
  replayed: number;
  refusedReplays: number;
}

/** What a field of any message must never be. */
const badNumbers: readonly number[] = [Number.NaN, -1, 0.5, 2 ** 53, 2 ** 60, Infinity, -Infinity, 2 ** 48 + 1];
const keptMax = 2000;

/** Runs until `messagesMax` messages were tried, with a new world after some of them. */
export function fuzz(seed: number, messagesMax: number): FuzzCounts {
  const counts = { malformed: 0, replayed: 0, refusedReplays: 0 };
  const random = new Prng(seed).split("fuzz");
  for (let life = 0; counts.malformed + counts.replayed < messagesMax; life++)
    fuzzLife(seed + life * 1000, random, counts);
  return counts;
}

function fuzzLife(seed: number, random: Prng, counts: FuzzCounts): void {
  const run = new RandomRun(seed);
  const kept: Message[] = [];
  for (let step = 0; step < 150; step++) {
    run.faults(8);
    const { messages } = run.world;
    if (messages.length > 0) kept.push(random.pick(messages));
    if (kept.length > keptMax) kept.splice(0, 100);
    if (kept.length === 0) continue;
    for (let count = 0; count < 6; count++) {
      tryMalformed(run, random, random.pick(kept), counts);
      replay(run, random, random.pick(kept), counts);
    }
  }
  run.heal();
}

/** An old message comes once more, to a replica that lives. */
function replay(run: RandomRun, random: Prng, message: Message, counts: FuzzCounts): void {
  const member = run.world.members.get(message.to);
  if (member?.isUp !== true) return;
  counts.replayed++;
  // A replica that restarted since may find that it contradicts: refusing is harmless.
  if (member.raft.step(message).kind === "refused") counts.refusedReplays++;
  if (random.chance(1, 2)) run.world.drain(member);
  run.world.check();
}

function tryMalformed(run: RandomRun, random: Prng, genuine: Message, counts: FuzzCounts): void {
  const member = run.world.members.get(genuine.to);
  if (member?.isUp !== true) return;
  const bad = malformed(random, genuine);
  if (bad === undefined) return;
  counts.malformed++;
  while (run.world.drain(member) !== undefined);
  const before = stateOf(member);
  const result = member.raft.step(bad);
  assert(result.kind === "refused", "a malformed message taken", { text: JSON.stringify(bad) });
  assert(stateOf(member) === before, "a refused message changed something", { text: JSON.stringify(bad) });
  assert(member.raft.ready() === undefined, "a refused message was answered", { text: JSON.stringify(bad) });
}

const stateOf = (member: Member): string => JSON.stringify([member.raft.status, member.raft.followers()]);

/** The message with one number in it spoilt. */
function malformed(random: Prng, genuine: Message): Message | undefined {
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

const isStamp = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && value <= stampMax;
