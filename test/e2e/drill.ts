// A cluster of real processes under clients and kills, and what came of it: the run itself, without its judging and printing.

import type { Prng } from "../../internal/base/prng.ts";
import { History } from "../sim/history.ts";
import type { HistoryEntry } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import { HttpClient } from "./http-client.ts";
import { MixedClient, now, rest } from "./mixed-client.ts";
import type { ClientCounts } from "./mixed-client.ts";
import type { ClusterProcesses } from "./processes.ts";
import { judgeAtRest } from "./verdict.ts";

export const clients = 8;
const readyMilliseconds = 60_000;
const settleMilliseconds = 60_000;
/** Longer than any request's own deadline: whoever is not answered by then hangs. */
export const silenceMilliseconds = 15_000;
const pollMilliseconds = 100;

export interface Plan {
  readonly seconds: number;
  readonly killEverySeconds: number;
  /** A client's longest pause between two requests, in milliseconds. */
  readonly think: number;
}

export interface Round {
  readonly killed: string;
  readonly at: number;
  operations: number;
  gap: number;
}

export class Drill {
  readonly history = new History();
  readonly counts: ClientCounts = { done: 0, refused: 0, unknown: 0, silent: 0, why: new Map() };
  readonly rounds: Round[] = [];
  readonly served = new WeakMap<HistoryEntry, string>();
  private readonly cluster: ClusterProcesses;
  private readonly random: Prng;
  private readonly http = new HttpClient(silenceMilliseconds);

  constructor(cluster: ClusterProcesses, random: Prng) {
    this.cluster = cluster;
    this.random = random;
  }

  async run({ seconds, killEverySeconds, think }: Plan): Promise<void> {
    this.cluster.startAll();
    await this.untilServing();
    const workers = Array.from({ length: clients }, (_, at) => this.client(at + 1));
    const work = workers.map((worker) => worker.work(think));
    const working = Promise.all(work);
    try {
      await Promise.race([this.killNowAndThen(seconds, 1000 * killEverySeconds), working]);
    } finally {
      for (const worker of workers) worker.isStopped = true;
    }
    await working;
    await this.untilServing();
    await this.untilAtRest();
  }

  close(): void {
    this.http.close();
  }

  private async killNowAndThen(seconds: number, killEvery: number): Promise<void> {
    const end = now() + seconds * 1000;
    for (let at = now() + killEvery / 2; at < end; at += killEvery) {
      await rest(at - now());
      const { id } = this.random.pick(this.cluster.places);
      const round: Round = { killed: id, at: now(), operations: 0, gap: 0 };
      this.rounds.push(round);
      await this.cluster.kill(id);
      await rest(this.random.between(500, killEvery / 3));
      this.cluster.start(id);
      const { done, refused, unknown } = this.counts;
      console.log(
        `  … kill ${this.rounds.length} was ${id}; ${done} answered, ${refused} refused, ${unknown} unknown so far`,
      );
    }
    await rest(end - now());
  }

  /** Every node answers a strong read. */
  private async untilServing(): Promise<void> {
    const deadline = now() + readyMilliseconds;
    for (const { id, ports } of this.cluster.places) {
      for (;;) {
        if (!this.cluster.isRunning(id)) throw new Error(`${id} ended by itself:\n${this.cluster.lastWordsOf(id)}`);
        const said = await this.http.ask({ port: ports.http, method: "GET", path: "/any?consistency=strong" });
        if (said.kind === "answered" && (said.status === 404 || said.status === 200)) break;
        if (now() > deadline) throw new Error(`${id} does not serve:\n${this.cluster.lastWordsOf(id)}`);
        await rest(pollMilliseconds);
      }
    }
  }

  /** What a node kept of fast writes that its group had lost comes back by itself, in a while. */
  private async untilAtRest(): Promise<void> {
    const deadline = now() + settleMilliseconds;
    const reader = this.client(99);
    for (;;) {
      for (const key of this.history.keys) await reader.readLast(key, deadline);
      try {
        return judgeAtRest(this.history);
      } catch (failure) {
        if (!(failure instanceof Violation) || failure.by !== "fates" || now() > deadline) throw failure;
      }
      await rest(pollMilliseconds);
    }
  }

  private client(name: number): MixedClient {
    const { cluster, http, history, counts, served } = this;
    return new MixedClient({
      name,
      cluster,
      http,
      history,
      counts,
      served,
      random: this.random.split(`client ${name}`),
    });
  }

  /** Of each kill: what was answered until the next one, and the longest time without an answered strong write. */
  measure(): void {
    const answered = this.history.entries
      .filter(({ done, told }) => done.kind === "write" && done.mode === "strong" && told?.kind === "done")
      .map(({ returnedAt }) => returnedAt)
      .sort((left, right) => left - right);
    for (const [at, round] of this.rounds.entries()) {
      const until = this.rounds[at + 1]?.at ?? Number.POSITIVE_INFINITY;
      const mine = answered.filter((moment) => moment >= round.at && moment < until);
      round.operations = mine.length;
      let before = round.at;
      for (const moment of mine) {
        round.gap = Math.max(round.gap, moment - before);
        before = moment;
      }
    }
  }
}
