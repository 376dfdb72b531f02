// The public gRPC listener, put together: KV, health, reflection.

import type { RequestObserver } from "../node/observer.ts";
import type { Coordinator } from "../node/requests.ts";
import { describeFile } from "./descriptors.ts";
import { Health } from "./health.ts";
import { defaultLimits } from "./limits.ts";
import type { KvLimits } from "./limits.ts";
import { KvListener } from "./listener.ts";
import type { ListenAddress } from "./listener.ts";
import { healthFile, kvFile, reflectionAlphaFile, reflectionFile } from "./proto-files.ts";
import { Reflection } from "./reflection.ts";
import { KvService } from "./service.ts";
import { Serving } from "./serving.ts";

export interface KvEdgeOptions {
  readonly coordinator: Coordinator;
  readonly limits?: Partial<KvLimits>;
  readonly observer?: RequestObserver;
  /** Whether the node may be given work: what health answers. */
  isReady(): boolean;
  /** A fault of ours; the client was told this id. */
  onUnexpected(failure: unknown, requestId: string): void;
}

export interface OpenKvEdge {
  readonly address: ListenAddress;
  /** Calls of KV without an end. */
  readonly requestsUnderWay: number;
  readonly connections: number;
  /** Finishes what is under way, takes nothing new. */
  close(): Promise<void>;
}

export async function openKvEdge(options: KvEdgeOptions, at: ListenAddress): Promise<OpenKvEdge> {
  const { coordinator, observer } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const serving = new Serving({
    limits,
    name: `${coordinator.node}-g`,
    observer,
    now: () => coordinator.now(),
    onUnexpected: (failure, requestId) => options.onUnexpected(failure, requestId),
  });
  const listener = new KvListener(limits);
  const files = [kvFile, healthFile, reflectionFile, reflectionAlphaFile].map(describeFile);
  const service = new KvService(coordinator, serving, limits);
  const health = new Health(
    serving,
    files.flatMap((file) => file.services),
    () => options.isReady(),
  );
  const reflection = new Reflection(serving, files);
  listener.add("trefoil.v1.KV", service.methods);
  listener.add("grpc.health.v1.Health", health.methods);
  listener.add("grpc.reflection.v1.ServerReflection", reflection.methods);
  listener.add("grpc.reflection.v1alpha.ServerReflection", reflection.methods);
  const address = await listener.listen(at);
  const timer = setInterval(() => {
    health.look();
    for (const call of serving.overdue()) listener.cut(call);
  }, limits.checkMilliseconds);
  timer.unref();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    serving.isStopping = true;
    health.close();
    await listener.close(serving.whenIdle());
    clearInterval(timer);
  };
  return {
    address,
    get requestsUnderWay() {
      return serving.requestsUnderWay;
    },
    get connections() {
      return listener.connectionCount;
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
