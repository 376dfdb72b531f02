// What lies between the simulated machines: who listens at which address, how long things take, and all that goes wrong.
//
//   NodeNetwork ── Link ── StreamEnd ──Way──▶ StreamEnd ── Link ── NodeNetwork
//   (a process)   (peer)        ◀──Way──
//
// A stream keeps its order and loses nothing, as TCP does, until it ends. A cut does not take what is on its way: it waits,
// and comes when the cut is mended before the keepalive of either end has given the stream up. Beside that, as the
// Network interface allows, whole messages, requests and answers get lost, and the messages of whoever says that they
// bear it (`mayScatter`: those of Raft) are doubled, overtaken, and come again seconds later, to whichever process is there then.

import { assert } from "../../../internal/base/assert.ts";
import type { NodeId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import { kind, type Part } from "../../../internal/grpc/peer-protocol.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { SimStream, StreamEnd } from "./stream.ts";

export interface WireWeather {
  /** Milliseconds. */
  delayLeast: number;
  delayMost: number;
  /** In a thousand messages, requests and answers. */
  lost: number;
  /** In a thousand messages that may be scattered: come twice; are overtaken; come once more seconds later. */
  doubled: number;
  overtaken: number;
  late: number;
}

/** One direction between two addresses. */
export type AddressLink = string;

export interface SlowLink {
  readonly milliseconds: number;
  readonly bytesPerMillisecond: number;
}

export type WireSighting = "lost" | "doubled" | "overtaken" | "late" | "stalled" | "given up" | "replaced";

const fair: WireWeather = { delayLeast: 0.2, delayMost: 1, lost: 0, doubled: 0, overtaken: 0, late: 0 };
const lateMilliseconds = [1000, 15_000] as const;
const asideMillisecondsMost = 50;
/** What waited for a cut to end is sent again within so long. */
const againMillisecondsMost = 200;
const bytesPerMillisecond = 500_000;

export const addressLink = (from: string, to: string): AddressLink => `${from} ${to}`;

export class Wires {
  readonly time: VirtualTime;
  readonly chance: Prng;
  readonly weather: WireWeather = { ...fair };
  readonly slow = new Map<AddressLink, SlowLink>();
  readonly counts = new Map<WireSighting, number>();
  readonly streams = new Set<SimStream>();
  /** Machines without power: nothing comes from there, not even a refusal. */
  readonly dark = new Set<string>();
  private readonly listening = new Map<string, NodeNetwork>();
  private readonly cuts = new Set<AddressLink>();
  private readonly mayScatter: (payload: Uint8Array) => boolean;

  constructor(parts: {
    readonly time: VirtualTime;
    readonly chance: Prng;
    /** Whether a message bears to be doubled and overtaken, which the interface promises not to happen. */
    readonly mayScatter?: (payload: Uint8Array) => boolean;
  }) {
    this.time = parts.time;
    this.chance = parts.chance;
    this.mayScatter = parts.mayScatter ?? ((): boolean => false);
  }

  note(sighting: WireSighting): void {
    this.counts.set(sighting, (this.counts.get(sighting) ?? 0) + 1);
  }

  // --- who is where

  at(address: string): NodeNetwork | undefined {
    return this.listening.get(address);
  }

  listen(network: NodeNetwork): void {
    if (this.listening.has(network.address)) throw new Error(`${network.address} is taken`);
    this.listening.set(network.address, network);
    this.dark.delete(network.address);
  }

  leave(network: NodeNetwork): void {
    if (this.listening.get(network.address) === network) this.listening.delete(network.address);
  }

  // --- how long things take

  delay(link: AddressLink): number {
    const { delayLeast, delayMost } = this.weather;
    const own = this.chance.between(Math.round(delayLeast * 100), Math.round(delayMost * 100)) / 100;
    return own + (this.slow.get(link)?.milliseconds ?? 0);
  }

  bytesPerMillisecond(link: AddressLink): number {
    return this.slow.get(link)?.bytesPerMillisecond ?? bytesPerMillisecond;
  }

  // --- faults

  isCut(link: AddressLink): boolean {
    return this.cuts.has(link);
  }

  cut(link: AddressLink): void {
    this.cuts.add(link);
  }

  /** Whatever waited, of streams that still stand, comes after a while. */
  mend(link: AddressLink): void {
    if (!this.cuts.delete(link)) return;
    for (const stream of this.streams) {
      for (const { out } of stream.ends) {
        if (out.link !== link || out.isEmpty) continue;
        this.time.after(this.chance.below(againMillisecondsMost), () => out.move());
      }
    }
  }

  change(weather: Partial<WireWeather>): void {
    Object.assign(this.weather, fair, weather);
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    for (const link of this.cuts) this.mend(link);
    this.slow.clear();
    this.change({});
  }

  /** The streams between two addresses, for whoever breaks them all, or one of them. */
  between(one: string, other: string): SimStream[] {
    const pair = [addressLink(one, other), addressLink(other, one)];
    return [...this.streams].filter((stream) => pair.includes(stream.ends[0].out.link));
  }

  // --- what the weather does to the parts of a frame

  /** The parts that come with their frame. */
  fates(from: StreamEnd, parts: readonly Part[]): readonly Part[] {
    const { lost, doubled, overtaken, late } = this.weather;
    if (lost + doubled + overtaken + late === 0) return parts;
    return parts.filter((part) => this.comes(from, part));
  }

  private comes(from: StreamEnd, part: Part): boolean {
    const { chance, weather } = this;
    // What is in parts takes several frames, and none can be missing.
    if (part.kind > kind.answer || part.rest !== undefined) return true;
    if (chance.chance(weather.lost, 1000)) {
      this.note("lost");
      return false;
    }
    if (part.kind !== kind.message || part.payload === undefined || !this.mayScatter(part.payload)) return true;
    if (chance.chance(weather.late, 1000)) this.comeLate(from, part.payload);
    if (chance.chance(weather.doubled, 1000)) {
      this.note("doubled");
      this.comeAside(from, part);
    }
    if (!chance.chance(weather.overtaken, 1000)) return true;
    this.note("overtaken");
    this.comeAside(from, part);
    return false;
  }

  private comeAside(from: StreamEnd, part: Part): void {
    const { link } = from.out;
    const delay = this.delay(link) + this.chance.below(asideMillisecondsMost);
    this.time.after(delay, () => {
      if (!this.isCut(link)) from.other.arriveAside(part);
    });
  }

  private comeLate(from: StreamEnd, payload: Uint8Array): void {
    const { link } = from.out;
    const node: NodeId | undefined = from.process?.node;
    assert(node !== undefined, "nobody sends", { link });
    this.time.after(this.chance.between(...lateMilliseconds), () => {
      if (this.isCut(link)) return;
      this.note("late");
      this.at(from.other.address)?.straggler(node, payload);
    });
  }
}
