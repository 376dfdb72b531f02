// A node with all that it listens on, from its settings to its end:
//
//   start   edges are bound first, so that a taken port is told before the data folder is touched, and health can be asked while the
//           log is read --> the node is open --> its cluster has begun, its replicas have caught up: ready
//   stop    unready --> leaderships handed over, memory flushed --> requests under way answered --> node closed --> admin closed

import { nodeId } from "../../internal/base/ids.ts";
import { printAddress } from "../../internal/config/addresses.ts";
import type { NodeValues } from "../../internal/config/values.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import type { Timer } from "../../internal/platform/clock.ts";
import { closeAll } from "../../internal/platform/close-all.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import { openMetrics } from "../../internal/telemetry/families.ts";
import type { ReadMetrics } from "../../internal/telemetry/families.ts";
import { nodeFamilies } from "../../internal/telemetry/node-metrics.ts";
import { monitorLoop, processFamilies } from "../../internal/telemetry/process-metrics.ts";
import { RequestMetrics } from "../../internal/telemetry/request-metrics.ts";
import { Edges } from "../edges.ts";
import { version } from "../version.ts";
import { LateCoordinator } from "./late-coordinator.ts";
import { NodeNumbers, noteMilliseconds } from "./node-numbers.ts";
import { nodeSettingsOf } from "./node-settings.ts";
import { openCore } from "./open-node.ts";
import type { NodeWorld, OpenedCore } from "./open-node.ts";
import { NodeReadiness } from "./readiness.ts";

/** Of the cluster map and what it lies in. */
const format = 1;
const lookMilliseconds = 100;

export interface DaemonWorld extends NodeWorld {
  /** Somebody has said how many there are to be. */
  readonly asksForGroups: boolean;
  /** Once: it may be given work. */
  onReady(): void;
}

export class Daemon {
  private readonly values: NodeValues;
  private readonly logger: Logger;
  private readonly readiness = new NodeReadiness(systemClock);
  private readonly numbers = new NodeNumbers(systemClock);
  private readonly requests = new RequestMetrics(() => systemClock.monotonicMilliseconds());
  private readonly loop = monitorLoop();
  private readonly coordinator: LateCoordinator;
  private readonly timers = new Map<string, Timer>();
  private readMetrics: ReadMetrics;
  private edges: Edges | undefined;
  private core: OpenedCore | undefined;

  private constructor(values: NodeValues, logger: Logger) {
    this.values = values;
    this.logger = logger;
    this.coordinator = new LateCoordinator(nodeId(values.id), systemClock, systemScheduler);
    this.readMetrics = this.openMetrics();
  }

  /** Resolves when the node is open: it may still wait for its cluster. What was opened before a failure is closed again. */
  static async open(values: NodeValues, world: DaemonWorld): Promise<Daemon> {
    const daemon = new Daemon(values, world.logger);
    try {
      await daemon.begin(world);
      return daemon;
    } catch (failure) {
      await daemon.close();
      throw failure;
    }
  }

  /** Ends in order; what is acknowledged stays. Rejects when something could not be ended as it should. */
  async stop(): Promise<void> {
    const { values, logger, core, edges } = this;
    logger.info("stopping: leaderships are handed over, requests under way are answered");
    this.readiness.stops();
    edges?.endListening();
    // Heirs that do not take over are given up by themselves; those of a busy machine need their time.
    const left = await core?.node.leave(Math.max(2 * values["election-timeout"], values["drain-timeout"]));
    if (left !== undefined && left.length > 0) {
      logger.warn("nobody has taken over what was led here", { groups: left.join(", ") });
    }
    await edges?.closeData();
    await this.close();
    logger.info("stopped");
  }

  private async begin(world: DaemonWorld): Promise<void> {
    const { values, coordinator, logger } = this;
    this.edges = await Edges.open({
      values,
      coordinator,
      requests: this.requests,
      logger,
      readiness: () => this.readiness.readiness(),
      metrics: () => this.readMetrics(),
    });
    const bound = { ...this.edges.bound, peer: values.peer };
    this.core = await openCore(nodeSettingsOf(values, bound), printAddress(values.peer), world);
    const { node } = this.core;
    coordinator.opens(node.coordinator);
    this.readiness.opens(node);
    this.numbers.opens(node);
    this.readMetrics = this.openMetrics();
    logger.info("listening", {
      http: printAddress(bound.http),
      grpc: printAddress(bound.grpc),
      admin: printAddress(bound.admin),
      peer: printAddress(bound.peer),
    });
    this.again("note", noteMilliseconds, () => this.numbers.note());
    node.whenReady().then(
      () => this.waitUntilReady(world),
      (failure: unknown) => world.onFailure(failure instanceof Error ? failure : new Error(String(failure))),
    );
  }

  private waitUntilReady(world: DaemonWorld): void {
    this.readiness.allOpen();
    if (world.asksForGroups) this.compareGroups();
    this.again("look", lookMilliseconds, () => {
      const isReady = this.readiness.look();
      if (!isReady) return false;
      this.logger.info("ready");
      world.onReady();
      return true;
    });
  }

  /** Whoever starts a node again with another number may believe that it counts. */
  private compareGroups(): void {
    const map = this.core?.node.keeper.map;
    const asked = this.values.groups;
    // One of them is the meta group.
    const present = (map?.groups.length ?? 0) - 1;
    if (map === undefined || present === asked) return;
    this.logger.warn(`--groups ${asked} counts when a cluster is founded, and this one has ${present}; leave it out`);
  }

  /** True ends it. */
  private again(name: string, milliseconds: number, action: () => boolean | void): void {
    const timer = systemScheduler.after(
      milliseconds,
      () => {
        if (action() !== true) this.again(name, milliseconds, action);
      },
      true,
    );
    this.timers.set(name, timer);
  }

  private openMetrics(): ReadMetrics {
    const families = [
      ...this.requests.families(() => this.edges?.requestsUnderWay ?? {}),
      ...nodeFamilies(this.numbers.sources()),
      ...processFamilies({ version: version(), format }, () => this.loop.take()),
    ];
    return openMetrics(families, (family, failure) => {
      this.logger.error("a metric could not be read", { family, why: String(failure) });
    });
  }

  private async close(): Promise<void> {
    for (const timer of this.timers.values()) timer.cancel();
    const { edges, core, loop } = this;
    await closeAll(
      async () => edges?.closeData(),
      async () => core?.close(),
      async () => edges?.close(),
      async () => loop.close(),
    );
  }
}
