// A gateway in front of a simulated cluster: it finds its way there and back whatever becomes of nodes and wires, and what it has told
// its clients it shows them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../../internal/base/bytes.ts";
import { TrefoilError } from "../../../internal/base/errors.ts";
import { nodeId } from "../../../internal/base/ids.ts";
import { Prng } from "../../../internal/base/prng.ts";
import type { Version } from "../../../internal/engine/cell.ts";
import { replicaMessages } from "../../../internal/grpc/replica-messages.ts";
import { Gateway } from "../../../internal/node/gateway.ts";
import type { Caller, GetAnswer } from "../../../internal/node/requests.ts";
import { silentLogger } from "../../../internal/platform/logger.ts";
import { compareVersions } from "../../../internal/replica/answer.ts";
import { NodeNetwork } from "../network/node-network.ts";
import { addressLink } from "../network/wires.ts";
import { NodeClock } from "../virtual-time.ts";
import { clusterLimits } from "./cluster-limits.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import type { Machine } from "./machine.ts";
import { addressOf } from "./machine.ts";
import { isAtRest, stateInWords } from "./rest.ts";
import { SimWorld } from "./sim-world.ts";

const timeoutMilliseconds = 1000;
const restMilliseconds = 30_000;
const gatewayAddress = addressOf("gateway");

class Scene {
  readonly world: SimWorld;
  readonly watch: ClusterWatch;
  readonly random: Prng;
  readonly failures: Error[] = [];
  readonly clock: NodeClock;
  private opened: Gateway | undefined;

  constructor(seed: number) {
    this.random = new Prng(seed);
    const drawn = clusterLimits(this.random.split("limits"));
    const limits = { ...drawn, names: ["n1", "n2", "n3"], diskFaults: false, zoneOf: (node: string) => node };
    this.world = new SimWorld(this.random.split("world"), limits, undefined);
    this.watch = new ClusterWatch(this.world, undefined);
    this.clock = new NodeClock(this.world.time);
  }

  get gateway(): Gateway {
    assert.ok(this.opened !== undefined);
    return this.opened;
  }

  async open(seeds: readonly string[]): Promise<void> {
    const { clock, random } = this;
    const { wires } = this.world;
    this.opened = await Gateway.open(
      {
        network: new NodeNetwork({ wires, address: gatewayAddress, clock, chance: random.split("network") }),
        codec: replicaMessages,
        clock,
        scheduler: clock,
        random: random.split("gateway"),
        logger: silentLogger,
        onFailure: (failure) => void this.failures.push(failure),
      },
      { id: nodeId("gateway"), zone: "n1", seeds, defaults: { read: "fast", write: "strong" } },
    );
  }

  async run(milliseconds: number, isDone?: () => boolean): Promise<void> {
    const { time } = this.world;
    await time.runTo(time.now + milliseconds, () => {
      this.watch.check();
      return isDone?.() ?? false;
    });
    assert.deepEqual(this.failures, []);
  }

  async rest(): Promise<void> {
    await this.run(restMilliseconds, () => isAtRest(this.world, this.watch));
    assert.ok(isAtRest(this.world, this.watch), stateInWords(this.world, this.watch));
  }

  /** Of a client: in time, an answer or a refusal. */
  ask<T>(action: (caller: Caller) => Promise<T>): Promise<T | TrefoilError> {
    const begun = this.world.time.now;
    return new Promise((resolve, reject) => {
      this.clock.live(() => {
        const caller = { deadline: this.gateway.coordinator.now() + timeoutMilliseconds, signal: undefined, trace: "" };
        action(caller).then(
          (value) => {
            assert.ok(this.world.time.now - begun <= timeoutMilliseconds + 5, "an answer behind its deadline");
            resolve(value);
          },
          (failure: unknown) => {
            if (failure instanceof TrefoilError) resolve(failure);
            else reject(failure instanceof Error ? failure : new Error(String(failure)));
          },
        );
      });
    });
  }

  /** What others say to the node whose replicas fast reads go to first comes late. */
  slowNearest(): void {
    const { wires } = this.world;
    for (const other of ["n2", "n3"]) {
      const link = addressLink(addressOf(other), addressOf("n1"));
      wires.slow.set(link, { milliseconds: 50, bytesPerMillisecond: 500_000 });
    }
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.world.time.after(milliseconds, resolve));
  }

  /** One thing goes wrong, and is mended a while later. */
  harm(): void {
    const { random, world } = this;
    const machine = random.pick(world.machines);
    const milliseconds = random.between(100, 3000);
    const links = [addressLink(gatewayAddress, machine.address), addressLink(machine.address, gatewayAddress)];
    switch (random.below(5)) {
      case 0:
        machine.crash(undefined);
        world.restartLater(machine, milliseconds);
        return;
      case 1:
        machine.clock.pause(milliseconds);
        return;
      case 2:
        for (const stream of world.wires.between(gatewayAddress, machine.address)) stream.breakOff(random.chance(1, 2));
        return;
      case 3:
        void machine.stop(random.pick([undefined, 500]));
        return;
      default:
        for (const link of links) world.wires.cut(link);
        world.time.after(milliseconds, () => links.forEach((link) => world.wires.mend(link)));
    }
  }
}

interface Worked {
  /** The newest version of each key. */
  readonly told: ReadonlyMap<string, Version>;
  readonly written: number;
  readonly read: number;
}

