// A node of the cluster on this machine, put together: the real disk, a worker for background jobs, the system's clock, gRPC between
// nodes, HTTP for clients.

import { GrpcNetwork } from "../../internal/grpc/grpc-network.ts";
import { replicaMessages } from "../../internal/grpc/replica-messages.ts";
import { openDataEdge } from "../../internal/http/data-edge.ts";
import type { ListenAddress } from "../../internal/http/listener.ts";
import { Node } from "../../internal/node/node.ts";
import type { NodeSettings } from "../../internal/node/node.ts";
import { Prng } from "../../internal/base/prng.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { systemMachine } from "../../internal/os/system-machine.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { closeAll } from "../../internal/platform/close-all.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import { workerEntry } from "../worker/entry.ts";

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

export async function openNode(
  settings: NodeSettings,
  listeners: NodeListeners,
  world: NodeWorld,
): Promise<OpenedNode> {
  const { logger } = world;
  const onFailure = (failure: Error): void => world.onFailure(failure);
  const background = new WorkerBackground({ entry: workerEntry });
  const clock = systemClock;
  const scheduler = systemScheduler;
  const network = new GrpcNetwork({ address: listeners.peer, clock, scheduler, logger });
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
        network,
        codec: replicaMessages,
        onFailure,
      },
      settings,
    );
    const { coordinator } = node;
    const onUnexpected = (failure: unknown): void =>
      onFailure(failure instanceof Error ? failure : new Error(String(failure)));
    const edge = await openDataEdge({ coordinator, onUnexpected }, listeners.http);
    return {
      node,
      http: edge.address,
      close: () =>
        closeAll(
          () => edge.close(),
          () => node.close(),
          () => background.close(),
        ),
    };
  } catch (failure) {
    await closeAll(
      () => network.close(),
      () => background.close(),
    );
    throw failure;
  }
}
