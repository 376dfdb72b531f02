// A node in a process of its own, for tests that kill it: dials the address that it is given, and answers every request.

import process from "node:process";
import { nodeId } from "../../internal/base/ids.ts";
import { GrpcNetwork } from "../../internal/grpc/grpc-network.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { hostOf } from "../contract/recording-host.ts";

const [name, other, address] = process.argv.slice(2);
if (name === undefined || other === undefined || address === undefined) throw new Error("NAME OTHER ADDRESS");

const network = new GrpcNetwork({
  address: "127.0.0.1:0",
  clock: systemClock,
  scheduler: systemScheduler,
  logger: silentLogger,
});
await network.listen(hostOf(name));
network.peer(nodeId(other), address);
process.send?.(network.port);
