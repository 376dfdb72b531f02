// A node of the cluster on this machine, put together: the real disk, a worker for background jobs, the system's clock, gRPC between
// nodes; and, for whoever needs no more than that, HTTP for clients. The process itself is daemon.ts.

import { GrpcNetwork } from "../../internal/grpc/grpc-network.ts";
import { replicaMessages } from "../../internal/grpc/replica-messages.ts";
import { openDataEdge } from "../../internal/http/data-edge.ts";
import type { ListenAddress } from "../../internal/http/listener.ts";
import { Node } from "../../internal/node/node.ts";
import type { NodeSettings } from "../../internal/node/node.ts";
import { Prng } from "../../internal/base/prng.ts";
import { RepeatedWarnings } from "../../internal/node/repeated-warnings.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { systemMachine } from "../../internal/os/system-machine.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { closeAll } from "../../internal/platform/close-all.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import type { Network } from "../../internal/platform/network.ts";
import { workerEntry } from "../worker/entry.ts";
import { listenFailure } from "./failure-words.ts";

export interface NodeListeners {
  /** `host:port` each. */
  readonly peer: string;
  readonly http: { readonly host: string; readonly port: number };
}

export interface OpenedNode {
  readonly node: Node;
  readonly http: ListenAddress;
  readonly close: () => Promise<void>;
}

export interface NodeWorld {
  readonly logger: Logger;
  /** From the system's own source of chance: nodes must not draw alike. */
  readonly seed: number;
  onFailure(failure: Error): void;
}

export interface OpenedCore {
  readonly node: Node;
  readonly close: () => Promise<void>;
}

/** The node and its peer listener, without the edges that clients talk to. */
export async function openCore(settings: NodeSettings, peerAddress: string, world: NodeWorld): Promise<OpenedCore> {
  const { logger } = world;
  const background = new WorkerBackground({ entry: workerEntry });
  const clock = systemClock;
  const scheduler = systemScheduler;
  const { snapshotBytesPerSecond } = settings.replica;
  const limits = snapshotBytesPerSecond === undefined ? {} : { bulkBytesPerSecond: snapshotBytesPerSecond };
  // Who is refused comes again, several times a second.
  const warnings = new RepeatedWarnings({ logger, scheduler });
  const network = new GrpcNetwork({ address: peerAddress, clock, scheduler, logger: warnings, limits });
  try {
    const node = await Node.open(
      {
        disk: new RealDisk(),
        background,
        clock,
        scheduler,
        machine: systemMachine,
        logger,
        random: new Prng(world.seed),
        network: withNamedListener(network, peerAddress),
        codec: replicaMessages,
        onFailure: (failure) => world.onFailure(failure),
      },
      settings,
    );
    return {
      node,
      close: () =>
        closeAll(
          () => node.close(),
          async () => warnings.close(),
          () => background.close(),
        ),
    };
  } catch (failure) {
    await closeAll(
      () => network.close(),
      async () => warnings.close(),
      () => background.close(),
    );
    throw failure;
  }
}

/** With the data edge. */
export async function openNode(
  settings: NodeSettings,
  listeners: NodeListeners,
  world: NodeWorld,
): Promise<OpenedNode> {
  const { node, close } = await openCore(settings, listeners.peer, world);
  const onUnexpected = (failure: unknown): void =>
    world.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
  try {
    const edge = await openDataEdge(
      { coordinator: node.coordinator, defaults: settings.defaults, onUnexpected },
      listeners.http,
    );
    return { node, http: edge.address, close: () => closeAll(() => edge.close(), close) };
  } catch (failure) {
    await close();
    throw failure;
  }
}

/** An address that cannot be taken is told with its flag. */
function withNamedListener(network: Network, address: string): Network {
  return {
    listen: (host) =>
      network.listen(host).catch((failure: unknown) => {
        throw listenFailure("peer", address, failure);
      }),
    peer: (node, at) => network.peer(node, at),
    ask: (at, payload, options) => network.ask(at, payload, options),
    connected: () => network.connected(),
    judgeAgain: () => network.judgeAgain(),
    close: () => network.close(),
  };
}
