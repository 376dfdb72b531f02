// Messages that nobody could have sent, and genuine ones at the wrong time. Both come to a core in the middle of a life full of
// faults: the first are refused and change nothing at all, the others are taken and break no invariant.
//
// Cluster and group stand on the envelope that carries a message: the core is never given one of another group. What it can
// tell by itself is that a message is for another replica, and that it refuses.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, replicaId } from "../../internal/base/ids.ts";
import type { Term } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { membersOf } from "../../internal/raft/configuration.ts";
import type { Message } from "../../internal/raft/messages.ts";
import { RandomRun } from "./random-run.ts";
import { spoil } from "./spoilt-message.ts";
import type { Member } from "./world.ts";

const messageTypes = [
  "append",
  "append_accepted",
  "append_rejected",
  "heartbeat",
  "heartbeat_answer",
  "pre_vote",
  "pre_vote_answer",
  "read",
  "read_confirmed",
  "read_refused",
  "snapshot",
  "transfer_now",
  "vote",
  "vote_answer",
] as const satisfies readonly Message["type"][];

/** How often each was met; none may stay at zero. */
export interface FuzzCounts {
  /** Refused: a field of a wrong kind, or none; numbers that cannot be. */
  malformed: number;
  outOfRange: number;
  /** Refused: appends whose first stamp does not grow from what it follows in the receiver's log. */
  withoutGrowth: number;
  /** Refused: of a group whose replicas have other ids. */
  foreign: number;
  /** Taken: genuine ones once more. A message can be several of the following. */
  replayed: number;
  duplicated: number;
  reordered: number;
  ofOlderTerm: number;
  fromRemoved: number;
  afterRestart: number;
  readonly spoiltOf: Record<Message["type"], number>;
  readonly replayedOf: Record<Message["type"], number>;
}

const perType = (): Record<Message["type"], number> =>
  Object.fromEntries(messageTypes.map((type) => [type, 0])) as Record<Message["type"], number>;

function noFuzzCounts(): FuzzCounts {
  const refused = { malformed: 0, outOfRange: 0, withoutGrowth: 0, foreign: 0 };
  const taken = { replayed: 0, duplicated: 0, reordered: 0, ofOlderTerm: 0, fromRemoved: 0, afterRestart: 0 };
  return { ...refused, ...taken, spoiltOf: perType(), replayedOf: perType() };
}

export const triedOf = (counts: FuzzCounts): number =>
  counts.malformed + counts.outOfRange + counts.withoutGrowth + counts.foreign + counts.replayed;

/** Names of what was not met. */
export function neverMet(counts: FuzzCounts): string[] {
  const { spoiltOf, replayedOf, ...kinds } = counts;
  const zeros = (of: object, prefix = ""): string[] =>
    Object.entries(of)
      .filter(([, count]) => count === 0)
      .map(([name]) => `${prefix}${name}`);
  return [...zeros(kinds), ...zeros(spoiltOf, "spoilt "), ...zeros(replayedOf, "replayed ")];
}

const stepsPerLife = 150;
const keptMax = 1500;

/** Runs until `messagesMax` messages were tried, with a new world after some of them. */
export function fuzz(seed: number, messagesMax: number): FuzzCounts {
  const counts = noFuzzCounts();
  const random = new Prng(seed).split("fuzz");
  for (let life = 0; triedOf(counts) < messagesMax; life++) {
    try {
      new FuzzLife(seed + life * 1000, random, counts).live();
    } catch (error) {
      throw new Error(`seed ${seed}, life ${life}`, { cause: error });
    }
  }
  return counts;
}

interface Kept {
  readonly message: Message;
  /** Of the one who is to have it again: lives so far, and the order among all that were sent. */
  readonly crashes: number;
  readonly order: number;
}

class FuzzLife {
  private readonly run: RandomRun;
  private readonly random: Prng;
  private readonly counts: FuzzCounts;
  private readonly kept: Kept[] = [];
  private readonly newest = new Map<string, number>();
  private order = 0;

  constructor(seed: number, random: Prng, counts: FuzzCounts) {
    this.run = new RandomRun(seed);
    this.random = random;
    this.counts = counts;
    const { world } = this.run;
    const { onSent } = world;
    world.onSent = (message) => {
      onSent(message);
      this.keep(message);
    };
  }

