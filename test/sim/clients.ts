// Clients of the simulator: each does one thing after the other and writes down what it was told.

import { unreachable } from "../../internal/base/assert.ts";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { neverExpires, stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Operation } from "../../internal/replica/command.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { ask } from "./asking.ts";
import type { FastPromises } from "./fast-promises.ts";
import { Contact, readBounded, readOwn } from "./fresh-reads.ts";
import type { FreshRead } from "./fresh-reads.ts";
import { versionName } from "./history.ts";
import type { Done, History, HistoryEntry, ReadDone, Saw, Step, Told, WriteDone } from "./history.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { readStrongly } from "./read-strongly.ts";
import { StrongReceipts } from "./strong-receipts.ts";
import type { SimNode } from "./sim-node.ts";
import type { TakenWrites } from "./taken-writes.ts";
import { virtualMilliseconds } from "./virtual-time.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Workload } from "./workload.ts";

export interface ClientCounts {
  completed: number;
  succeeded: number;
  refused: number;
  unknown: number;
}

const triesMax = 4;

export interface ClientParts {
  readonly id: number;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly workload: Workload;
  readonly random: Prng;
  readonly counts: ClientCounts;
  /** What was done how often, and with what outcome. */
  readonly met: Map<string, number>;
  readonly promises: FastPromises;
  readonly taken: TakenWrites;
}

