// Clients of a simulated cluster: each talks to the coordinator of some node, and writes down what it was told. What a request asks for
// is drawn as for a single group (../workload.ts), of what coordinators offer.

import { assert } from "../../../internal/base/assert.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import type { Version } from "../../../internal/engine/cell.ts";
import { GroupRefusal } from "../../../internal/node/failure.ts";
import type { Coordinator, GetAnswer } from "../../../internal/node/requests.ts";
import type { ClientCounts } from "../clients.ts";
import type { Done, HistoryEntry, ReadDone, Told, WriteDone } from "../history.ts";
import { expectThat, Violation } from "../violation.ts";
import { keysOfAKind } from "../workload.ts";
import type { Feature, Intent, Workload } from "../workload.ts";
import { askNode } from "./ask-node.ts";
import type { Heard } from "./ask-node.ts";
import type { Histories } from "./histories.ts";
import { listKeys } from "./listing.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";
import { keyOf, refusedOf, requestOf, sawOf, writtenOf } from "./told.ts";

/** Of the workload of a single group: what a coordinator does not offer, or not yet. */
export const notOffered: readonly Feature[] = [
  "counters",
  "appends",
  "batches",
  "touch",
  "previous",
  "session reads",
  "receipts",
  "filler",
  "slots",
  "bounded reads",
  "own reads",
];

export interface ClusterClientParts {
  readonly id: number;
  readonly world: SimWorld;
  readonly histories: Histories;
  readonly workload: Workload;
  readonly random: Prng;
  readonly counts: ClientCounts;
  readonly met: Map<string, number>;
  /** By key, of all clients: strong writes of unknown outcome. */
  readonly doubts: Map<string, number>;
}

const timeoutsMilliseconds = [300, 1000, 2000] as const;
const triesMax = 4;
/** With more of them on one key the search for an order gives up: from then on it is read only. */
const doubtsMax = 12;
const openingLooks = 8;
/** Longer than a lost connection is not dialled again, and an election thereafter. */
const healedMilliseconds = 8000;

type Tried =
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "no effect" }
  | { readonly kind: "unknown" };

export class ClusterClient {
  isStopped = false;
  private readonly parts: ClusterClientParts;
  private readonly known = new Map<string, Version>();
  private machine: Machine | undefined;
  private made = 0;

  constructor(parts: ClusterClientParts) {
    this.parts = parts;
  }

  /** Until it is stopped; `think` is the most milliseconds between two operations. */
  async work(think: number): Promise<void> {
    const { random } = this.parts;
    while (!this.isStopped) {
      await this.sleep(random.between(1, think));
      if (!this.isStopped) await this.once();
    }
  }

  /** At a healed cluster: each node answers a strong read, and a fast one, to who asks again while connections come back. */
  async readAt(machine: Machine, key: string): Promise<void> {
    const { time } = this.parts.world;
    for (const mode of ["strong", "fast"] as const) {
      const end = time.now + healedMilliseconds;
      const read = (): Promise<Heard<GetAnswer>> => this.get(machine, this.begin({ kind: "read", key, mode }), 2000);
      let heard = await read();
      while (heard.kind === "refused" && time.now < end) {
        await this.sleep(100);
        heard = await read();
      }
      if (heard.kind === "answered") continue;
      const why = heard.kind === "refused" ? `${heard.failure.code}: ${heard.failure.message}` : heard.kind;
      throw new Violation(
        "progress",
        `${machine.id} does not answer a ${mode} read of ${key}, though all healed: ${why}`,
      );
    }
  }

  private async once(): Promise<void> {
    const { random, workload, world, id } = this.parts;
    const name = String(id * 1_000_000_000 + 1000 * this.made++);
    const intent: Intent = workload.next(random, name, (key) => this.known.get(key));
    // Most clients keep to a node as long as it is there; some know of one that is not.
    if (this.machine === undefined || random.chance(1, 5)) this.machine = random.pick(world.machines);
    // What a node tells before its own replicas are open, it has to know when they are.
    const opening = world.up.filter((machine) => machine.isOpening);
    if (opening.length > 0 && random.chance(1, 2)) this.machine = random.pick(opening);
    const { machine } = this;
    if (intent.kind === "receipt") return;
    if (intent.kind === "read" && random.chance(1, 6)) return this.list(machine, intent);
    if (intent.kind === "read") return this.read(machine, intent);
    const { kind, mode, steps, isKeyed } = intent;
    const doubtful = steps.find(({ key }) => mode === "strong" && (this.parts.doubts.get(key) ?? 0) >= doubtsMax);
    if (doubtful !== undefined) return this.read(machine, { kind: "read", key: doubtful.key, mode });
    await this.write(machine, { kind, mode, steps, request: isKeyed ? `${id}/${name}` : undefined });
  }

