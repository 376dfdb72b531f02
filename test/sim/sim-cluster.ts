// Three nodes and the network between them. Messages take time, may be lost, doubled or overtaken, and links may be cut one way.

import { replicaId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { SimNode } from "./sim-node.ts";
import type { SimNodeOptions } from "./sim-node.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface NetworkWeather {
  delayLeast: number;
  delayMost: number;
  /** In a thousand. */
  lost: number;
  doubled: number;
}

export class SimCluster {
  readonly time = new VirtualTime();
  readonly nodes = new Map<ReplicaId, SimNode>();
  readonly weather: NetworkWeather = { delayLeast: 1, delayMost: 3, lost: 0, doubled: 0 };
  /** "from to": nothing gets through. */
  readonly cuts = new Set<string>();
  private readonly chance: Prng;
  /** When the last message on a link arrives: in good weather they keep their order. */
  private readonly arrivals = new Map<string, number>();

  constructor(seed: number, options: SimNodeOptions) {
    const random = new Prng(seed);
    this.chance = random.split("network");
    const ids = [1, 2, 3].map(replicaId);
    const first = configuration(ids);
    for (const id of ids) {
      const parts = { id, time: this.time, random: random.split(`node ${id}`), first };
      const node = new SimNode({ ...parts, send: (message) => this.send(message) }, options);
      this.nodes.set(id, node);
    }
  }

  async start(): Promise<void> {
    for (const node of this.nodes.values()) void node.start();
    await this.time.settle();
  }

  get leader(): SimNode | undefined {
    let best: SimNode | undefined;
    for (const node of this.nodes.values()) {
      const status = node.replica?.status;
      if (status?.role === "leader" && status.term > (best?.replica?.status.term ?? 0)) best = node;
    }
    return best;
  }

  private send(message: ReplicaMessage): void {
    const { weather, chance, time } = this;
    const link = `${message.from} ${message.to}`;
    if (this.cuts.has(link) || chance.chance(weather.lost, 1000)) return;
    const copies = chance.chance(weather.doubled, 1000) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = chance.between(weather.delayLeast * 100, weather.delayMost * 100) / 100;
      const inOrder = weather.lost === 0 && weather.doubled === 0;
      const at = Math.max(time.now + delay, inOrder ? (this.arrivals.get(link) ?? 0) : 0);
      this.arrivals.set(link, at);
      time.at(at, () => {
        const node = this.nodes.get(message.to);
        if (!this.cuts.has(link)) node?.clock.live(() => node.replica?.receive(message));
      });
    }
  }
}
