// The network between simulated nodes. Messages take time, may be lost, doubled or overtaken, or come seconds later, when their
// connection and perhaps their receiver are no more what they were; links may be cut or slow one way; connections
// close, with what was on its way or behind it.

import type { Prng } from "../../internal/base/prng.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { Sightings } from "./sightings.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface NetworkWeather {
  delayLeast: number;
  delayMost: number;
  /** In a thousand. */
  lost: number;
  doubled: number;
  /** In a thousand: come once more, seconds later. */
  late: number;
}

/** One direction between two nodes. */
export type Link = string;

const fair: NetworkWeather = { delayLeast: 1, delayMost: 3, lost: 0, doubled: 0, late: 0 };
const lateMilliseconds = [1000, 15_000] as const;

export const linkOf = (from: ReplicaId, to: ReplicaId): Link => `${from} ${to}`;

export class SimNetwork {
  readonly weather: NetworkWeather = { ...fair };
  /** Nothing gets through. */
  readonly cuts = new Set<Link>();
  /** Milliseconds that a message takes longer. */
  readonly slow = new Map<Link, number>();
  private readonly time: VirtualTime;
  private readonly chance: Prng;
  private readonly sightings: Sightings;
  private readonly lifeOf: (id: ReplicaId) => number | undefined;
  private readonly deliver: (message: ReplicaMessage) => void;
  /** When the last message on a link arrives: in good weather they keep their order. */
  private readonly arrivals = new Map<Link, number>();
  /** How often the connection of a link was closed with what was on its way. */
  private readonly broken = new Map<Link, number>();

  constructor(
    parts: {
      readonly time: VirtualTime;
      readonly chance: Prng;
      readonly sightings: Sightings;
      /** Differs when a process has ended meanwhile. */
      lifeOf(id: ReplicaId): number | undefined;
    },
    deliver: (message: ReplicaMessage) => void,
  ) {
    this.time = parts.time;
    this.chance = parts.chance;
    this.sightings = parts.sightings;
    this.lifeOf = (id) => parts.lifeOf(id);
    this.deliver = deliver;
  }

  send(message: ReplicaMessage): void {
    const { weather, chance, time } = this;
    const link = linkOf(message.from, message.to);
    if (weather.late > 0 && chance.chance(weather.late, 1000)) {
      const life = this.lifeOf(message.to);
      time.after(chance.between(...lateMilliseconds), () => {
        this.sightings.note("late message arrives");
        if (life !== this.lifeOf(message.to)) this.sightings.note("late message arrives after a restart");
        this.deliver(message);
      });
    }
    if (this.cuts.has(link) || chance.chance(weather.lost, 1000)) return;
    const copies = chance.chance(weather.doubled, 1000) ? 2 : 1;
    const connection = this.broken.get(link) ?? 0;
    for (let copy = 0; copy < copies; copy++) {
      const delay =
        chance.between(weather.delayLeast * 100, weather.delayMost * 100) / 100 + (this.slow.get(link) ?? 0);
      const inOrder = weather.lost === 0 && weather.doubled === 0;
      const at = Math.max(time.now + delay, inOrder ? (this.arrivals.get(link) ?? 0) : 0);
      this.arrivals.set(link, at);
      time.at(at, () => {
        if (connection !== (this.broken.get(link) ?? 0)) this.sightings.note("message lost with its connection");
        else if (!this.cuts.has(link)) this.deliver(message);
      });
    }
  }

  /** What is on its way between two nodes is lost. */
  break(one: ReplicaId, other: ReplicaId): void {
    for (const link of [linkOf(one, other), linkOf(other, one)]) {
      this.broken.set(link, (this.broken.get(link) ?? 0) + 1);
    }
  }

  change(weather: Partial<NetworkWeather>): void {
    Object.assign(this.weather, fair, weather);
  }

  heal(): void {
    this.cuts.clear();
    this.slow.clear();
    this.change({});
  }
}