  // --- reads

  private async read(machine: Machine, done: ReadDone): Promise<void> {
    const entry = this.begin(done);
    await this.get(machine, entry, this.parts.random.pick(timeoutsMilliseconds));
  }

  private async get(machine: Machine, entry: HistoryEntry, timeout: number): Promise<Heard<GetAnswer>> {
    const { done } = entry;
    const mode = done.mode === "strong" ? "strong" : "fast";
    const request = { key: keyOf(done), mode } as const;
    const { process } = machine;
    const heard = await askNode(this.parts.world, machine, timeout, async (coordinator, caller) => {
      return coordinator.getNow(request) ?? (await coordinator.get(request, caller));
    });
    if (heard.kind !== "answered") {
      this.failed(machine, heard);
      this.giveUp(entry);
      return heard;
    }
    const { record, served, stalenessMilliseconds } = heard.value;
    this.noteServed(machine, served.node);
    expectThat(served.role !== "learner", "reads are served by voters", () => {
      return `${served.node} served a ${mode} read of ${done.kind === "read" ? done.key : ""} in group ${served.group} while it was being filled`;
    });
    entry.via = process;
    if (mode === "fast" && stalenessMilliseconds !== undefined) entry.freshAt = entry.calledAt - stalenessMilliseconds;
    this.finish(entry, sawOf(record));
    return heard;
  }

  /** All keys of a kind, of which the intent names one. */
  private async list(first: Machine, { key, mode }: ReadDone): Promise<void> {
    const { id: client, world, histories, random, counts } = this.parts;
    const prefix = key.slice(0, 1);
    const keys = Array.from({ length: keysOfAKind }, (_, at) => `${prefix}${at}`);
    const range = { keys, prefix, mode: mode === "strong" ? ("strong" as const) : ("fast" as const) };
    let machine = first;
    const heard = await listKeys({ client, world, histories, random }, range, () => {
      // A cursor is any node's.
      if (random.chance(1, 4)) machine = random.pick(world.machines);
      return machine;
    });
    this.count(`${mode} pages of keys by way of a node`);
    if (heard.kind === "answered") {
      counts.completed++;
      counts.succeeded++;
      return;
    }
    counts.refused++;
    this.failed(machine, heard);
  }

  // --- writes

  /** Under a request id it is tried again, at any node, until the outcome is known, or patience ends. */
  private async write(first: Machine, done: WriteDone): Promise<void> {
    const { random, world } = this.parts;
    const entry = this.begin(done);
    let machine = first;
    let mayHaveHappened = false;
    for (let tries = done.request === undefined ? 1 : triesMax; tries > 0; tries--) {
      const { process } = machine;
      const tried = await this.tryWrite(machine, done);
      // Sometimes the answer gets lost on its way, and what took effect is asked for again.
      const isLost = tries > 1 && random.chance(1, 5);
      if (tried.kind === "told" && !isLost) {
        // Nobody says which of its tries an answer is of.
        if (done.request !== undefined && done.mode === "fast") entry.versions.push(noVersion, noVersion);
        entry.via = process;
        this.finish(entry, tried.told);
        return this.lookAgain(machine, process, done);
      }
      if (tried.kind !== "no effect") {
        mayHaveHappened = true;
        if (tries > 1) world.met.note("request retried after an unknown outcome");
      }
      if (tries === 1) break;
      await this.sleep(random.between(10, 400));
      machine = random.pick(world.machines);
    }
    if (mayHaveHappened) this.finish(entry, undefined);
    else this.giveUp(entry);
  }

