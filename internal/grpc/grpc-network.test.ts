import { setTimeout as pause } from "node:timers/promises";
import {
  describeNetwork,
  type NetworkLimits,
  type NetworkProcess,
  type NetworkWorld,
} from "../../test/contract/network-contract.ts";
import type { RecordingHost } from "../../test/contract/recording-host.ts";
import { TcpProxy } from "../../test/contract/tcp-proxy.ts";
import { systemClock, systemScheduler } from "../os/system-clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { GrpcNetwork } from "./grpc-network.ts";

/** Real sockets on loopback, with a proxy in front of each process that can break connections. */
class LoopbackWorld implements NetworkWorld {
  private readonly proxies: TcpProxy[] = [];
  private readonly networks = new Map<GrpcNetwork, { dials: number }>();

  async start(host: RecordingHost, limits: Partial<NetworkLimits> = {}): Promise<NetworkProcess> {
    const network = new GrpcNetwork({
      address: "127.0.0.1:0",
      clock: systemClock,
      scheduler: systemScheduler,
      logger: silentLogger,
      limits: { ...limits, redialMillisecondsMost: 100 },
    });
    await network.listen(host);
    const proxy = await TcpProxy.open();
    proxy.lead(network.port);
    this.proxies.push(proxy);
    const dials = { dials: 0 };
    this.networks.set(network, dials);
    const counted = network.peer.bind(network);
    network.peer = (node, address) => {
      dials.dials++;
      return counted(node, address);
    };
    const crash = async (): Promise<void> => {
      this.networks.delete(network);
      proxy.shut(true);
      this.breakAll();
      await network.close();
    };
    return { network, address: proxy.address, crash };
  }

  breakAll(): void {
    for (const proxy of this.proxies) proxy.breakAll();
  }

  async turn(): Promise<void> {
    await pause(1);
  }

  async settled(): Promise<void> {
    const wanted = [...this.networks.values()].reduce((sum, { dials }) => sum + dials * 2, 0);
    const standing = (): number => [...this.networks.keys()].reduce((sum, { streams }) => sum + streams, 0);
    while (standing() !== wanted) await this.turn();
  }

  async end(): Promise<void> {
    for (const network of this.networks.keys()) await network.close();
    for (const proxy of this.proxies) await proxy.close();
  }
}

describeNetwork("gRPC on loopback", () => Promise.resolve(new LoopbackWorld()));