export class Client {
  private readonly parts: ClientParts;
  private readonly id: number;
  private readonly random: Prng;
  /** What it was told last of each key. */
  private readonly known = new Map<string, Version>();
  private made = 0;
  private readonly receipts = new StrongReceipts();
  isStopped = false;

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.id = parts.id;
    this.random = parts.random;
  }

  /** Until it is stopped; `think` is the most milliseconds between two operations. */
  async work(think: number): Promise<void> {
    while (!this.isStopped) {
      await this.sleep(this.random.between(1, think));
      if (!this.isStopped) await this.once();
    }
  }

  /** One strong read of a key, again and again until it is answered. */
  async readLast(key: string): Promise<void> {
    for (;;) {
      const entry = this.begin({ kind: "read", key, mode: "strong" });
      const node = this.parts.cluster.leader;
      if (node === undefined) this.giveUp(entry);
      else await this.readStrong(entry, node);
      if (entry.told !== undefined) return;
      await this.sleep(50);
    }
  }

  private async once(): Promise<void> {
    // A number, so that counters may go on from it without coming to another.
    const name = String(this.id * 1_000_000_000 + 1000 * this.made++);
    const intent = this.parts.workload.next(this.random, name, (key) => this.known.get(key));
    switch (intent.kind) {
      case "read":
        return this.read(intent);
      case "write": {
        const { kind, mode, steps, isKeyed } = intent;
        return this.write({ kind, mode, steps, request: isKeyed ? `${this.id}/${name}` : undefined });
      }
      case "receipt":
        return this.askForFate();
      default:
        return unreachable(intent, "an intent");
    }
  }

  private async read(done: ReadDone): Promise<void> {
    const nodes = [...this.parts.cluster.nodes.values()].filter((node) => node.isUp);
    const entry = this.begin(done);
    if (nodes.length === 0) return this.giveUp(entry);
    const node = this.random.pick(nodes);
    if (done.mode === "strong") return this.readStrong(entry, node);
    if (done.mode === "session") return this.readInSession(entry, node);
    if (done.mode === "bounded") return this.readBounded(entry, node);
    if (done.mode === "own") return this.readOwn(entry, new Contact(node));
    return this.readFast(entry, node);
  }

  private async readFast(entry: HistoryEntry, node: SimNode): Promise<void> {
    const key = keyOf(entry);
    const read = await this.ask(node, async (replica) => {
      const ledTerm = termLedBy(replica);
      const record = await replica.readFast(key);
      if (ledTerm !== undefined && termLedBy(replica) === ledTerm) entry.ledTerm = ledTerm;
      return sawOf(record);
    });
    if (read === "late") this.giveUp(entry);
    else this.finish(entry, read);
  }

  private async readStrong(entry: HistoryEntry, node: SimNode): Promise<void> {
    const key = keyOf(entry);
    const read = await this.ask(node, (replica) => readStrongly(node, replica, key));
    if (read === "late" || read.kind === "refused") return this.giveUp(entry);
    this.finish(entry, sawOf(read.kind === "record" ? read.record : undefined));
  }

  private async readBounded(entry: HistoryEntry, node: SimNode): Promise<void> {
    const most = this.random.pick([50, 500, 5000]);
    for (let tries = 3; tries > 0; tries--) {
      const read = await this.ask(node, (replica) => readBounded(replica, keyOf(entry), { most, now: this.time.now }));
      if (read === "late") break;
      if (read !== undefined) return this.finishFresh(entry, read);
      await this.sleep(this.random.between(5, 50));
    }
    this.giveUp(entry);
  }

  private async readOwn(entry: HistoryEntry, contact: Contact): Promise<void> {
    const read = await this.ask(contact.node, (replica) => readOwn(replica, keyOf(entry)));
    if (read === "late" || read === undefined) return this.giveUp(entry);
    entry.via = contact.name;
    this.finishFresh(entry, read);
  }

  private finishFresh(entry: HistoryEntry, { record, freshAt }: FreshRead): void {
    entry.freshAt = freshAt;
    const kind = freshAt === undefined ? "read of what its node was answered" : "read with a bound on its age";
    this.parts.cluster.sightings.note(kind);
    this.finish(entry, sawOf(record));
  }

  /** Of a replica that has applied what this client was told of the key; one whose log lost that cannot serve it. */
  private async readInSession(entry: HistoryEntry, node: SimNode): Promise<void> {
    const key = entry.done.kind === "read" ? entry.done.key : "";
    const known = this.known.get(key);
    if (known === undefined) return this.readFast(entry, node);
    const read = await this.ask(node, (replica) => replica.readInSession(keyOf(entry), known));
    this.count(`session ${read === "late" ? "late" : read.kind}`);
    if (read !== "late" && read.kind === "lost") this.known.delete(key);
    if (read === "late" || read.kind !== "read") return this.giveUp(entry);
    entry.versions.push(known);
    this.finish(entry, sawOf(read.found));
  }

  /** Under a request id it is tried again until the outcome is known, or patience ends. */
  private async write(done: WriteDone): Promise<void> {
    const entry = this.begin(done);
    const nodes = [...this.parts.cluster.nodes.values()].filter((node) => node.isUp);
    const contact = nodes.length === 0 ? undefined : new Contact(this.random.pick(nodes));
    const first: { stamp: number | undefined } = { stamp: undefined };
    let mayHaveHappened = false;
    for (let tries = done.request === undefined ? 1 : triesMax; tries > 0; tries--) {
      const told = await this.tryWrite(entry, done, first);
      // Sometimes the answer gets lost on its way, and what took effect is asked for again.
      const isLost = tries > 1 && this.random.chance(1, 4);
      if (typeof told !== "string" && !isLost) return this.answered(entry, told, contact);
      if (told !== "no effect") mayHaveHappened = true;
      if (tries > 1) await this.sleep(this.random.between(10, 400));
    }
    if (mayHaveHappened) this.finish(entry, undefined);
    else this.giveUp(entry);
  }

  /** Told so by way of the node that it talks to, and sometimes it looks there at once. */
  private async answered(entry: HistoryEntry, told: Told, contact: Contact | undefined): Promise<void> {
    const isByContact = contact?.isThere === true && told.kind === "done";
    if (isByContact) {
      contact.noteAnswered(told.version);
      entry.via = contact.name;
    }
    this.finish(entry, told);
    const key = entry.done.kind === "write" ? entry.done.steps[0]?.key : undefined;
    if (!isByContact || key === undefined || !this.parts.workload.has("own reads") || this.random.chance(2, 3)) return;
    await this.sleep(this.random.pick([0, 0, 1, 10]));
    await this.readOwn(this.begin({ kind: "read", mode: "own", key }), contact);
  }

  private async tryWrite(
    entry: HistoryEntry,
    done: WriteDone,
    first: { stamp: number | undefined },
  ): Promise<Told | "unknown" | "no effect"> {
    // Clients may still know an old leader.
    const nodes = [...this.parts.cluster.nodes.values()].filter((node) => termLedBy(node.replica) !== undefined);
    if (nodes.length === 0) return "no effect";
    const node = this.random.pick(nodes);
    const isAgain = first.stamp !== undefined;
    const outcome = await this.ask(node, async (replica) => {
      const result = replica.propose(done.mode, (now) => {
        first.stamp ??= now;
        const request = done.request === undefined ? undefined : { id: utf8(done.request), stamp: stamp(first.stamp) };
        return { request, operations: done.steps.map((step) => operationOf(step, now)) };
      });
      if (result.kind === "refused") return result;
      const isRetried = entry.versions.length > 0 || isAgain;
      const wrong = this.parts.taken.wrongOf(node, replica, { done, version: result.version, isRetried });
      if (wrong !== undefined) node.report(wrong);
      entry.versions.push(result.version);
      return result.outcome;
    });
    if (outcome === "late" || outcome.kind === "unknown") return "unknown";
    // The answer of a refused proposal has a reason and no version.
    if (!("version" in outcome)) return "no effect";
    if (done.mode === "strong") this.receipts.add(outcome);
    if (isSealed(outcome)) return "no effect";
    // Of a fast one nobody knows yet whether it will be salvaged.
    if (outcome.kind === "overridden") return done.mode === "fast" ? "unknown" : "no effect";
    if (done.mode === "fast" && outcome.kind === "done") {
      node.promises.noteFast(outcome.version);
      this.parts.promises.add({
        client: this.id,
        key: done.steps[0]?.key ?? "",
        version: outcome.version,
        request: done.request,
        isRetried: entry.versions.length > 1,
        node: node.id,
        at: this.time.now,
      });
    }
    return toldOf(done, outcome);
  }

  /** What became of a write that this client was told of. */
  private async askForFate(): Promise<void> {
    const { promises, cluster } = this.parts;
    const nodes = [...cluster.nodes.values()].filter((node) => node.isUp);
    if (nodes.length === 0) return;
    const node = this.random.pick(nodes);
    const strong = this.receipts.any(this.random);
    if (strong !== undefined && this.random.chance(1, 2)) {
      const receipt = await this.ask(node, (replica) => replica.receiptOf(strong.version));
      if (receipt === "late") return;
      this.receipts.check(strong, receipt);
      return this.count(`receipt of a strong write ${receipt}`);
    }
    const promise = promises.any(this.random, this.id);
    if (promise === undefined) return;
    const fate = await this.ask(node, (replica) => replica.receiptOf(promise.version));
    if (fate === "late") return;
    promises.wasTold(promise, fate);
    this.count(`receipt ${fate}`);
  }

  private begin(done: Done): HistoryEntry {
    return this.parts.history.begin(this.id, done, this.time.now);
  }

  /** It had no effect, and nothing was seen. */
  private giveUp(entry: HistoryEntry): void {
    this.parts.counts.refused++;
    this.parts.history.endVoid(entry, this.time.now);
  }

  private finish(entry: HistoryEntry, told: Told | undefined): void {
    const { done } = entry;
    const { counts } = this.parts;
    this.parts.history.end(entry, told, this.time.now);
    counts.completed++;
    if (told === undefined) counts.unknown++;
    else counts.succeeded++;
    const outcome = told === undefined ? "unknown" : told.kind === "refused" ? `refused: ${told.why}` : told.kind;
    if (done.kind === "read") this.count(`${done.mode} read`);
    else for (const step of done.steps) this.count(`${done.mode} ${step.action} ${outcome}`);
    if (done.kind === "write" && done.steps.length > 1) this.count(`batch ${outcome}`);
    if (done.kind === "write" && entry.versions.length > 1) this.count(`retried request ${outcome}`);
    const version = told?.kind === "done" || told?.kind === "saw" ? told.version : undefined;
    // A fast write that was tried more than once has the version of one of its tries.
    if (version === undefined || (done.mode === "fast" && entry.versions.length > 1)) return;
    for (const key of done.kind === "read" ? [done.key] : done.steps.map((step) => step.key))
      this.known.set(key, version);
  }

  private count(what: string): void {
    const { met } = this.parts;
    met.set(what, (met.get(what) ?? 0) + 1);
  }

  private get time(): VirtualTime {
    return this.parts.cluster.time;
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.time.after(milliseconds, resolve));
  }

  private ask<T>(node: SimNode, action: (replica: Replica) => Promise<T>): Promise<T | "late"> {
    return ask(this.parts.cluster, node, action);
  }
}

