// One fault, some rounds of it, under clients: the run itself, without its printing. A round is so many operations, the fault in the midst of
// them; its window is from the fault's beginning until everything is healed.

import { History } from "../sim/history.ts";
import type { HistoryEntry } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import type { Arena } from "./arena.ts";
import type { Fault } from "./faults/faults.ts";
import { HttpClient } from "./http-client.ts";
import { MixedClient } from "./mixed-client.ts";
import type { ClientCounts } from "./mixed-client.ts";
import { now, rest } from "./moments.ts";
import { judgeTries } from "./tries.ts";
import type { Try } from "./tries.ts";
import { judgeAtRest, judgeSpells } from "./verdict.ts";

export const clients = 8;
/** Of these stay with each node, one of them impatient; the rest asks any. */
const clientsAtHome = 2;
const settleMilliseconds = 60_000;
/** Longer than any request's own deadline, and than any node stands still: whoever is not answered by then hangs. */
const silenceMilliseconds = 20_000;
const pollMilliseconds = 50;
/** Of a round's operations: before the fault, and after it has healed, at least. */
const outsideShare = 1 / 4;

export interface Plan {
  readonly rounds: number;
  /** Answered in each round, at least. */
  readonly operations: number;
  /** A client's longest pause between two requests, in milliseconds. */
  readonly think: number;
  /** Whether a run fails for what was answered late, or by chance not at all: a busy machine is enough for that. */
  readonly judgesPace: boolean;
}

export interface Round {
  readonly from: number;
  to: number;
}

export class Drill {
  readonly history = new History();
  readonly counts: ClientCounts = { done: 0, refused: 0, unknown: 0, silent: 0, late: 0, why: new Map() };
  readonly rounds: Round[] = [];
  readonly served = new WeakMap<HistoryEntry, string>();
  readonly tries: Try[] = [];
  private readonly arena: Arena;
  private readonly fault: Fault;
  private readonly http = new HttpClient(silenceMilliseconds);

  constructor(arena: Arena, fault: Fault) {
    this.arena = arena;
    this.fault = fault;
  }

  async run(plan: Plan): Promise<void> {
    const { arena } = this;
    for (const node of arena.nodes) arena.start(node);
    await arena.untilHealed();
    const homes = arena.nodes.flatMap((node) => Array.from({ length: clientsAtHome }, () => node));
    const workers = Array.from({ length: clients }, (_, at) => this.client(at + 1, homes[at]));
    const working = Promise.all(workers.map((worker) => worker.work(plan.think)));
    try {
      for (let round = 0; round < plan.rounds; round++) await Promise.race([this.round(round, plan), working]);
    } finally {
      for (const worker of workers) worker.isStopped = true;
    }
    await working;
    await arena.untilHealed();
    await this.untilAtRest();
    judgeSpells(this.history, this.tries, { spells: arena.spells, idOf: (node) => arena.idOf(node) });
    judgeTries(this.tries);
  }

  close(): void {
    this.http.close();
  }

  private async round(number: number, { operations }: Plan): Promise<void> {
    const begun = this.counts.done;
    const outside = Math.ceil(operations * outsideShare);
    await this.untilDone(begun + outside);
    const round: Round = { from: now(), to: Number.POSITIVE_INFINITY };
    this.rounds.push(round);
    await this.fault.strike(this.arena, number);
    await this.arena.untilHealed();
    round.to = now();
    await this.untilDone(Math.max(begun + operations, this.counts.done + outside));
  }

  private async untilDone(count: number): Promise<void> {
    await this.arena.until(`${count} operations are answered`, async () => {
      if (this.counts.done >= count) return true;
      await rest(pollMilliseconds);
      return undefined;
    });
  }

  /** What a node kept of fast writes that its group had lost comes back by itself, in a while. */
  private async untilAtRest(): Promise<void> {
    const deadline = now() + settleMilliseconds;
    const reader = this.client(99);
    for (;;) {
      for (const key of this.history.keys) await reader.readLast(key, deadline);
      try {
        return judgeAtRest(this.history, this.fault);
      } catch (failure) {
        if (!(failure instanceof Violation) || failure.by !== "fates" || now() > deadline) throw failure;
      }
      await rest(pollMilliseconds);
    }
  }

  private client(name: number, home?: number): MixedClient {
    const { arena, http, history, counts, served, tries } = this;
    const random = arena.random.split(`client ${name}`);
    const isImpatient = home !== undefined && name % clientsAtHome === 0;
    return new MixedClient({
      name,
      home,
      isImpatient,
      cluster: arena.processes,
      http,
      history,
      counts,
      served,
      tries,
      random,
    });
  }
}
