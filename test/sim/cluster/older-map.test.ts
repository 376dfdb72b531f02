// A request by an older map, in a simulated cluster whose newer map gives its slot to another group: who has the newer one refuses it,
// wherever it is tried, and by the newer map that comes back it finds its way.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../../internal/base/bytes.ts";
import type { GroupId } from "../../../internal/base/ids.ts";
import { Prng } from "../../../internal/base/prng.ts";
import type { WriteAnswer, WriteRequest } from "../../../internal/node/requests.ts";
import { Ring } from "../../../internal/ring/ring.ts";
import { slotOf } from "../../../internal/ring/slots.ts";
import { askNode } from "./ask-node.ts";
import type { Heard } from "./ask-node.ts";
import { clusterLimits } from "./cluster-limits.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import type { Machine } from "./machine.ts";
import { isAtRest, stateInWords } from "./rest.ts";
import { SimWorld } from "./sim-world.ts";

const restMilliseconds = 30_000;
const timeoutMilliseconds = 1000;
const joiner = "n9";

/** Three nodes, and one that joins them when all replicas have their places: whatever it is asked goes by its map. */
async function atRest(): Promise<{ world: SimWorld; watch: ClusterWatch }> {
  const random = new Prng(7);
  const drawn = clusterLimits(random.split("limits"));
  const limits = { ...drawn, names: ["n1", "n2", "n3"], groups: 3, diskFaults: false, joiner };
  const world = new SimWorld(random.split("world"), limits, undefined);
  const watch = new ClusterWatch(world, undefined);
  const late = world.machines.at(-1) as Machine; // there are four
  late.isHeldDown = true;
  for (const come of [(): void => undefined, (): void => void (late.isHeldDown = false)]) {
    come();
    for (const machine of world.machines) machine.start();
    await world.time.runTo(world.time.now + restMilliseconds, () => {
      watch.check();
      return isAtRest(world, watch);
    });
    assert.ok(isAtRest(world, watch), stateInWords(world, watch));
  }
  return { world, watch };
}

function machineOf(world: SimWorld, id: string): Machine {
  const machine = world.machines.find((each) => each.id === id);
  assert.ok(machine?.node !== undefined);
  return machine;
}

const ownerOf = (ring: Ring, key: Uint8Array): GroupId => ring.ownerOf(slotOf(key, 0, key.length));

describe("a request by an older map", () => {
  it("is refused for a slot that has another owner by a newer one, at each try, and then goes to that one", async () => {
    const { world, watch } = await atRest();
    const before = watch.newest;
    assert.ok(before !== undefined);
    const [first, ...others] = before.ring;
    const newer = { ...before, epoch: before.epoch + 1, ring: others };
    const [was, is] = [Ring.of(before.ring), Ring.of(newer.ring)];
    const keys = Array.from({ length: 50 }, (_, at) => utf8(`key ${at}`));
    const key = keys.find((each) => ownerOf(was, each) === first);
    assert.ok(key !== undefined && first !== undefined);
    const request: WriteRequest = {
      kind: "put",
      key,
      mode: "strong",
      condition: undefined,
      requestId: undefined,
      value: utf8("value"),
      contentType: "",
      ttl: { kind: "none" },
    };
    const write = (): Promise<Heard<WriteAnswer>> =>
      askNode(world, machineOf(world, joiner), timeoutMilliseconds, (coordinator, caller) =>
        coordinator.write(request, caller),
      );
    const early = write();
    // It is on its way when they hear of the newer map.
    for (const id of ["n1", "n2", "n3"]) machineOf(world, id).node?.keeper.adopt(newer);
    await world.time.runTo(world.time.now + 2 * timeoutMilliseconds);
    const refused = await early;
    assert.ok(refused.kind === "refused", refused.kind);
    const { code, outcome } = refused.failure;
    assert.deepEqual([code, outcome], ["stale_map", "not_applied"]);
    assert.equal(machineOf(world, joiner).node?.keeper.epoch, newer.epoch);
    const late = write();
    await world.time.runTo(world.time.now + 2 * timeoutMilliseconds);
    const written = await late;
    assert.ok(written.kind === "answered", written.kind);
    assert.equal(written.value.served.group, ownerOf(is, key));
    for (const machine of ["n1", "n2", "n3"].map((id) => machineOf(world, id))) {
      assert.equal(
        machine.node?.groups.get(first)?.readNow(key),
        "absent",
        `${machine.id} took it for the former owner`,
      );
    }
  });
});