/** Its slot is moving: the same request may take effect later, or elsewhere. */
const isSealed = (outcome: WriteOutcome): boolean =>
  "answer" in outcome && outcome.answer.kind === "refused" && outcome.answer.why === "sealed";

const keyOf = ({ done }: HistoryEntry): Uint8Array => utf8(done.kind === "read" ? done.key : "");

function termLedBy(replica: Replica | undefined): number | undefined {
  const status = replica?.status;
  return status?.role === "leader" ? status.term : undefined;
}

function operationOf(step: Step, now: number): Operation {
  const { condition, expiry } = step;
  return {
    action: action[step.action],
    key: utf8(step.key),
    condition: conditionKind[typeof condition === "string" ? condition : "version"],
    version: typeof condition === "string" ? undefined : condition,
    expiry: typeof expiry === "string" ? expiryMode[expiry] : expiryMode.at,
    expiresAt: typeof expiry === "string" ? undefined : stamp(now + stampOfMilliseconds(expiry)),
    wantsPrevious: step.wantsPrevious,
    body: step.action === "put" ? utf8(`\0${step.body}`) : utf8(step.body),
  };
}

function toldOf(done: WriteDone, outcome: Exclude<WriteOutcome, { kind: "unknown" | "overridden" }>): Told {
  const { answer } = outcome;
  if (answer.kind === "refused") {
    return { kind: "refused", why: answer.why, step: answer.operation, present: answer.present };
  }
  const { version } = answer;
  // Of a request that was answered before, the answer is the first one's; when that was stamped is not told.
  const isOwn = versionName(version) === versionName(outcome.version);
  const values = done.steps.map((step, which) => valueOf(step, answer.values[which]));
  return { kind: "done", version, at: isOwn ? virtualMilliseconds(outcome.stamp) : undefined, values };
}

/** Counters and lengths are told as text, previous values as they lie. */
function valueOf(step: Step, value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const isPlain = step.action === "increment" || step.action === "append";
  return utf8Text(isPlain ? value : value.subarray(1));
}

function sawOf(record: EngineRecord | undefined): Saw {
  if (record === undefined) return { kind: "saw", value: undefined, version: undefined, expiresAt: undefined };
  const expiresAt = record.expiry === neverExpires ? undefined : virtualMilliseconds(record.expiry);
  const version = { term: record.term, index: record.index };
  return { kind: "saw", value: utf8Text(record.payload.subarray(1)), version, expiresAt };
}
