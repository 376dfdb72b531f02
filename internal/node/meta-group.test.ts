import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { logIndex, nodeId, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { registerNode } from "../cluster/map-changes.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { conditionKind } from "../replica/command.ts";
import type { Command } from "../replica/command.ts";
import type { Replica } from "../replica/replica.ts";
import { MetaGroup } from "./meta-group.ts";

const map = placedMap(["n1", "n2", "n3"].map((id) => mapNode(id)));

/** The meta group's replica here: one record, and commands that are applied when the test lets them be. */
class OneRecord {
  record: EngineRecord | undefined;
  applied = 0;
  role = "leader";
  hasQuorum = true;
  lastTerm = 3;
  /** Before a command is applied: another one gets there first. */
  before: () => void = () => undefined;
  /** What becomes of a command instead of being applied. */
  fate: "overridden" | "unknown" | "pending" | undefined;
  commands = 0;

  put(body: Uint8Array): void {
    this.applied++;
    const version = { term: term(3), index: logIndex(this.applied) };
    this.record = { ...version, stamp: stamp(1), expiry: neverExpires, payload: body } as unknown as EngineRecord;
  }

  propose(command: Command): object {
    this.commands++;
    return { kind: "proposed", outcome: this.apply(command) };
  }

  private async apply({ operations: [operation] }: Command): Promise<object> {
    assert.ok(operation !== undefined);
    if (this.fate === "pending") return new Promise(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    this.before();
    if (this.fate !== undefined) return { kind: this.fate };
    const { condition, version } = operation;
    const isSame = version?.index === this.record?.index && version?.term === this.record?.term;
    const isMet =
      condition === conditionKind.absent ? this.record === undefined : isSame || condition === conditionKind.none;
    if (!isMet) return { kind: "refused" };
    this.put(operation.body);
    return { kind: "done" };
  }
}

function replicaOf(record: OneRecord): Replica {
  return {
    get status() {
      return { role: record.role, term: 3, hasQuorum: record.hasQuorum };
    },
    /** What is gathered may be of this term before anything of it is seen. */
    get state() {
      return { last: { term: 3 } };
    },
    get applied() {
      return { term: record.lastTerm, index: record.applied };
    },
    get appliedIndex() {
      return record.applied;
    },
    readFast: () => Promise.resolve(record.record),
    propose: (_: string, make: () => Command) => record.propose(make()),
  } as unknown as Replica;
}

let one: OneRecord;
let told: number[];
let meta: MetaGroup;
let time: VirtualTime;

beforeEach(() => {
  time = new VirtualTime();
  one = new OneRecord();
  told = [];
  meta = new MetaGroup(
    () => replicaOf(one),
    (of) => void told.push(of.epoch),
    new NodeClock(time),
  );
});

const register = (id: string) => (of: ClusterMap) => registerNode(of, mapNode(id));
const noLeader = { code: "no_leader" };

describe("the map in the meta group", () => {
  it("is read once as long as it is the same", async () => {
    await meta.found(map);
    const read: ClusterMap[] = [];
    const look = (present: ClusterMap): ClusterMap => {
      read.push(present);
      return present;
    };
    await meta.change(look);
    await meta.change(look);
    await meta.change(register("n4"));
    await meta.change(look);
    const [first, second, third] = read;
    assert.equal(second, first);
    assert.deepEqual(third?.nodes.length, map.nodes.length + 1);
  });

  it("is founded once, whoever comes later with another one", async () => {
    await meta.found(map);
    await meta.found({ ...map, epoch: 99 });
    await meta.look();
    assert.deepEqual([told, one.commands], [[map.epoch], 1]);
  });

  it("is changed one change after the other, each from what the one before has made", async () => {
    await meta.found(map);
    const maps = await Promise.all(["n4", "n5", "n6"].map((id) => meta.change(register(id))));
    assert.deepEqual(
      maps.map(({ epoch }) => epoch - map.epoch),
      [1, 2, 3],
    );
    assert.deepEqual(
      maps.at(-1)?.nodes.map(({ id }) => id),
      ["n1", "n2", "n3", "n4", "n5", "n6"].map(nodeId),
    );
    const { commands } = one;
    assert.equal(commands, 4, "none was made for nothing");
    assert.deepEqual(await meta.change(register("n5")), maps.at(-1), "it is there already");
    assert.equal(one.commands, commands);
  });

  it("takes a change anew from what another leader has put there, and gives up when it never holds still", async () => {
    await meta.found(map);
    const first = one.record;
    const foreign = new OneRecord();
    const other = new MetaGroup(
      () => replicaOf(foreign),
      () => undefined,
      new NodeClock(time),
    );
    foreign.record = first;
    await other.change(register("n9"));
    const theirs = foreign.record?.payload;
    assert.ok(theirs !== undefined);
    let times = 1;
    one.before = () => {
      if (times-- > 0) one.put(theirs);
    };
    const made = await meta.change(register("n4"));
    assert.deepEqual(
      made.nodes.map(({ id }) => id),
      ["n1", "n2", "n3", "n4", "n9"].map(nodeId),
    );
    times = Infinity;
    await assert.rejects(meta.change(register("n5")), noLeader);
    one.before = () => undefined;
    await meta.change(register("n5"));
  });

  it("is changed by the leader alone: one that hears a majority and has applied what was before its term", async () => {
    await meta.found(map);
    one.role = "follower";
    await assert.rejects(meta.change(register("n4")), noLeader);
    one.role = "leader";
    one.hasQuorum = false;
    await assert.rejects(meta.change(register("n4")), noLeader);
    one.hasQuorum = true;
    one.lastTerm = 2;
    await assert.rejects(meta.change(register("n4")), noLeader);
    assert.ok(!meta.isLeader);
    one.lastTerm = 3;
    for (const fate of ["overridden", "unknown"] as const) {
      one.fate = fate;
      await assert.rejects(meta.change(register("n4")), noLeader);
    }
    one.fate = undefined;
    assert.equal((await meta.change(register("n4"))).epoch, map.epoch + 1, "a failure is no hindrance to the next one");
  });

  it("holds up no later change for ever with one that finds no majority", async () => {
    await meta.found(map);
    one.fate = "pending";
    const pending = meta.change(register("n4"));
    const later = meta.change(register("n5"));
    const refused = assert.rejects(pending, noLeader);
    while (one.commands < 2) await turn();
    one.fate = undefined;
    for (let at = 0; at < 50; at++) {
      await time.runTo(time.now + 100);
      await turn();
    }
    assert.equal(one.commands, 3, "the later one has its turn");
    await refused;
    assert.ok((await later).nodes.some(({ id }) => id === "n5"));
  });

  it("is told when it was applied, once", async () => {
    await meta.look();
    await meta.found(map);
    for (let looks = 0; looks < 3; looks++) await meta.look();
    assert.deepEqual(told, [map.epoch]);
    one.role = "follower";
    one.applied++;
    await meta.look();
    assert.deepEqual(told, [map.epoch, map.epoch]);
  });
});
