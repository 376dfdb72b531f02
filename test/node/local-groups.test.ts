// Which replicas a node hosts, from one map to the next and from one process to the next, on a disk in memory.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { groupId, nodeId, replicaId } from "../../internal/base/ids.ts";
import type { GroupId, NodeId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stampZero } from "../../internal/base/stamp.ts";
import type { ClusterMap } from "../../internal/cluster/cluster-map.ts";
import type { Seat } from "../../internal/cluster/node-folder.ts";
import { Engine } from "../../internal/engine/engine.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { Log } from "../../internal/log/log.ts";
import { LocalGroups } from "../../internal/node/local-groups.ts";
import { raftDefaults } from "../../internal/raft/options.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { NodeClock, VirtualTime } from "../sim/virtual-time.ts";
import { mapNode, placedMap } from "./sample-map.ts";

const self = nodeId("n2");
const here = "disk of n2";
const before = placedMap(
  ["n1", "n2", "n3"].map((id) => mapNode(id)),
  1,
);
const one = groupId(1);

/** As before, but this disk's replica of group 1 has left for one under another id, on this disk or on another. */
function without(disk: string): ClusterMap {
  const groups = before.groups.map((group) => {
    if (group.id !== one) return group;
    const replicas = group.replicas.filter(({ node }) => node !== self);
    return {
      ...group,
      replicas: [...replicas, { replica: replicaId(4), node: self, disk }],
      nextReplica: replicaId(5),
    };
  });
  return { ...before, groups, epoch: before.epoch + 1 };
}

type Sent = readonly [NodeId, ReplicaMessage, GroupId];

interface Process {
  readonly groups: LocalGroups;
  readonly log: Log;
  readonly sent: Sent[];
  readonly warned: string[];
  follow(map: ClusterMap): Promise<void>;
  close(): Promise<void>;
}

class Machine {
  seats: readonly Seat[] = [];
  readonly time = new VirtualTime();
  private readonly disk = new MemoryDisk();

  start(): Promise<Process> {
    return this.during(this.open());
  }

  private async open(): Promise<Process> {
    const { disk } = this;
    const clock = new NodeClock(this.time);
    const background = new InlineBackground(disk.jobs);
    const warned: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warned.push(message) };
    const seams = { disk, background, clock, scheduler: clock, logger, random: new Prng(1) };
    const machine = { bootId: "first" };
    for (const path of ["/data", "/data/engine"]) await disk.makeFolder(path);
    const log = await openLog("/data/log", { ...seams, machine }, {});
    const engine = await Engine.open(seams, "/data/engine", {});
    const sent: Sent[] = [];
    const store = {
      read: () => this.seats,
      write: (seats: readonly Seat[]) => (this.seats = seats),
    };
    const groups = new LocalGroups({
      ...seams,
      node: self,
      diskName: here,
      folder: "/data",
      log,
      engine,
      isSynced: true,
      options: {},
      seats: {
        get seats() {
          return store.read();
        },
        changeSeats: async (change) => void store.write(change(store.read())),
      },
      send: (to, group, message) => void sent.push([to, message, group]),
      onFailure: (failure) => assert.fail(failure),
    });
    const end = async (): Promise<void> => {
      groups.close();
      await groups.ended();
      await engine.close();
      await log.close();
    };
    const follow = (map: ClusterMap): Promise<void> => this.during(groups.follow(map));
    return { groups, log, sent, warned, follow, close: () => this.during(end()) };
  }

  /** Waits for something that takes turns, and a little time perhaps. */
  async during<T>(work: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const over = (): void => void (state.isOver = true);
    work.then(over, over);
    while (!state.isOver) {
      await turn();
      await this.time.runTo(this.time.now + 1);
    }
    return work;
  }

  /** Until whoever is asked happens to lead, and says that nothing is waited for any more. */
  async passUntilReleased(groups: LocalGroups): Promise<void> {
    const hasLeft = (): boolean => !this.seats.some(({ group, replica }) => group === one && replica === 2);
    while (!hasLeft()) {
      await this.pass(groups, 300);
      release(groups, 2);
    }
    await this.pass(groups, 200);
  }

  /** So many milliseconds, with all that happens in them. */
  async pass(groups: LocalGroups, milliseconds: number): Promise<void> {
    for (let at = 0; at < milliseconds; at += 10) {
      groups.tick();
      for (let turns = 0; turns < 5; turns++) await turn();
      await this.time.runTo(this.time.now + 10);
    }
  }
}

const isLeaving = ([, message]: Sent): boolean => message.type === "salvage" && message.isLeaving;

/** Everybody votes for whoever asks. */
function vote(groups: LocalGroups, [to, message, group]: Sent): void {
  if (message.type !== "vote" && message.type !== "pre_vote") return;
  const { term, from, to: voter } = message;
  const answer = { from: voter, to: from, term, isGranted: true } as const;
  if (message.type === "vote") groups.receive(to, group, { ...answer, type: "vote_answer" });
  else groups.receive(to, group, { ...answer, type: "pre_vote_answer", isSticky: false, isRemoved: false });
}

