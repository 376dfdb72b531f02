// A public gRPC listener on a free port in front of a coordinator in memory, and a client of it.

import type { ChannelOptions } from "@grpc/grpc-js";
import { openKvEdge } from "../../internal/kv/kv-edge.ts";
import type { OpenKvEdge } from "../../internal/kv/kv-edge.ts";
import type { KvLimits } from "../../internal/kv/limits.ts";
import type { RequestObserver } from "../../internal/node/observer.ts";
import { MemoryCoordinator } from "../support/memory-coordinator.ts";
import { KvClient } from "./client.ts";
import type { Asking, Fields, Refused } from "./client.ts";

export class KvRig {
  readonly coordinator: MemoryCoordinator;
  /** Faults of the edge that a test did not provoke. */
  readonly unexpected: unknown[] = [];
  isReady = true;
  private readonly clients: KvClient[] = [];
  private opened: OpenKvEdge | undefined;

  private constructor(coordinator: MemoryCoordinator) {
    this.coordinator = coordinator;
  }

  static async open(limits: Partial<KvLimits> = {}, observer?: RequestObserver): Promise<KvRig> {
    const rig = new KvRig(new MemoryCoordinator());
    rig.opened = await openKvEdge(
      {
        coordinator: rig.coordinator,
        limits: { checkMilliseconds: 10, ...limits },
        ...(observer === undefined ? {} : { observer }),
        isReady: () => rig.isReady,
        onUnexpected: (failure) => rig.unexpected.push(failure),
      },
      { host: "127.0.0.1", port: 0 },
    );
    rig.client();
    return rig;
  }

  get edge(): OpenKvEdge {
    return this.opened as OpenKvEdge;
  }

  /** Another one, with a connection of its own. */
  client(options: ChannelOptions = {}): KvClient {
    const made = new KvClient(this.edge.address.port, options);
    this.clients.push(made);
    return made;
  }

  call(name: string, request: Fields, asking: Asking = {}): Promise<Fields> {
    return this.first.call(name, request, asking);
  }

  refused(name: string, request: Fields, asking: Asking = {}): Promise<Refused> {
    return this.first.refused(name, request, asking);
  }

  get first(): KvClient {
    return this.clients[0] as KvClient;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.edge.close();
  }
}

/** Turn after turn until it holds; the test's own time limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
