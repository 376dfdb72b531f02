// A client of a running cluster: one request after the other to any node, strong and fast, and a history of what it was told.
//
//   s0 … strong requests only        f0 … blind fast writes, fast reads, now and then a strong one        m0 … both

import type { IncomingHttpHeaders } from "node:http";
import type { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { versionName } from "../sim/history.ts";
import type { History, HistoryEntry, Step, StepCondition } from "../sim/history.ts";
import type { Asked, Exchange, HttpClient } from "./http-client.ts";
import type { NodePlace } from "../support/trefoild.ts";
import { now, rest } from "./moments.ts";
import type { ClusterProcesses } from "./processes.ts";
import { toldOfRead, toldOfWrite } from "./told.ts";
import type { WriteTold } from "./told.ts";

export interface ClientCounts {
  done: number;
  refused: number;
  unknown: number;
  /** Requests that were not answered long after their deadline. */
  silent: number;
  /** That were answered, and later than their deadline allows, by a node that did not stand still meanwhile. */
  late: number;
  readonly why: Map<string, number>;
}

export interface ClientParts {
  readonly name: number;
  readonly cluster: ClusterProcesses;
  readonly http: HttpClient;
  readonly history: History;
  readonly random: Prng;
  readonly counts: ClientCounts;
  /** What headers said of who served a read, for the report of a failure. */
  readonly served: WeakMap<HistoryEntry, string>;
}

export const strongKeys = 20;
export const fastKeys = 15;
export const mixedKeys = 15;
const deadlineMilliseconds = 2000;
/** A machine of two cores that runs all of this may be busy for a while. */
const lateMilliseconds = deadlineMilliseconds + 3000;
const triesMax = 4;
const pauseMilliseconds = 100;

function servedBy(headers: IncomingHttpHeaders): string {
  const names = ["node", "group", "role", "staleness-ms"];
  return names.map((name) => headers[`trefoil-${name}`] ?? "?").join(" ");
}

export class MixedClient {
  isStopped = false;
  private readonly parts: ClientParts;
  private readonly known = new Map<string, Version>();
  private made = 0;
  private requests = 0;

  constructor(parts: ClientParts) {
    this.parts = parts;
  }

  /** `think`: milliseconds between two requests, at most. */
  async work(think: number): Promise<void> {
    const { random } = this.parts;
    while (!this.isStopped) {
      await rest(random.between(1, think));
      const key = this.anyKey();
      const isFast = key.startsWith("f") ? random.chance(9, 10) : key.startsWith("m") && random.chance(1, 2);
      if (random.chance(1, 2)) await this.read(key, isFast ? "fast" : "strong");
      else await this.write(isFast ? this.blind(key) : this.anyStep(key), isFast ? "fast" : "strong");
    }
  }

  /** Until it is answered, or until `deadline`. */
  async readLast(key: string, deadline: number): Promise<void> {
    for (;;) {
      const entry = await this.read(key, "strong");
      if (entry.told !== undefined) return;
      if (now() > deadline) throw new Error(`no strong read of ${key} was answered in the end`);
      await rest(pauseMilliseconds);
    }
  }

  private async read(key: string, mode: "fast" | "strong"): Promise<HistoryEntry> {
    const { history, name, counts, served } = this.parts;
    const entry = history.begin(name, { kind: "read", mode, key }, now());
    const path = `/${key}?consistency=${mode}&timeout=${deadlineMilliseconds}ms`;
    const { exchange, life } = await this.askAnyone({ method: "GET", path });
    if (exchange.kind === "answered") served.set(entry, servedBy(exchange.headers));
    if (exchange.kind === "silent") counts.silent++;
    const read = toldOfRead(exchange);
    if (read.kind === "refused") {
      this.count("refused", read.why);
      history.end(entry, undefined, now());
      return entry;
    }
    counts.done++;
    if (read.told.version !== undefined) this.known.set(key, read.told.version);
    entry.via = life;
    history.end(entry, read.told, now());
    return entry;
  }

  private async write(step: Step, mode: "fast" | "strong"): Promise<void> {
    const { history, name, random } = this.parts;
    const request = mode === "strong" && random.chance(1, 2) ? `${name}-${++this.requests}` : undefined;
    const entry = history.begin(name, { kind: "write", mode, steps: [step], request }, now());
    let isDoubtful = false;
    for (let tries = 1; ; tries++) {
      const told = await this.ask(entry, step, { mode, request });
      if (told.kind === "told") return this.finish(entry, step, told);
      isDoubtful ||= told.kind === "unknown";
      const isLast = tries === triesMax || request === undefined || !isDoubtful;
      if (!isLast) {
        await rest(pauseMilliseconds);
        continue;
      }
      this.count(isDoubtful ? "unknown" : "refused", told.why);
      if (isDoubtful) history.end(entry, undefined, now());
      else history.endVoid(entry, now());
      return;
    }
  }

  private async ask(
    entry: HistoryEntry,
    step: Step,
    { mode, request }: { readonly mode: "fast" | "strong"; readonly request: string | undefined },
  ): Promise<WriteTold> {
    const headers: Record<string, string> = { "content-type": "text/plain" };
    if (request !== undefined) headers["idempotency-key"] = request;
    if (step.condition === "absent") headers["if-none-match"] = "*";
    else if (step.condition === "present") headers["if-match"] = "*";
    else if (step.condition !== "none") headers["if-match"] = `"${versionName(step.condition)}"`;
    const ttl = typeof step.expiry === "number" ? step.expiry : undefined;
    const live = ttl === undefined ? "" : `&ttl=${ttl}ms`;
    const path = `/${step.key}?consistency=${mode}&timeout=${deadlineMilliseconds}ms${live}`;
    const method = step.action === "put" ? "PUT" : "DELETE";
    const { exchange, life } = await this.askAnyone({ method, path, headers, body: step.body });
    if (exchange.kind === "silent") this.parts.counts.silent++;
    entry.via = life;
    return toldOfWrite(exchange, ttl);
  }

  private finish(entry: HistoryEntry, step: Step, { told }: Extract<WriteTold, { kind: "told" }>): void {
    this.parts.counts.done++;
    if (told.kind === "done") this.known.set(step.key, told.version);
    this.parts.history.end(entry, told, now());
  }

  private count(what: "refused" | "unknown", why: string): void {
    const { counts } = this.parts;
    counts[what]++;
    counts.why.set(why, (counts.why.get(why) ?? 0) + 1);
  }

  /** Node after node, from a random one on, until somebody listens. */
  private async askAnyone(
    asked: Omit<Asked, "host" | "port">,
  ): Promise<{ readonly exchange: Exchange; readonly life: string }> {
    const { cluster, http, random, counts } = this.parts;
    const { places } = cluster;
    const first = random.below(places.length);
    let exchange: Exchange = { kind: "not_sent" };
    let life = "";
    for (let at = 0; exchange.kind === "not_sent" && at < places.length; at++) {
      const { id, host, ports } = places[(first + at) % places.length] as NodePlace;
      life = cluster.lifeOf(id);
      const from = now();
      exchange = await http.ask({ ...asked, host, port: ports.http });
      if (exchange.kind === "answered" && now() - from > lateMilliseconds && !cluster.stoodStill(id, from))
        counts.late++;
    }
    return { exchange, life };
  }

  private anyKey(): string {
    const at = this.parts.random.below(strongKeys + fastKeys + mixedKeys);
    if (at < strongKeys) return `s${at}`;
    return at < strongKeys + fastKeys ? `f${at - strongKeys}` : `m${at - strongKeys - fastKeys}`;
  }

  private blind(key: string): Step {
    const { random, name } = this.parts;
    const isDelete = random.chance(1, 10);
    const expiry = !isDelete && random.chance(1, 10) ? random.between(200, 5000) : "never";
    const body = isDelete ? "" : `${name}.${this.made++}`;
    return { key, action: isDelete ? "delete" : "put", condition: "none", expiry, body, wantsPrevious: false };
  }

  private anyStep(key: string): Step {
    const step = this.blind(key);
    const condition = this.anyCondition(key);
    // A delete creates nothing, and is refused when it is asked to.
    return { ...step, condition: step.action === "delete" && condition === "absent" ? "present" : condition };
  }

  private anyCondition(key: string): StepCondition {
    const { random } = this.parts;
    if (random.chance(2, 3)) return "none";
    const known = this.known.get(key);
    if (known !== undefined && random.chance(2, 3)) return known;
    return random.chance(1, 2) ? "absent" : "present";
  }
}
