import { setImmediate as round } from "node:timers/promises";
import { Prng } from "../../../internal/base/prng.ts";
import {
  describeNetwork,
  type NetworkLimits,
  type NetworkProcess,
  type NetworkWorld,
} from "../../contract/network-contract.ts";
import type { RecordingHost } from "../../contract/recording-host.ts";
import { NodeClock, VirtualTime } from "../virtual-time.ts";
import { NodeNetwork } from "./node-network.ts";
import { Wires } from "./wires.ts";

/** Virtual time goes on by itself, so that whoever awaits an outcome gets it. */
class VirtualWorld implements NetworkWorld {
  private readonly time = new VirtualTime();
  private readonly random = new Prng(1);
  private readonly wires = new Wires({ time: this.time, chance: this.random.split("wires") });
  private readonly networks = new Set<NodeNetwork>();
  private turns: (() => void)[] = [];
  private made = 0;
  private isOver = false;
  private readonly going = this.go();

  async start(host: RecordingHost, limits: Partial<NetworkLimits> = {}): Promise<NetworkProcess> {
    const address = `machine-${++this.made}:1`;
    const clock = new NodeClock(this.time);
    const chance = this.random.split(address);
    const network = new NodeNetwork({ wires: this.wires, address, clock, chance, limits });
    await network.listen(host);
    this.networks.add(network);
    const crash = (): Promise<void> => {
      this.networks.delete(network);
      clock.isDead = true;
      network.crash(false);
      return Promise.resolve();
    };
    return { network, address, crash };
  }

  breakAll(): void {
    for (const stream of this.wires.streams) stream.breakOff(true);
  }

  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.turns.push(resolve);
    });
  }

  async settled(): Promise<void> {
    const sum = (of: (network: NodeNetwork) => number): number =>
      [...this.networks].reduce((total, network) => total + of(network), 0);
    while (sum(({ streams }) => streams) !== 2 * sum(({ diallers }) => diallers)) await this.turn();
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.going;
  }

  private async go(): Promise<void> {
    while (!this.isOver) {
      await round();
      await this.time.runTo(this.time.now + 1);
      const due = this.turns;
      this.turns = [];
      for (const resolve of due) resolve();
    }
  }
}

describeNetwork("simulated", () => Promise.resolve(new VirtualWorld()));
