// A random trial of the simulated network: processes that talk to each other while everything goes wrong, and a judge who knows
// all that was sent. Whatever the Network interface promises is held against what arrived; a promise that was broken is
// thrown, with the seed.
//
// Messages say who sent them when: sender, life, connection (counted by the sender's `up`), lane, number. One whose first byte
// is 1 may be scattered, and is only held against having been sent at all.

import assert from "node:assert/strict";
import type { NodeId } from "../../../internal/base/ids.ts";
import { Prng } from "../../../internal/base/prng.ts";
import type { IncomingRequest, Lane, RequestOutcome } from "../../../internal/platform/network.ts";
import { VirtualTime } from "../virtual-time.ts";
import { overtakingMilliseconds } from "./link.ts";
import { TrialNode } from "./trial-node.ts";
import { addressLink, Wires } from "./wires.ts";

const names = ["a", "b", "c", "gateway"];
const faultyMilliseconds = 40_000;
const quietMilliseconds = 15_000;
/** Keepalive, twice, a ping, and the worst weather and links. */
const noticedMilliseconds = 4500;

interface Asked {
  readonly deadline: number;
  readonly by: TrialNode;
  readonly life: number;
  served: number;
  refused: boolean;
  outcome: RequestOutcome | undefined;
}

export interface TrialTotals {
  readonly messages: number;
  readonly downs: number;
  readonly outcomes: Map<string, number>;
  readonly sightings: Map<string, number>;
  /** Of all that happened, in order. */
  readonly trace: number;
}

