// A client of a running cluster: one request after the other, strong and fast, and a history of what it was told. It asks any node, or
// stays with one as long as that listens: so each side of a cut has somebody who asks it, and a node that wakes up finds a crowd.
//
// It waits for no node that stands still: a little behind a request's deadline it asks for something else, others if it may. What it waits for no longer goes
// on without it, and when it is answered after all, the history has that answer, too: what a node says that has slept is judged.
//
//   s0 … strong requests only        f0 … blind fast writes, fast reads, now and then a strong one        m0 … both

import type { IncomingHttpHeaders } from "node:http";
import type { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { versionName } from "../sim/history.ts";
import type { History, HistoryEntry, Step, StepCondition } from "../sim/history.ts";
import type { Asked, Exchange, HttpClient } from "./http-client.ts";
import type { NodePlace } from "../support/trefoild.ts";
import { isOverWithin, now, rest } from "./moments.ts";
import type { ClusterProcesses } from "./processes.ts";
import { toldOfRead, toldOfWrite } from "./told.ts";
import type { WriteTold } from "./told.ts";
import type { Try } from "./tries.ts";

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
  /** The place of the node that it stays with. */
  readonly home?: number | undefined;
  /** Soon asks for more when it is not answered, but writes nothing then: a write that no majority has keeps reads behind it waiting. */
  readonly isImpatient?: boolean;
  readonly cluster: Pick<ClusterProcesses, "places" | "lifeOf" | "stoodStill">;
  readonly http: Pick<HttpClient, "ask">;
  readonly history: History;
  readonly random: Prng;
  readonly counts: ClientCounts;
  /** What headers said of who served a read, for the report of a failure. */
  readonly served: WeakMap<HistoryEntry, string>;
  /** What its writes were told, each try of them: also those that it gave up. */
  readonly tries: Try[];
  /** For so long it waits for a node. */
  readonly patienceMilliseconds?: number;
}

export const strongKeys = 20;
export const fastKeys = 15;
export const mixedKeys = 15;
const deadlineMilliseconds = 2000;
const patienceDefaultMilliseconds = deadlineMilliseconds + 300;
/** Of one that is impatient. */
const hurryMilliseconds = 200;
const underWayMax = 32;
/** It asks others for so long then. */
const shunMilliseconds = 1000;
/** A machine of two cores that runs all of this may be busy for a while. */
const lateMilliseconds = deadlineMilliseconds + 3000;
const triesMax = 4;
const pauseMilliseconds = 100;

interface Tried {
  readonly told: WriteTold;
  readonly life: string;
}

/** With the process that was asked last. */
interface Asking {
  readonly exchange: Exchange;
  readonly life: string;
  readonly calledAt: number;
}

const givenUp: Tried = { told: { kind: "unknown", why: "given up" }, life: "" };

function servedBy(headers: IncomingHttpHeaders): string {
  const names = ["node", "group", "role", "staleness-ms"];
  return names.map((name) => headers[`trefoil-${name}`] ?? "?").join(" ");
}