/** Writes one key after the other strongly, and reads it back. */
async function work(scene: Scene, times: number): Promise<Worked> {
  const told = new Map<string, Version>();
  let [written, read] = [0, 0];
  for (let at = 0; at < times; at++) {
    await scene.sleep(scene.random.between(1, 60));
    const name = `k${scene.random.below(12)}`;
    const key = utf8(name);
    const isKeyed = scene.random.chance(1, 2);
    const { coordinator } = scene.gateway;
    const put = {
      kind: "put",
      key,
      mode: "strong",
      condition: undefined,
      requestId: isKeyed ? utf8(`${name}/${at}`) : undefined,
      value: utf8(String(at)),
      contentType: "",
      ttl: { kind: "none" },
    } as const;
    const wrote = await scene.ask((caller) => coordinator.write(put, caller));
    if (!(wrote instanceof TrefoilError)) {
      written++;
      told.set(name, wrote.version);
    }
    const got = await scene.ask((caller) =>
      coordinator.get({ key, mode: scene.random.pick(["fast", "strong"]) }, caller),
    );
    if (got instanceof TrefoilError) continue;
    read++;
    checkShows(got, told.get(name), name);
    // What it has shown it shows from then on, as it does what it was told to write.
    if (got.record !== undefined) told.set(name, got.record.version);
  }
  return { told, written, read };
}

function checkShows({ record, served }: GetAnswer, told: Version | undefined, key: string): void {
  if (told === undefined) return;
  const shown = record?.version;
  const isShown = shown !== undefined && compareVersions(shown, told) >= 0;
  assert.ok(isShown, `${key}: ${served.node} shows ${JSON.stringify(shown)}, and ${JSON.stringify(told)} was told`);
}

describe("a gateway of a simulated cluster", () => {
  it("waits for a cluster that is not founded yet, by a seed that comes last", async () => {
    const scene = new Scene(1);
    await scene.open([addressOf("nobody"), addressOf("n3")]);
    const early = scene.ask((caller) => scene.gateway.coordinator.get({ key: utf8("k"), mode: "fast" }, caller));
    await scene.run(2000);
    const refusal = await early;
    assert.ok(refusal instanceof TrefoilError && refusal.code === "starting");
    assert.match(refusal.message, /none of the seeds has told of a cluster yet: nobody:7400 \(.+\), n3:7400 \(.+\)/);
    for (const machine of scene.world.machines) machine.start();
    await scene.run(restMilliseconds, () => scene.gateway.isReady);
    assert.ok(scene.gateway.isReady);
  });

  it("finds its way though every word takes its time", async () => {
    const scene = new Scene(5);
    for (const machine of scene.world.machines) {
      machine.start();
      for (const link of [addressLink(gatewayAddress, machine.address), addressLink(machine.address, gatewayAddress)]) {
        scene.world.wires.slow.set(link, { milliseconds: 300, bytesPerMillisecond: 500_000 });
      }
    }
    await scene.rest();
    await scene.open([addressOf("n1")]);
    await scene.run(restMilliseconds, () => scene.gateway.isReady);
    assert.ok(scene.gateway.isReady, scene.gateway.awaited);
  });

  it("hears of a newer map, though nobody asks it for anything", async () => {
    const scene = new Scene(2);
    for (const machine of scene.world.machines) machine.start();
    await scene.open([addressOf("n1")]);
    await scene.rest();
    const before = scene.watch.epoch;
    const [, second] = scene.world.machines as readonly [Machine, Machine, Machine];
    second.loseDisk();
    second.start();
    await scene.run(restMilliseconds, () => scene.watch.epoch > before);
    await scene.rest();
    const { epoch } = scene.watch;
    await scene.run(5000, () => scene.gateway.keeper.epoch === epoch);
    assert.equal(scene.gateway.keeper.epoch, epoch);
  });

  for (const seed of [3, 4]) {
    it(`shows what it has told, and answers in time, whatever goes wrong: seed ${seed}`, async () => {
      const scene = new Scene(seed);
      for (const machine of scene.world.machines) machine.start();
      await scene.open([addressOf("n1"), addressOf("n2")]);
      await scene.run(restMilliseconds, () => scene.gateway.isReady);
      await scene.rest();
      scene.slowNearest();
      const ended: { readonly done?: Worked; readonly failure?: unknown }[] = [];
      work(scene, 150).then(
        (done) => ended.push({ done }),
        (failure: unknown) => ended.push({ failure }),
      );
      for (let harms = 0; harms < 60 && ended.length === 0; harms++) {
        await scene.run(scene.random.between(100, 1500), () => ended.length > 0);
        scene.harm();
      }
      scene.world.heal();
      await scene.run(300_000, () => ended.length > 0);
      const [{ done, failure } = {}] = ended;
      assert.equal(failure, undefined);
      assert.ok(done !== undefined, "work that never ends");
      assert.ok(done.written > 50 && done.read > 50, `${done.written} writes, ${done.read} reads`);
      // Whoever was paused goes on.
      await scene.run(5000);
      await scene.rest();
      for (const [key, version] of done.told) {
        const asked = scene.ask((caller) => scene.gateway.coordinator.get({ key: utf8(key), mode: "strong" }, caller));
        await scene.run(2 * timeoutMilliseconds);
        const got = await asked;
        if (got instanceof TrefoilError) throw got;
        checkShows(got, version, key);
      }
    });
  }
});
