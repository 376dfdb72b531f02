// A gateway with all that it listens on, from its settings to its end: edges first, so that a taken port is told at once; ready when it
// knows the cluster and some node of it is there.

import { nodeId } from "../../../internal/base/ids.ts";
import { Prng } from "../../../internal/base/prng.ts";
import { printAddress } from "../../../internal/config/addresses.ts";
import type { GatewayValues } from "../../../internal/config/values.ts";
import { GrpcNetwork } from "../../../internal/grpc/grpc-network.ts";
import { replicaMessages } from "../../../internal/grpc/replica-messages.ts";
import type { Readiness } from "../../../internal/http/admin-edge.ts";
import { Gateway } from "../../../internal/node/gateway.ts";
import { systemClock, systemScheduler } from "../../../internal/os/system-clock.ts";
import { closeAll } from "../../../internal/platform/close-all.ts";
import type { Logger } from "../../../internal/platform/logger.ts";
import { openMetrics } from "../../../internal/telemetry/families.ts";
import { monitorLoop, processFamilies } from "../../../internal/telemetry/process-metrics.ts";
import { RequestMetrics } from "../../../internal/telemetry/request-metrics.ts";
import { Edges } from "../../edges.ts";
import { version } from "../../version.ts";

/** Of the cluster map. */
const format = 1;

export interface GatewayWorld {
  readonly logger: Logger;
  /** From the system's own source of chance. */
  readonly seed: number;
  onFailure(failure: Error): void;
}

export class GatewayProcess {
  private readonly gateway: Gateway;
  private readonly logger: Logger;
  private readonly loop = monitorLoop();
  private edges: Edges | undefined;
  private isStopping = false;

  private constructor(gateway: Gateway, logger: Logger) {
    this.gateway = gateway;
    this.logger = logger;
  }

  static async open(values: GatewayValues, world: GatewayWorld): Promise<GatewayProcess> {
    const { logger } = world;
    const [clock, scheduler] = [systemClock, systemScheduler];
    const network = new GrpcNetwork({ address: undefined, clock, scheduler, logger });
    const gateway = await Gateway.open(
      {
        network,
        codec: replicaMessages,
        clock,
        scheduler,
        random: new Prng(world.seed),
        logger,
        onFailure: (failure) => world.onFailure(failure),
      },
      {
        id: nodeId(values.id),
        zone: values.zone,
        seeds: values.seeds.map(printAddress),
        defaults: { read: values["default-read"], write: values["default-write"] },
        valueBytesMax: values["max-value-bytes"],
      },
    );
    const opened = new GatewayProcess(gateway, logger);
    try {
      await opened.listen(values);
      return opened;
    } catch (failure) {
      await opened.close();
      throw failure;
    }
  }

  /** Requests under way are answered; then it ends. */
  async stop(): Promise<void> {
    this.logger.info("stopping: requests under way are answered");
    this.isStopping = true;
    await this.edges?.closeData();
    await this.close();
    this.logger.info("stopped");
  }

  private async listen(values: GatewayValues): Promise<void> {
    const { gateway, logger } = this;
    const requests = new RequestMetrics(() => systemClock.monotonicMilliseconds());
    const families = [
      ...requests.families(() => this.edges?.requestsUnderWay ?? {}),
      ...processFamilies({ version: version(), format }, () => this.loop.take()),
    ];
    const metrics = openMetrics(families, (family, failure) => {
      logger.error("a metric could not be read", { family, why: String(failure) });
    });
    this.edges = await Edges.open({
      values,
      coordinator: gateway.coordinator,
      requests,
      logger,
      readiness: () => this.readiness(),
      metrics,
    });
    const { http, grpc, admin } = this.edges.bound;
    logger.info("listening", { http: printAddress(http), grpc: printAddress(grpc), admin: printAddress(admin) });
  }

  private readiness(): Readiness {
    const { gateway } = this;
    const { map } = gateway.keeper;
    const cluster =
      map === undefined
        ? { name: "cluster", isFine: false, detail: gateway.awaited }
        : { name: "cluster", isFine: map.ring.length > 0, detail: `${map.cluster} at epoch ${map.epoch}` };
    const { connected } = gateway.table;
    const detail = connected.length === 0 ? "none is connected" : `${connected.join(", ")} are connected`;
    const nodes = { name: "nodes", isFine: connected.length > 0, detail };
    return { state: this.state(), checks: [cluster, nodes] };
  }

  private state(): Readiness["state"] {
    const { gateway } = this;
    if (this.isStopping) return "stopping";
    if (gateway.isReady) return "ready";
    return gateway.keeper.ring === undefined ? "starting" : "cut_off";
  }

  private async close(): Promise<void> {
    await closeAll(
      async () => this.gateway.close(),
      async () => this.edges?.close(),
      async () => this.loop.close(),
    );
  }
}
