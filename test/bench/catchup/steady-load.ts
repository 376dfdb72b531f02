// Clients that ask so many times a second, whatever became of the last request: a third of it strong writes, the rest fast reads. What
// each moment cost them is told by quantiles of windows; a request belongs to the window in which it was made.

import { Prng } from "../../../internal/base/prng.ts";
import type { Exchange, HttpClient } from "../../e2e/http-client.ts";
import { now, rest } from "../../e2e/moments.ts";
import type { NodePlace } from "../../support/trefoild.ts";
import { keyOf } from "./missed-data.ts";

export type Kind = "strong write" | "fast read";

export interface Sample {
  readonly kind: Kind;
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
  readonly http: HttpClient;
  /** Asked by turns. */
  readonly places: readonly NodePlace[];
  readonly perSecond: number;
  /** Reads are of the first so many keys of what was missed. */
  readonly keys: number;
}

const requestsForAWrite = 3;
const keysWritten = 1000;
const body = "x".repeat(1024);

export class SteadyLoad {
  readonly samples: Sample[] = [];
  private readonly parts: LoadParts;
  private readonly random = new Prng(3);
  private readonly pending = new Set<Promise<void>>();
  private readonly running: Promise<void>;
  private isStopped = false;

  constructor(parts: LoadParts) {
    this.parts = parts;
    this.running = this.run();
  }

  static writesPerSecond(perSecond: number): number {
    return perSecond / requestsForAWrite;
  }

  /** Resolves when all that was asked has come to an end. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.pending);
  }

  private async run(): Promise<void> {
    const { places, perSecond } = this.parts;
    const begun = now();
    for (let turn = 0; !this.isStopped; turn++) {
      const wait = begun + (turn * 1000) / perSecond - now();
      if (wait > 0) await rest(wait);
      const kind = turn % requestsForAWrite === 0 ? "strong write" : "fast read";
      const place = places[Math.floor(turn / requestsForAWrite) % places.length] as NodePlace;
      const asked = this.ask(kind, place).finally(() => this.pending.delete(asked));
      this.pending.add(asked);
    }
  }

  private async ask(kind: Kind, { host, ports }: NodePlace): Promise<void> {
    const { http, keys } = this.parts;
    const from = now();
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
