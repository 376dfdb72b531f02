// Nodes of one cluster in this process, over real sockets and disks, without the edges that clients talk to: tests call their
// coordinators.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openCore } from "../../cmd/trefoild/open-node.ts";
import type { OpenedCore } from "../../cmd/trefoild/open-node.ts";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { errorCodes, TrefoilError } from "../../internal/base/errors.ts";
import { nodeId } from "../../internal/base/ids.ts";
import { preferredLeaders } from "../../internal/cluster/preferred-leaders.ts";
import type { NodeCoordinator } from "../../internal/node/coordinator.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { Node, NodeSettings } from "../../internal/node/node.ts";
import type { Caller, ReadMode } from "../../internal/node/requests.ts";
import { freePortList } from "../support/free-ports.ts";

export class RealNodes {
  readonly cores = new Map<string, OpenedCore>();
  readonly failures: Error[] = [];
  readonly folder: string;
  private readonly addresses: ReadonlyMap<string, string>;

  private constructor(folder: string, addresses: ReadonlyMap<string, string>) {
    this.folder = folder;
    this.addresses = addresses;
  }

  /** Of so many names an address each; none of them runs. */
  static async make(count = 3): Promise<RealNodes> {
    const ports = await freePortList(count);
    const addresses = new Map(ports.map((port, at) => [`n${at + 1}`, `127.0.0.1:${port}`]));
    return new RealNodes(await mkdtemp(join(tmpdir(), "trefoil-nodes-")), addresses);
  }

  addressOf(id: string): string {
    return this.addresses.get(id) ?? "";
  }

  /** One of the first three founds the cluster with the others; any other one joins, by whoever is named in `changes`. */
  start(id: string, changes: Partial<NodeSettings> = {}): Promise<Node> {
    return this.open(id, this.settingsOf(id, changes), this.failures);
  }

  private settingsOf(id: string, changes: Partial<NodeSettings>): NodeSettings {
    const founders = ["n1", "n2", "n3"].map((name) => [nodeId(name), this.addressOf(name)] as const);
    const peer = this.addressOf(id);
    return {
      id: nodeId(id),
      folder: join(this.folder, id),
      peers: new Map(founders),
      groups: 4,
      zone: "",
      addresses: { peer, http: "", resp: "", grpc: "", admin: "" },
      defaults: { read: "fast", write: "strong" },
      log: {},
      engine: {},
      replica: {},
      ...changes,
    };
  }

  private async open(at: string, settings: NodeSettings, failures: Error[]): Promise<Node> {
    const core = await openCore(settings, this.addressOf(at), {
      logger: silentLogger,
      seed: Math.floor(Math.random() * 2 ** 32),
      onFailure: (failure) => void failures.push(failure),
    });
    this.cores.set(at, core);
    return core.node;
  }

  /** Another process of the name `id`, with an empty folder, at the address of `at`: what it fails of. */
  async startAs(id: string, at: string): Promise<readonly Error[]> {
    const peer = this.addressOf(at);
    const addresses = { peer, http: "", resp: "", grpc: "", admin: "" };
    const failures: Error[] = [];
    await this.open(at, this.settingsOf(id, { folder: join(this.folder, at), addresses }), failures);
    return failures;
  }

  async startAll(): Promise<void> {
    await Promise.all(["n1", "n2", "n3"].map((id) => this.start(id)));
    await Promise.all([...this.cores.values()].map(({ node }) => node.whenReady()));
  }

  node(id: string): Node {
    const core = this.cores.get(id);
    assert.ok(core !== undefined, `${id} does not run`);
    return core.node;
  }

  async stop(id: string): Promise<void> {
    await this.cores.get(id)?.close();
    this.cores.delete(id);
  }

  async wipe(id: string): Promise<void> {
    assert.ok(!this.cores.has(id), `${id} runs`);
    await rm(join(this.folder, id), { recursive: true, force: true });
  }

  /** Asks again and again; the test's own time-out is the bound. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      assert.deepEqual(this.failures, [], "a node failed");
      if (await isSo()) return;
      await pause(10);
    }
  }

  /** Asks as `until` does. */
  async untilOneFails(): Promise<void> {
    while (this.failures.length === 0) await pause(10);
  }

  /** Each group is led by the replica that its map would have lead it. */
  areLedByTheMap(): boolean {
    const { map } = this.node("n1").keeper;
    if (map === undefined || map.ring.length === 0) return false;
    return [...preferredLeaders(map)].every(([group, leader]) =>
      [...this.cores.values()].some(({ node }) => {
        const replica = node.groups.get(group);
        return replica?.id === leader && replica.status.role === "leader";
      }),
    );
  }

  async put(id: string, key: string, value: string): Promise<void> {
    await patiently(() => this.putOnce(id, key, value));
  }

  async putOnce(id: string, key: string, value: string): Promise<void> {
    const asked = {
      kind: "put",
      key: utf8(key),
      mode: "strong",
      condition: undefined,
      requestId: utf8(`${key} ${value}`.slice(0, 64)),
    } as const;
    const content = { value: utf8(value), contentType: "", ttl: { kind: "none" } } as const;
    const { coordinator } = this.node(id);
    await coordinator.write({ ...asked, ...content }, callerOf(this.node(id)));
  }

  async get(id: string, key: string, mode: ReadMode): Promise<string | undefined> {
    const { coordinator } = this.node(id);
    const { record } = await patiently(() => coordinator.get({ key: utf8(key), mode }, callerOf(this.node(id))));
    return record === undefined ? undefined : utf8Text(record.value);
  }

  async end(): Promise<void> {
    for (const id of Array.from(this.cores.keys())) await this.stop(id);
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Coordinating {
  readonly coordinator: NodeCoordinator;
}

/** As a client does that is told to come again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      if (!(failure instanceof TrefoilError) || !errorCodes[failure.code].retryable) throw failure;
      await pause(10);
    }
  }
}

/** What is not as it should be, as a node or a gateway sees it. */
export async function troublesOf(seer: Coordinating): Promise<readonly string[]> {
  return (await seer.coordinator.cluster(callerOf(seer))).troubles;
}

export function callerOf({ coordinator }: Coordinating): Caller {
  return { deadline: coordinator.now() + 30_000, signal: undefined, trace: "" };
}