export class MixedClient {
  isStopped = false;
  private readonly parts: ClientParts;
  private readonly patienceMilliseconds: number;
  private readonly known = new Map<string, Version>();
  private made = 0;
  private requests = 0;
  private shunned = { id: "", until: Number.NEGATIVE_INFINITY };
  /** What it may have ceased to wait for. */
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.patienceMilliseconds = parts.patienceMilliseconds ?? patienceDefaultMilliseconds;
  }

  /** `think`: milliseconds between two requests, at most. Resolves when it is stopped and all that it asked for is over. */
  async work(think: number): Promise<void> {
    const { random, isImpatient = false } = this.parts;
    while (!this.isStopped) {
      await rest(random.between(1, think));
      const key = this.anyKey();
      const isFast = key.startsWith("f") ? random.chance(9, 10) : key.startsWith("m") && random.chance(1, 2);
      const mode = isFast ? "fast" : "strong";
      const isRead = random.chance(1, 2) || (isImpatient && this.underWay.size > 0);
      const isInHurry = isImpatient && this.underWay.size < underWayMax;
      const work = isRead ? this.read(key, mode) : this.write(isFast ? this.blind(key) : this.anyStep(key), mode);
      await this.endsWithin(isInHurry ? hurryMilliseconds : this.patienceMilliseconds, work);
    }
    await Promise.all(this.underWay);
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
      const mayTryAgain = tries < triesMax && request !== undefined;
      const answer = this.ask(entry, step, { mode, request });
      const { told, life } =
        mayTryAgain && !(await this.endsWithin(this.patienceMilliseconds, answer)) ? givenUp : await answer;
      entry.via = life;
      if (told.kind === "told") return this.finish(entry, step, told);
      isDoubtful ||= told.kind === "unknown";
      if (mayTryAgain && isDoubtful) {
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
  ): Promise<Tried> {
    const headers: Record<string, string> = { "content-type": "text/plain" };
    if (request !== undefined) headers["idempotency-key"] = request;
    if (step.condition === "absent") headers["if-none-match"] = "*";
    else if (step.condition === "present") headers["if-match"] = "*";
    else if (step.condition !== "none") headers["if-match"] = `"${versionName(step.condition)}"`;
    const ttl = typeof step.expiry === "number" ? step.expiry : undefined;
    const live = ttl === undefined ? "" : `&ttl=${ttl}ms`;
    const path = `/${step.key}?consistency=${mode}&timeout=${deadlineMilliseconds}ms${live}`;
    const method = step.action === "put" ? "PUT" : "DELETE";
    const { exchange, life, calledAt } = await this.askAnyone({ method, path, headers, body: step.body });
    const told = toldOfWrite(exchange, ttl);
    if (told.kind === "told") this.parts.tries.push({ entry, told: told.told, via: life, calledAt, returnedAt: now() });
    return { told, life };
  }

  private finish(entry: HistoryEntry, step: Step, { told }: Extract<WriteTold, { kind: "told" }>): void {
    this.parts.counts.done++;
    if (told.kind === "done") this.known.set(step.key, told.version);
    this.parts.history.end(entry, told, now());
  }

  /** What ends later goes on; what fails then fails the client in the end. */
  private async endsWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
    this.underWay.add(work);
    const ended = work.then(() => void this.underWay.delete(work));
    return isOverWithin(milliseconds, ended);
  }

  private count(what: "refused" | "unknown", why: string): void {
    const { counts } = this.parts;
    counts[what]++;
    counts.why.set(why, (counts.why.get(why) ?? 0) + 1);
  }

  /** Node after node, until somebody listens. */
  private async askAnyone(asked: Omit<Asked, "host" | "port">): Promise<Asking> {
    const { cluster, http, counts } = this.parts;
    let exchange: Exchange = { kind: "not_sent" };
    let life = "";
    let calledAt = now();
    for (const { id, host, ports } of this.placesInTurn()) {
      life = cluster.lifeOf(id);
      calledAt = now();
      const asking = http.ask({ ...asked, host, port: ports.http });
      if (!(await isOverWithin(this.patienceMilliseconds, asking))) {
        this.shunned = { id, until: now() + shunMilliseconds };
      }
      exchange = await asking;
      if (exchange.kind === "silent") counts.silent++;
      if (exchange.kind === "answered" && now() - calledAt > lateMilliseconds && !cluster.stoodStill(id, calledAt))
        counts.late++;
      if (exchange.kind !== "not_sent") break;
    }
    return { exchange, life, calledAt };
  }

  /** From its home on, or from a random one on; then comes last the one that let it wait for nothing lately. */
  private placesInTurn(): readonly NodePlace[] {
    const { home, cluster, random } = this.parts;
    const { places } = cluster;
    const first = home ?? random.below(places.length);
    const turned = [...places.slice(first), ...places.slice(0, first)];
    const { id: shunned, until } = this.shunned;
    if (home !== undefined || now() >= until) return turned;
    return turned.sort((left, right) => Number(left.id === shunned) - Number(right.id === shunned));
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