  private async tryWrite(machine: Machine, done: WriteDone): Promise<Tried> {
    const { random, world } = this.parts;
    const request = requestOf(done);
    const timeout = random.pick(timeoutsMilliseconds);
    const heard = await askNode(world, machine, timeout, (coordinator: Coordinator, caller) =>
      coordinator.write(request, caller),
    );
    switch (heard.kind) {
      case "answered":
        this.noteServed(machine, heard.value.served.node);
        return { kind: "told", told: writtenOf(heard.value) };
      case "refused": {
        const { failure } = heard;
        this.failed(machine, heard);
        if (failure.code === "precondition_failed") {
          assert(failure instanceof GroupRefusal, "a condition that no group has looked at", { failure });
          return { kind: "told", told: refusedOf(failure) };
        }
        return { kind: failure.outcome === "not_applied" ? "no effect" : "unknown" };
      }
      case "nobody":
        return { kind: "no effect" };
      case "lost":
        return { kind: "unknown" };
      default:
        throw new Error("an answer of another kind");
    }
  }

  /** Rule 16: who was answered by a node, finds it there. */
  private async lookAgain(machine: Machine, process: string, { steps }: WriteDone): Promise<void> {
    const { random, world } = this.parts;
    const [step] = steps;
    const { isOpening } = machine;
    if (step === undefined || (!isOpening && random.chance(2, 3))) return;
    if (isOpening) world.met.note("write answered by a node whose replicas are not all open");
    for (let looks = isOpening ? openingLooks : 1; looks > 0; looks--) {
      await this.sleep(random.pick([0, 0, 1, 10]));
      if (machine.process !== process) return;
      world.met.note("fast read where a write was answered");
      await this.read(machine, { kind: "read", mode: "fast", key: step.key });
    }
  }

  // --- what is written down

  private begin(done: Done): HistoryEntry {
    const { id, world, histories } = this.parts;
    return histories.begin(id, done, world.time.now);
  }

  private giveUp(entry: HistoryEntry): void {
    const { counts, histories, world } = this.parts;
    counts.refused++;
    histories.of(entry).endVoid(entry, world.time.now);
  }

  private doubt({ steps }: WriteDone): void {
    const { doubts } = this.parts;
    for (const { key } of steps) doubts.set(key, (doubts.get(key) ?? 0) + 1);
  }

  private finish(entry: HistoryEntry, told: Told | undefined): void {
    const { counts, histories, world } = this.parts;
    const { done } = entry;
    histories.of(entry).end(entry, told, world.time.now);
    counts.completed++;
    if (told === undefined) counts.unknown++;
    else counts.succeeded++;
    if (told === undefined && done.kind === "write" && done.mode === "strong") this.doubt(done);
    const outcome = told === undefined ? "unknown" : told.kind === "refused" ? `refused: ${told.why}` : told.kind;
    if (done.kind === "read") this.count(`${done.mode} read by way of a node`);
    else for (const step of done.steps) this.count(`${done.mode} ${step.action} by way of a node ${outcome}`);
    const version = told?.kind === "done" || told?.kind === "saw" ? told.version : undefined;
    if (version === undefined || entry.versions.length > 0) return;
    for (const key of done.kind === "read" ? [done.key] : done.steps.map((step) => step.key)) {
      this.known.set(key, version);
    }
  }

  private failed(machine: Machine, heard: Heard<unknown>): void {
    // Whoever gets no answer looks for another node.
    if (heard.kind !== "refused" || heard.failure.code !== "precondition_failed") this.machine = undefined;
    this.count(`by way of a node: ${heard.kind === "refused" ? heard.failure.code : heard.kind}`);
    if (heard.kind === "refused" && heard.failure.code === "internal") machine.report(heard.failure);
  }

  private noteServed(machine: Machine, node: string): void {
    const { met, limits } = this.parts.world;
    met.note(machine.id === node ? "request served by its own node" : "request forwarded");
    if (machine.id === limits.joiner) met.note("request by way of a node that joined");
    if (machine.node?.groups.all.size === 0) met.note("request by way of a node without replicas");
  }

  private count(what: string): void {
    const { met } = this.parts;
    met.set(what, (met.get(what) ?? 0) + 1);
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.parts.world.time.after(milliseconds, resolve));
  }
}

const noVersion = { term: 0, index: 0 } as Version;