  live(): void {
    const { run, random } = this;
    for (let step = 0; step < stepsPerLife; step++) {
      run.faults(8);
      if (this.kept.length === 0) continue;
      for (let count = 0; count < 6; count++) {
        this.refuse(random.pick(this.kept).message);
        this.replay(random.pick(this.kept));
      }
    }
    run.heal();
  }

  /** Of each type some, for a few come very often. */
  private keep(message: Message): void {
    const { kept, random } = this;
    const isCommon = message.type === "append" || message.type === "append_accepted" || message.type.startsWith("hea");
    this.order++;
    if (isCommon && random.chance(5, 6)) return;
    const crashes = this.run.world.member(message.to).crashes;
    kept.push({ message, crashes, order: this.order });
    if (kept.length > keptMax) kept.splice(random.below(keptMax), 1);
  }

  /** An old message comes once more, to a replica that lives. */
  private replay(again: Kept): void {
    const { counts, random, run, newest } = this;
    const { message, order } = again;
    const member = run.world.members.get(message.to);
    if (member?.isUp !== true) return;
    const { term, configuration } = member.raft.status;
    const link = `${message.from} ${message.to}`;
    counts.replayed++;
    counts.replayedOf[message.type]++;
    if (message.term < term) counts.ofOlderTerm++;
    if (!membersOf(configuration).includes(message.from)) counts.fromRemoved++;
    if (again.crashes < member.crashes) counts.afterRestart++;
    if (order < (newest.get(link) ?? 0)) counts.reordered++;
    newest.set(link, order);
    this.take(member, message);
    if (random.chance(1, 3)) {
      counts.duplicated++;
      this.take(member, message);
    }
    if (random.chance(1, 2)) run.world.drain(member);
    run.world.check();
  }

  private take(member: Member, message: Message): void {
    const result = member.raft.step(message);
    assert(result.kind === "taken", "a genuine message refused", {
      why: result.kind === "refused" ? result.why : "",
      text: textOf(message),
    });
  }

  private refuse(genuine: Message): void {
    const { counts, random, run } = this;
    const member = run.world.members.get(genuine.to);
    if (member?.isUp !== true) return;
    if (random.chance(1, 20)) {
      // The same message in a group of replicas 101, 102, 103.
      counts.foreign++;
      const { from, to } = genuine;
      this.mustRefuse(member, { ...genuine, from: replicaId(from + 100), to: replicaId(to + 100) });
      return;
    }
    if (random.chance(1, 20)) {
      const stale = withoutGrowth(random, member, genuine);
      if (stale === undefined) return;
      counts.withoutGrowth++;
      this.mustRefuse(member, stale);
      return;
    }
    const spoilt = spoil(random, genuine);
    if (spoilt === undefined) return;
    if (spoilt.how === "malformed") counts.malformed++;
    else counts.outOfRange++;
    counts.spoiltOf[genuine.type]++;
    this.mustRefuse(member, spoilt.message);
  }

  private mustRefuse(member: Member, bad: Message): void {
    while (this.run.world.drain(member) !== undefined);
    const before = textOf(member.raft);
    const result = member.raft.step(bad);
    assert(result.kind === "refused", "a malformed message taken", { text: textOf(bad) });
    assert(textOf(member.raft) === before, "a refused message changed something", { text: textOf(bad) });
    assert(member.raft.ready() === undefined, "a refused message was answered", { text: textOf(bad) });
  }
}

/** An append that fits the receiver's log in everything but its first stamp. Undefined: this one cannot be made into such. */
function withoutGrowth(random: Prng, { raft }: Member, genuine: Message): Message | undefined {
  if (genuine.type !== "append") return undefined;
  const [first] = genuine.entries;
  const { last, lastStamp, term } = raft.status;
  const lastTerm = raft.termOf(last);
  if (first === undefined || last === 0 || lastTerm === undefined) return undefined;
  const wrong = stamp(random.chance(1, 2) ? lastStamp : random.between(1, lastStamp));
  const entries = [{ ...first, term: lastTerm, index: logIndex(last + 1), stamp: wrong }];
  const place = { previousIndex: last, previousTerm: lastTerm, commit: logIndex(random.below(last + 2)) };
  return { ...genuine, ...place, term: termMax(genuine.term, term), entries };
}

const termMax = (left: Term, right: Term): Term => (left > right ? left : right);

/** All that is in a value, however deep. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, held: unknown) => {
    if (held instanceof Map || held instanceof Set) return Array.from<unknown>(held);
    if (held instanceof Uint8Array) return held.length;
    return typeof held === "bigint" ? `${held}n` : held;
  });
}