/** Whoever leads says that it waits for nothing more. */
function release(groups: LocalGroups, to: number): void {
  for (const [node, from] of [
    ["n1", 1],
    ["n3", 3],
  ] as const) {
    const settled = {
      type: "salvage_settled",
      from: replicaId(from),
      to: replicaId(to),
      fates: [],
      isReleased: true,
    } as const;
    groups.receive(nodeId(node), one, settled);
  }
}

describe("the replicas that a node hosts", () => {
  it("have one line in the log for what they refuse again and again", async () => {
    const machine = new Machine();
    const { groups, warned, follow, close } = await machine.start();
    await follow(before);
    const wrong = { type: "tick_wanted", from: replicaId(1), to: replicaId(2), until: stampZero } as const;
    for (let at = 0; at < 1000; at++) groups.receive(nodeId("n1"), one, wrong);
    assert.deepEqual(warned, ["a message was refused"]);
    await close();
    assert.equal(warned.length, 2, "and one that counts the others");
  });

  it("hear nothing that a node says in the name of a replica that the map has on another one", async () => {
    const machine = new Machine();
    const { groups, warned, follow, close } = await machine.start();
    await follow(before);
    // Its refusal would be told.
    const wrong = { type: "tick_wanted", from: replicaId(1), to: replicaId(2), until: stampZero } as const;
    groups.receive(nodeId("n3"), one, wrong);
    assert.deepEqual(warned, ["a message comes from another node than that of its replica"]);
    groups.receive(nodeId("n1"), one, wrong);
    assert.deepEqual(warned.slice(1), ["a message was refused"]);
    await close();
  });

  it("take their leave when the map names them no more, though another process learned of it, or had begun with it", async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.follow(before);
    assert.deepEqual([...first.groups.all.keys()], [0, 1]);
    assert.deepEqual(
      machine.seats.map(({ group, replica }) => [group, replica]),
      [
        [0, 2],
        [1, 2],
      ],
    );
    await first.close();

    // Which one begins it does not matter, nor how often.
    const interrupted = await machine.start();
    await interrupted.follow(without("another disk"));
    await machine.pass(interrupted.groups, 300);
    assert.ok(interrupted.sent.some(isLeaving), "it takes no leave");
    await interrupted.close();

    const second = await machine.start();
    await second.follow(without("another disk"));
    assert.deepEqual([...second.groups.all.keys()], [0]);
    await machine.pass(second.groups, 2500);
    const told = second.sent.filter(isLeaving);
    assert.deepEqual(
      new Set(told.map(([node]) => node)),
      new Set(["n1", "n3"]),
      "who leads is not known: each is asked",
    );
    assert.ok(told.length <= 12, `${told.length} times in 2.5 s`);
    await machine.passUntilReleased(second.groups);
    assert.deepEqual(
      machine.seats.map(({ group }) => group),
      [0],
    );
    assert.ok(!second.log.groups().includes(one), "its log is there");
    await second.close();
  });

  it("do not begin on what another one left, before that is erased", async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.follow(before);
    await first.close();
    const second = await machine.start();
    await second.follow(without(here));
    assert.equal(second.groups.get(one), undefined, "it began on what replica 2 has left");
    await machine.passUntilReleased(second.groups);
    assert.equal(second.groups.get(one)?.id, 4);
    assert.deepEqual(
      machine.seats.map(({ group, replica }) => [group, replica]),
      [
        [0, 2],
        [1, 4],
      ],
    );
    await second.close();
  });

  it("send the heartbeats of all groups in the same turns, be it that a group was opened later", async () => {
    const machine = new Machine();
    const { groups, sent, follow, close } = await machine.start();
    await follow(before);
    const beats = new Map<GroupId, number[]>();
    let ticks = 0;
    const tick = async (): Promise<void> => {
      await machine.pass(groups, 10);
      ticks++;
      for (const each of sent.splice(0)) {
        const [, { type }, group] = each;
        vote(groups, each);
        if (type === "heartbeat" && beats.get(group)?.at(-1) !== ticks)
          beats.set(group, [...(beats.get(group) ?? []), ticks]);
      }
    };
    const isBeating = (group: number): boolean => (beats.get(groupId(group)) ?? []).length >= 3;
    while (!isBeating(1) || ticks % raftDefaults.heartbeatTicks !== 2) await tick();
    const map = placedMap(
      ["n1", "n2", "n3"].map((id) => mapNode(id)),
      2,
    );
    await follow({ ...map, epoch: before.epoch + 1 });
    while (!isBeating(2) || !isBeating(0)) await tick();
    const phases = Array.from(beats.values(), (at) => new Set(at.map((each) => each % raftDefaults.heartbeatTicks)));
    assert.equal(phases.length, 3);
    assert.equal(new Set(phases.flatMap((of) => [...of])).size, 1, "they beat in different turns");
    await close();
  });

  it("may be closed while one of them takes its leave", async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.follow(before);
    const following = first.groups.follow(without(here));
    await first.close();
    await machine.during(following);
    assert.equal(machine.seats.find(({ group }) => group === one)?.replica, 2, "it has something here still");
  });
});
