// A gateway in this process, in front of real nodes.

import { nodeId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { GrpcNetwork } from "../../internal/grpc/grpc-network.ts";
import { replicaMessages } from "../../internal/grpc/replica-messages.ts";
import { Gateway } from "../../internal/node/gateway.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { RealNodes } from "./real-nodes.ts";

/** It learns of the others from n1. Its failures are those of the nodes. */
export function openGateway(nodes: RealNodes): Promise<Gateway> {
  const seams = { clock: systemClock, scheduler: systemScheduler, logger: silentLogger };
  const network = new GrpcNetwork({ ...seams, address: undefined });
  const onFailure = (failure: Error): void => void nodes.failures.push(failure);
  const defaults = { read: "fast", write: "strong" } as const;
  return Gateway.open(
    { ...seams, network, codec: replicaMessages, random: new Prng(Math.floor(Math.random() * 2 ** 32)), onFailure },
    { id: nodeId("gateway"), zone: "", seeds: [nodes.addressOf("n1")], defaults },
  );
}
