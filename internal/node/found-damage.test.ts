import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { corruption } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { DiskFailure } from "../platform/disk.ts";
import { silentLogger } from "../platform/logger.ts";
import { FoundDamage } from "./found-damage.ts";

const [n1, n2] = [nodeId("n1"), nodeId("n2")];
const damage = corruption("a block is damaged");
const still = placedMap(
  ["n1", "n2", "n3", "n4"].map((id) => mapNode(id)),
  4,
);
const seatedHere = still.groups.find(({ replicas }) => replicas.some(({ node }) => node === n1))?.id ?? groupId(0);

let map: ClusterMap;
let away: Set<NodeId>;
let noted: string[];
let ends: string[];
let warned: string[];
let noting: () => Promise<void>;
let found: FoundDamage;

beforeEach(() => {
  map = still;
  [away, noted, ends, warned] = [new Set(), [], [], []];
  noting = () => Promise.resolve();
  found = new FoundDamage({
    self: n1,
    folder: {
      noteDamage: (why) => {
        noted.push(why);
        return noting();
      },
    },
    keeper: {
      get map() {
        return map;
      },
    },
    table: { isConnected: (node) => !away.has(node) },
    logger: { ...silentLogger, error: (_words, fields) => void warned.push(String(fields?.["waitsFor"])) },
    onEnd: (failure) => void ends.push(failure instanceof Error ? failure.message : String(failure)),
  });
});

async function met(times = 3): Promise<void> {
  for (let time = 0; time < times; time++) {
    found.meet(damage);
    await turn();
  }
}

it("damage is noted once, and then the process ends", async () => {
  await met();
  assert.deepEqual([noted, warned], [["a block is damaged"], []]);
  assert.equal(ends.length, 1);
  assert.match(ends[0] ?? "", /^a block is damaged; start the node again: it sets aside/);
});

it("damage waits while another node's replica is away or being filled: the votes of this one stand", async () => {
  away.add(n2);
  await met();
  assert.deepEqual([noted, ends, warned], [[], [], ["node n2"]]);
  away.clear();
  const joining = { replica: replicaId(4), node: nodeId("n2"), disk: "new" };
  const groups = still.groups.map((group) =>
    group.id === seatedHere ? { ...group, exchange: { joining, leaving: replicaId(2) } } : group,
  );
  map = { ...still, groups };
  await met();
  assert.deepEqual([noted, ends, warned], [[], [], ["node n2"]], "it is told once");
  map = still;
  await met();
  assert.deepEqual([noted.length, ends.length], [1, 1]);
});

it("damage that cannot be noted is told with the reason", async () => {
  noting = () => Promise.reject(new DiskFailure("full", "write", "/data/trefoil-node"));
  await met();
  assert.match(ends[0] ?? "", /^a block is damaged; that could not be noted .*: write \/data\/trefoil-node: full$/);
});
