// Clients that ask so many times a second, whatever became of the last request: a third of it strong writes, the rest fast reads. What
// each moment cost them is told by quantiles of windows. A request counts from the moment at which it was due, and belongs to the window
// of that: what held the clients up themselves, for they share the machine with the nodes, is in it.

import { setImmediate as turn } from "node:timers/promises";
import { Prng } from "../../../internal/base/prng.ts";
import type { Exchange, HttpClient } from "../../e2e/http-client.ts";
import { now, rest } from "../../e2e/moments.ts";
import type { NodePlace } from "../../support/trefoild.ts";
import { keyOf } from "./missed-data.ts";

export type Kind = "strong write" | "fast read";

export interface Sample {
  readonly kind: Kind;
  /** When it was due. */
  readonly from: number;
  readonly milliseconds: number;
  /** Why it was not served; undefined: it was. */
  readonly fault: string | undefined;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

export interface LoadParts {
  readonly http: Pick<HttpClient, "ask">;
  /** Asked by turns. */
  readonly places: readonly NodePlace[];
  readonly perSecond: number;
  /** Reads are of the first so many keys of what was missed. */
  readonly keys: number;
  /** Requests that are not answered yet; more of them, and the load has failed. */
  readonly pendingMax?: number;
}

const requestsForAWrite = 3;
const keysWritten = 1000;
/** No more wait for their answers than are made in so long, unless it is said otherwise. */
const secondsPendingMax = 10;
const body = "x".repeat(1024);

export class SteadyLoad {
  readonly samples: Sample[] = [];
  private readonly parts: LoadParts;
  private readonly random = new Prng(3);
  private readonly pending = new Set<Promise<void>>();
  private readonly running: Promise<void>;
  private isStopped = false;
  private failure: Error | undefined;

  constructor(parts: LoadParts) {
    this.parts = parts;
    this.running = this.run();
  }

  static writesPerSecond(perSecond: number): number {
    return perSecond / requestsForAWrite;
  }

  /** Throws when it could not go on as it should: its samples say nothing then. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when all that was asked has come to an end. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.pending);
  }

  /** A turn of the event loop for each request, or answers and timers would wait for as long as it is behind its schedule. */
  private async run(): Promise<void> {
    const { places, perSecond, pendingMax = perSecond * secondsPendingMax } = this.parts;
    const begun = now();
    for (let number = 0; ; number++) {
      const due = begun + (number * 1000) / perSecond;
      await turn();
      for (let wait = due - now(); wait > 0; wait = due - now()) await rest(wait);
      if (this.isStopped) return;
      if (this.pending.size >= pendingMax) {
        this.failure = new Error(`${this.pending.size} requests of clients wait for answers: the nodes do not keep up`);
        return;
      }
      const kind = number % requestsForAWrite === 0 ? "strong write" : "fast read";
      const place = places[Math.floor(number / requestsForAWrite) % places.length] as NodePlace;
      const asked = this.ask(kind, place, due).finally(() => this.pending.delete(asked));
      this.pending.add(asked);
    }
  }

  private async ask(kind: Kind, { host, ports }: NodePlace, from: number): Promise<void> {
    const { http, keys } = this.parts;
    const to = { host, port: ports.http };
    const said = await (kind === "strong write"
      ? http.ask({ ...to, method: "PUT", path: `/live-${this.random.below(keysWritten)}?consistency=strong`, body })
      : http.ask({ ...to, method: "GET", path: `/${keyOf(this.random.below(keys))}?consistency=fast` }));
    this.samples.push({ kind, from, milliseconds: now() - from, fault: faultOf(said) });
  }
}

function faultOf(said: Exchange): string | undefined {
  if (said.kind !== "answered") return said.kind;
  return said.status < 300 ? undefined : `${said.status} ${said.body.trim().slice(0, 120)}`;
}

const isIn = ({ from }: Sample, window: Window): boolean => from >= window.from && from < window.to;

/** Of those that were served, in milliseconds; undefined: none was. */
export function p99Of(samples: readonly Sample[], kind: Kind, window: Window): number | undefined {
  const sorted = samples
    .filter((sample) => sample.kind === kind && sample.fault === undefined && isIn(sample, window))
    .map(({ milliseconds }) => milliseconds)
    .toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * 0.99) - 1];
}

export function faultsIn(samples: readonly Sample[], window: Window): readonly string[] {
  return samples.filter((sample) => isIn(sample, window)).flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
}