export class Trial {
  readonly time = new VirtualTime();
  readonly wires: Wires;
  readonly nodes: TrialNode[];
  readonly random: Prng;
  private readonly faults: Prng;
  private readonly talk: Prng;
  private readonly sent = new Map<string, number>();
  private readonly seen = new Set<string>();
  private readonly orders = new Map<string, number>();
  private readonly asked: Asked[] = [];
  private readonly outcomes = new Map<string, number>();
  private readonly failures: unknown[] = [];
  private messages = 0;
  private trace = 0;
  private isHealed = false;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.faults = this.random.split("faults");
    this.talk = this.random.split("talk");
    const chance = this.random.split("wires");
    this.wires = new Wires({ time: this.time, chance, mayScatter: (payload) => payload[0] === 1 });
    this.nodes = names.map((name) => new TrialNode(name, this));
  }

  async run(): Promise<TrialTotals> {
    for (const node of this.nodes) node.start();
    this.time.after(500, () => this.talkOn());
    this.time.after(1000, () => this.harm());
    this.time.after(1000, () => this.watch());
    await this.time.runTo(faultyMilliseconds);
    this.heal();
    await this.time.runTo(faultyMilliseconds + quietMilliseconds);
    if (this.failures.length > 0) throw this.failures[0];
    this.judge();
    const downs = this.nodes.reduce((sum, node) => sum + node.downs, 0);
    const { messages, outcomes, trace } = this;
    return { messages, downs, outcomes, sightings: this.wires.counts, trace };
  }

  /** Whether `to` has dialled, or was dialled by, `from`: nobody dials a gateway. */
  isPair(from: TrialNode, to: TrialNode): boolean {
    return from !== to && !(from.isGateway && to.isGateway);
  }

  /** A promise was found broken where nobody waits. */
  broken(reason: unknown): void {
    this.failures.push(reason);
  }

  note(...what: number[]): void {
    for (const value of what) this.trace = (Math.imul(this.trace, 31) + Math.round(value * 100)) | 0;
  }

  // --- what is said

  private talkOn(): void {
    const { talk } = this;
    for (let count = talk.between(1, 6); count > 0; count--) this.say(talk.pick(this.nodes), talk.pick(this.nodes));
    if (!this.isHealed) this.time.after(talk.between(1, 15), () => this.talkOn());
  }

  private say(from: TrialNode, to: TrialNode): void {
    const { talk } = this;
    const isRequest = talk.chance(1, 4);
    const lane = talk.pick(["urgent", "ordinary", "ordinary", "bulk"] as const);
    const bytes = talk.chance(1, 60) && lane !== "urgent" ? talk.between(100_000, 900_000) : talk.between(0, 300);
    const mayScatter = talk.chance(1, 3);
    const timeout = talk.between(20, 4000);
    if (!this.isPair(from, to)) return;
    from.act(() => {
      if (isRequest) this.ask(from, to, timeout);
      else this.send(from, to, lane, { mayScatter, bytes });
    });
  }

  private send(from: TrialNode, to: TrialNode, lane: Lane, of: { mayScatter: boolean; bytes: number }): void {
    const peer = from.peer(to);
    if (peer === undefined) return;
    const { era, at } = from.connection(to.id);
    const isSettled = this.time.now - at > overtakingMilliseconds;
    const key = [from.name, from.life, to.name, era, lane, of.mayScatter ? "scattered" : ""].join(" ");
    const number = (this.sent.get(key) ?? 0) + 1;
    this.sent.set(key, number);
    const head = new TextEncoder().encode(`\0${key}|${number}|${isSettled ? 1 : 0}|${of.bytes}|`);
    const payload = new Uint8Array(head.length + of.bytes).fill(number);
    payload.set(head);
    payload[0] = of.mayScatter ? 1 : 0;
    const isTaken = peer.send(lane, payload);
    assert.ok(!isTaken || peer.life !== undefined, "taken for a peer that is not connected");
  }

  private ask(from: TrialNode, to: TrialNode, timeoutMilliseconds: number): void {
    const peer = from.peer(to);
    if (peer === undefined) return;
    const deadline = this.time.now + timeoutMilliseconds;
    const asked: Asked = { deadline, by: from, life: from.life, served: 0, refused: false, outcome: undefined };
    const number = this.asked.push(asked) - 1;
    const isDown = peer.life === undefined;
    const judge = (outcome: RequestOutcome): void => {
      assert.equal(asked.outcome, undefined, "a second outcome");
      asked.outcome = outcome;
      const what = outcome.kind === "answered" ? outcome.kind : `${outcome.kind} ${outcome.why}`;
      this.outcomes.set(what, (this.outcomes.get(what) ?? 0) + 1);
      this.note(number, this.time.now, what.length);
      if (isDown) assert.equal(what, "refused down");
      const { kind: how } = outcome;
      if (how === "answered") assert.equal(new TextDecoder().decode(outcome.payload), `${number} served by ${to.name}`);
      const late = this.time.now - Math.max(deadline, from.awakeAt);
      assert.ok(late <= 0.001, `the outcome of request ${number} came ${late} ms after its deadline`);
      if (what === "unknown late") assert.ok(this.time.now >= deadline, "late before its time was up");
    };
    const payload = new TextEncoder().encode(String(number));
    peer
      .request(payload, { timeoutMilliseconds, trace: "" })
      .then(judge)
      .catch((reason: unknown) => this.broken(reason));
  }

  // --- what arrives

  arrived(at: TrialNode, from: NodeId, payload: Uint8Array): void {
    this.messages++;
    const text = new TextDecoder("latin1").decode(payload.subarray(1, 80));
    const [key = "", numbered, settled, size] = text.split("|");
    const [sender, life, to, era, lane] = key.split(" ");
    const number = Number(numbered);
    this.note(number, this.time.now);
    const what = `message ${number} of "${key}"`;
    const fill = payload.subarray(payload.length - Number(size));
    assert.ok(
      Number(size) === 0 || (fill[0] === (number & 255) && fill.at(-1) === (number & 255)),
      `${what} was changed on its way`,
    );
    assert.deepEqual([from, at.name], [sender, to], `${what} went astray`);
    assert.ok(number <= (this.sent.get(key) ?? 0), `${what} was never sent`);
    if (payload[0] === 1) return;
    assert.equal(at.upLife(from), Number(life), `${what} came from a process that is not up`);
    const once = `${key} ${number}`;
    assert.ok(!this.seen.has(once), `${what} came twice`);
    this.seen.add(once);
    if (settled !== "1") return;
    const order = [at.life, key, era, lane].join(" ");
    assert.ok(number > (this.orders.get(order) ?? 0), `${what} came behind a later one`);
    this.orders.set(order, number);
  }

  serve(at: TrialNode, request: IncomingRequest): void {
    const number = Number(new TextDecoder().decode(request.payload));
    const asked = this.asked[number];
    assert.ok(asked !== undefined, "a request that nobody made");
    asked.served++;
    assert.equal(asked.served, 1, `request ${number} came twice`);
    assert.ok(request.remainingMilliseconds > 0, "a request whose time was up was served");
    const { talk } = this;
    const answer = (): void => request.answer(new TextEncoder().encode(`${number} served by ${at.name}`));
    const choice = talk.below(10);
    const pause = talk.between(1, 2000);
    if (choice === 0) {
      asked.refused = true;
      request.refuse();
    } else if (choice < 4) at.clock.after(pause, answer);
    else if (choice > 4) answer();
  }

  // --- what goes wrong

  private harm(): void {
    const { faults, wires } = this;
    if (this.isHealed) return;
    const [one, other] = faults.shuffle([...this.nodes]) as [TrialNode, TrialNode];
    const there = addressLink(one.address, other.address);
    const back = addressLink(other.address, one.address);
    const length = faults.between(100, 6000);
    const cut = (links: readonly string[]): void => {
      for (const link of links) wires.cut(link);
      this.time.after(length, () => links.forEach((link) => wires.mend(link)));
    };
    const weather = { lost: 30, doubled: 60, overtaken: 60, late: 20, delayMost: faults.between(1, 200) };
    const kinds: readonly (() => void)[] = [
      () => one.end("killed", length),
      () => one.end("power cut", length),
      () => one.end("stopped", length),
      () => one.pause(length),
      () => cut([there]),
      () => cut([there, back]),
      () => wires.slow.set(there, { milliseconds: faults.between(1, 300), bytesPerMillisecond: 2000 }),
      () => wires.slow.delete(there),
      () => wires.change(weather),
      () => wires.change({}),
      () => wires.between(one.address, other.address).forEach((stream) => stream.breakOff(length % 2 === 0)),
      () => wires.between(one.address, other.address)[0]?.breakOff(length % 2 === 0),
      () =>
        wires
          .between(one.address, other.address)
          .at(-1)
          ?.breakOff(length % 2 === 0),
      () => wires.between(one.address, other.address).forEach((stream) => stream.breakHalf(length % 2 === 0 ? 0 : 1)),
      () => one.hold(length),
      () => one.forget(other),
    ];
    const which = faults.below(kinds.length);
    this.note(which, this.time.now);
    kinds[which]?.();
    this.time.after(faults.between(50, 1500), () => this.harm());
  }

  private heal(): void {
    this.isHealed = true;
    this.wires.heal();
    for (const node of this.nodes) node.heal();
  }

  // --- what has to be so

  /** Whose process has ended is told as lost, in time. */
  private watch(): void {
    for (const at of this.nodes) {
      for (const other of this.nodes) {
        const life = at.isRunning ? at.upLife(other.id) : undefined;
        const ended = life === undefined ? undefined : other.endOf(life);
        if (ended === undefined) continue;
        const silent = this.time.now - Math.max(ended, at.awakeAt);
        assert.ok(
          silent < noticedMilliseconds,
          `${at.name} believes for ${silent} ms that life ${life} of ${other.name} is there`,
        );
      }
    }
    this.time.after(100, () => this.watch());
  }

  private judge(): void {
    for (const [number, { by, life, served, refused, outcome }] of this.asked.entries()) {
      if (by.life === life && by.isRunning) assert.ok(outcome !== undefined, `request ${number} has no outcome`);
      if (outcome?.kind === "answered") assert.equal(served, 1, `request ${number} was answered by nobody`);
      if (outcome?.kind !== "refused") continue;
      assert.ok(served === 0 || (outcome.why === "busy" && refused), `request ${number} was refused, and served`);
    }
    for (const one of this.nodes) {
      for (const other of this.nodes) {
        if (!this.isPair(one, other)) continue;
        assert.equal(one.upLife(other.id), other.life, `${one.name} has not found ${other.name} again`);
        assert.equal(one.peer(other)?.life ?? other.life, other.life);
      }
    }
  }
}
