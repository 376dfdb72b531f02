// What replicas say to each other beside Raft's messages, at the wrong time and in shapes that nobody could have sent: genuine ones
// again, late, twice, out of order, of older terms, from replicas that were removed, to others that were started anew; ones of
// another cluster; and malformed ones. No replica fails, and what was answered is there in the end.

import { inspect } from "node:util";
import { assert } from "../../internal/base/assert.ts";
import { utf8 } from "../../internal/base/bytes.ts";
import { replicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { isOwn, ownMessageFault } from "../../internal/replica/message-check.ts";
import type { OwnMessage } from "../../internal/replica/message-check.ts";
import { tiny } from "./left-behind.ts";
import { put, putUntil, Rig } from "./rig.ts";
import type { RigNode } from "./rig.ts";
import { spoilOwn } from "./spoilt-message.ts";

const types = [
  "salvage",
  "salvage_settled",
  "tick_wanted",
  "keep_log",
  "log_full",
  "chunk_request",
  "chunk",
  "chunk_refused",
] as const satisfies readonly OwnMessage["type"][];

export interface MessageCounts {
  malformed: number;
  foreign: number;
  replayed: number;
  duplicated: number;
  reordered: number;
  ofOlderTerm: number;
  fromRemoved: number;
  afterRestart: number;
  readonly replayedOf: Record<string, number>;
  readonly malformedOf: Record<string, number>;
}

export const triedOf = ({ malformed, foreign, replayed }: MessageCounts): number => malformed + foreign + replayed;

/** Names of what was not met. */
export function neverMet({ replayedOf, malformedOf, ...kinds }: MessageCounts): string[] {
  const zeros = Object.entries(kinds).filter(([, count]) => count === 0);
  const unmet = types.filter((type) => replayedOf[type] === undefined).map((type) => `replayed ${type}`);
  const whole = types.filter((type) => malformedOf[type] === undefined).map((type) => `malformed ${type}`);
  return [...zeros.map(([name]) => name), ...unmet, ...whole];
}

/** Runs until `messagesMax` messages were tried, with a new group after some of them. */
export async function fuzzMessages(seed: number, messagesMax: number): Promise<MessageCounts> {
  const random = new Prng(seed).split("messages");
  const refused = { malformed: 0, foreign: 0 };
  const taken = { replayed: 0, duplicated: 0, reordered: 0, ofOlderTerm: 0, fromRemoved: 0, afterRestart: 0 };
  const counts: MessageCounts = { ...refused, ...taken, replayedOf: {}, malformedOf: {} };
  let others: readonly Kept[] = [];
  for (let which = 0; triedOf(counts) < messagesMax; which++) {
    const life = new Life(random, counts, others);
    try {
      await life.live();
    } catch (error) {
      throw new Error(`seed ${seed}, life ${which}`, { cause: error });
    }
    others = life.kept;
  }
  return counts;
}

const hasty = {
  log: { ...tiny.log, logBytesMax: 12_000, flushWantedBytes: 4096 },
  replica: { ...tiny.replica, snapshotIdleMilliseconds: 1000, houseKeepingMilliseconds: 50 },
};

interface Kept {
  readonly message: OwnMessage;
  readonly term: number;
  readonly life: number;
  readonly order: number;
}

const stepsPerLife = 60;
const triesPerStep = 50;
const keptMax = 600;

class Life {
  kept: Kept[] = [];
  private readonly rig = new Rig(hasty);
  private readonly random: Prng;
  private readonly counts: MessageCounts;
  private readonly others: readonly Kept[];
  private readonly lives = new Map<number, number>();
  private readonly newest = new Map<string, number>();
  /** What was answered, under keys that nobody writes again. */
  private readonly answered = new Map<string, string>();
  private seen = 0;
  private written = 0;
  private removed: number | undefined;

  constructor(random: Prng, counts: MessageCounts, others: readonly Kept[]) {
    this.random = random;
    this.counts = counts;
    this.others = others;
  }

  async live(): Promise<void> {
    const { rig } = this;
    for (const id of [1, 2, 3]) await rig.node(id).start();
    await rig.elect(1);
    for (let step = 0; step < stepsPerLife; step++) {
      await this.happen(step);
      this.keep();
      for (let count = 0; count < triesPerStep; count++) this.try();
      await rig.ticks(this.random.between(1, 20));
    }
    await this.heal();
    await rig.close();
  }

  private async happen(step: number): Promise<void> {
    const { rig, random } = this;
    const up = [...rig.nodes.values()].filter(({ replica }) => replica !== undefined);
    if (step === stepsPerLife / 2) return this.replaceOne();
    switch (random.below(7)) {
      case 0:
        rig.rejoin(1, 2, 3, 4);
        rig.isolate(random.pick(up).id);
        return;
      case 1: {
        const node = random.pick(up);
        node.crash();
        this.lives.set(node.id, (this.lives.get(node.id) ?? 0) + 1);
        return node.start();
      }
      case 2:
        rig.rejoin(1, 2, 3, 4);
        return;
      case 3:
        return this.readBrief(up);
      case 4:
        for (const { engine } of up) await rig.answer(engine?.flush() ?? Promise.resolve());
        return;
      default:
        this.write(random.between(1, 12));
    }
  }

  /** Strong reads of what has expired since the last entry: they want a tick. */
  private async readBrief(nodes: readonly RigNode[]): Promise<void> {
    const { rig } = this;
    const { leader } = rig;
    if (leader === undefined) return;
    const expiresAt = stampOfMilliseconds(1_700_000_000_000 + rig.time.now + 20);
    rig.replica(leader).propose("strong", () => putUntil("brief", "x", expiresAt));
    await rig.ticks(3);
    for (const { replica } of nodes) void replica?.readStrong(utf8("brief"));
  }

  /** Whoever believes that it leads takes some. */
  private write(count: number): void {
    for (const node of this.rig.nodes.values()) {
      for (let left = count; left > 0 && node.replica?.status.role === "leader"; left--) {
        const key = `key ${++this.written}`;
        const value = `${"x".repeat(60)} ${this.written}`;
        const proposed = node.replica.propose(this.random.chance(1, 2) ? "fast" : "strong", () => put(key, value));
        if (proposed.kind === "refused") return;
        void proposed.outcome.then((outcome) => outcome.kind === "done" && this.answered.set(key, value));
      }
    }
  }

  /** Node 1 is cut off with what it has taken, and node 4 takes its place. */
  private async replaceOne(): Promise<void> {
    const { rig } = this;
    rig.rejoin(1, 2, 3);
    await rig.elect(1);
    rig.isolate(1);
    this.write(5);
    await rig.until(() => rig.leader !== 1 && rig.leader !== undefined, "another leader");
    await rig.add(4).start();
    const ids = (...numbers: number[]) => numbers.map((id) => replicaId(id));
    const changeTo = async (voters: number[], learners: number[]): Promise<void> => {
      await rig.until(() => {
        const { leader } = rig;
        if (leader === undefined) return false;
        const { status } = rig.replica(leader);
        if (voters.includes(4) && status.configuration.voters.includes(replicaId(4))) return true;
        if (learners.includes(4) && status.configuration.learners.includes(replicaId(4))) return true;
        return (void rig.replica(leader).change({ voters: ids(...voters), learners: ids(...learners) }), false);
      }, "the change");
    };
    await changeTo([1, 2, 3], [4]);
    await changeTo([2, 3, 4], []);
    rig.rejoin(1);
    const retired = await rig.node(1).retire();
    this.removed = 1;
    retired.leaderIs(replicaId(rig.leader ?? 2));
  }

  private keep(): void {
    const { rig, kept, random } = this;
    const term = Math.max(...[...rig.nodes.values()].map(({ replica }) => replica?.status.term ?? 0));
    for (; this.seen < rig.sent.length; this.seen++) {
      const message = rig.sent[this.seen];
      if (message === undefined || !isOwn(message)) continue;
      kept.push({ message, term, life: this.lives.get(message.to) ?? 0, order: this.seen });
      if (kept.length > keptMax) kept.splice(random.below(keptMax), 1);
    }
  }

  private try(): void {
    const { random, others, counts, rig } = this;
    if (this.kept.length === 0) return;
    // Of each type as many.
    const type = random.pick(types);
    const some = this.kept.filter(({ message }) => message.type === type);
    const again = random.pick(some.length > 0 ? some : this.kept);
    const to = rig.nodes.get(again.message.to);
    const receiver = to?.replica ?? to?.retired;
    if (receiver === undefined) return;
    if (random.chance(1, 3)) {
      const bad = spoilOwn(random, again.message);
      const why = isOwn(bad) ? ownMessageFault(bad, again.message.to) : "not one of ours";
      if (why === undefined) assert(false, "a malformed message taken", { text: inspect(bad, { depth: 5 }) });
      counts.malformed++;
      counts.malformedOf[again.message.type] = (counts.malformedOf[again.message.type] ?? 0) + 1;
      receiver.receive(bad);
    } else if (random.chance(1, 8) && others.length > 0) {
      // Of another cluster, with its own numbers or with ours.
      counts.foreign++;
      const { message } = random.pick(others);
      const from = random.chance(3, 4) ? replicaId(message.from + 100) : message.from;
      if (from !== message.from) receiver.receive({ ...message, from, to: again.message.to });
      else receiver.receive({ ...message, to: replicaId(message.to + 100) });
    } else {
      this.replay(again, receiver);
    }
  }

  private replay(again: Kept, receiver: { receive(message: OwnMessage): void }): void {
    const { counts, random, newest } = this;
    const { message, order } = again;
    counts.replayed++;
    counts.replayedOf[message.type] = (counts.replayedOf[message.type] ?? 0) + 1;
    const term = Math.max(...[...this.rig.nodes.values()].map(({ replica }) => replica?.status.term ?? 0));
    if (again.term < term) counts.ofOlderTerm++;
    if (message.from === this.removed) counts.fromRemoved++;
    if (again.life < (this.lives.get(message.to) ?? 0)) counts.afterRestart++;
    const link = `${message.from} ${message.to}`;
    if (order < (newest.get(link) ?? 0)) counts.reordered++;
    newest.set(link, order);
    receiver.receive(message);
    if (!random.chance(1, 3)) return;
    counts.duplicated++;
    receiver.receive(message);
  }

  /** Everything that was answered is there, on each member, and nobody has failed. */
  private async heal(): Promise<void> {
    const { rig } = this;
    rig.rejoin(1, 2, 3, 4);
    // Whoever still has to discard something does so first, and keeps it.
    await rig.level();
    const members = [2, 3, 4];
    const { retired } = rig.node(1);
    await rig.until(() => {
      const { leader } = rig;
      if (leader !== undefined) retired?.leaderIs(replicaId(leader));
      return retired?.isEmpty === true && members.every((id) => !rig.replica(id).hasSalvage);
    }, "fates");
    await rig.level();
    for (const id of members) {
      const node = rig.node(id);
      assert(node.failures.length === 0, "a replica failed", { id, why: String(node.failures[0]) });
      for (const [key, value] of this.answered) {
        const found = await node.read(key);
        assert(found === value, "what was answered is not there", { id, key, found: found ?? "nothing" });
      }
    }
  }
}
