// What clients and operators talk to, of a node or a gateway: the data edges and the admin edge, each bound or none.

import { printAddress } from "../internal/config/addresses.ts";
import type { HostPort } from "../internal/config/addresses.ts";
import { edgeLimitsOf, kvLimitsOf } from "../internal/config/node-options.ts";
import type { GatewayValues, ListenerFlag } from "../internal/config/values.ts";
import { openAdminEdge } from "../internal/http/admin-edge.ts";
import type { MetricsPage, Readiness } from "../internal/http/admin-edge.ts";
import { openDataEdge } from "../internal/http/data-edge.ts";
import type { OpenEdge } from "../internal/http/edge.ts";
import { openKvEdge } from "../internal/kv/kv-edge.ts";
import type { OpenKvEdge } from "../internal/kv/kv-edge.ts";
import type { Coordinator } from "../internal/node/requests.ts";
import { closeAll } from "../internal/platform/close-all.ts";
import type { Logger } from "../internal/platform/logger.ts";
import type { Protocol, RequestMetrics } from "../internal/telemetry/request-metrics.ts";
import { listenFailure } from "./trefoild/failure-words.ts";

/** Settings that every process with edges has. */
export type EdgeValues = Pick<GatewayValues, "http" | "grpc" | "admin" | "default-read" | "default-write"> &
  Parameters<typeof edgeLimitsOf>[0];

export interface EdgeParts {
  readonly values: EdgeValues;
  readonly coordinator: Coordinator;
  readonly requests: RequestMetrics;
  readonly logger: Logger;
  readiness(): Readiness;
  metrics(): Promise<MetricsPage>;
}

export class Edges {
  private admin: OpenEdge | undefined;
  private data: OpenEdge | undefined;
  private kv: OpenKvEdge | undefined;

  private constructor() {
    // Only `open` makes one.
  }

  static async open(parts: EdgeParts): Promise<Edges> {
    const edges = new Edges();
    try {
      await edges.bind(parts);
      return edges;
    } catch (failure) {
      await edges.close();
      throw failure;
    }
  }

  /** Where they are, with ports that the system chose. */
  get bound(): Readonly<Record<"http" | "grpc" | "admin", HostPort>> {
    const { data, kv, admin } = this;
    const nowhere = { host: "", port: 0 };
    return { http: data?.address ?? nowhere, grpc: kv?.address ?? nowhere, admin: admin?.address ?? nowhere };
  }

  /** Without an answer. */
  get requestsUnderWay(): Partial<Record<Protocol, number>> {
    return { http: this.data?.listener.requestsUnderWay ?? 0, grpc: this.kv?.requestsUnderWay ?? 0 };
  }

  /** Those of clients are closed soon. */
  endListening(): void {
    this.data?.listener.endListening();
  }

  /** Those of clients: requests under way are answered. */
  async closeData(): Promise<void> {
    await Promise.all([this.data?.close(), this.kv?.close()]);
  }

  async close(): Promise<void> {
    await closeAll(
      () => this.closeData(),
      async () => this.admin?.close(),
    );
  }

  private async bind(parts: EdgeParts): Promise<void> {
    const { values, coordinator, requests, logger } = parts;
    const readiness = (): Readiness => parts.readiness();
    const metrics = (): Promise<MetricsPage> => parts.metrics();
    const limits = edgeLimitsOf(values);
    const defaults = { read: values["default-read"], write: values["default-write"] };
    const onUnexpected = (failure: unknown, requestId: string): void => {
      const why = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      logger.error("a request met a fault of this process", { requestId, why });
    };
    this.admin = await named("admin", values.admin, (at) =>
      openAdminEdge({ coordinator, limits, readiness, metrics, onUnexpected }, at),
    );
    this.data = await named("http", values.http, (at) =>
      openDataEdge({ coordinator, defaults, limits, observer: requests.observerOf("http"), onUnexpected }, at),
    );
    const kv = {
      coordinator,
      limits: kvLimitsOf(values),
      observer: requests.observerOf("grpc"),
      isReady: (): boolean => readiness().state === "ready",
      onUnexpected,
    };
    this.kv = await named("grpc", values.grpc, (at) => openKvEdge(kv, at));
  }
}

async function named<Edge>(flag: ListenerFlag, at: HostPort, open: (at: HostPort) => Promise<Edge>): Promise<Edge> {
  return open(at).catch((failure: unknown) => {
    throw listenFailure(flag, printAddress(at), failure);
  });
}
