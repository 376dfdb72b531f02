// Where a coordinator sends a request, how often, and what it tells when that comes to nothing: a gateway's, so that every request goes
// over a network, whose peers do what the test says, in virtual time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../internal/base/errors.ts";
import { groupId, logIndex, nodeId, replicaId, term } from "../../internal/base/ids.ts";
import type { NodeId } from "../../internal/base/ids.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { AddressedCall } from "../../internal/node/client-wire.ts";
import type { GroupAnswer, SeenReplica } from "../../internal/node/group-service.ts";
import type { RequestOutcome } from "../../internal/platform/network.ts";
import {
  again,
  emptyPage,
  failed,
  got,
  key,
  n1,
  n2,
  n3,
  put,
  Rig,
  seenAs,
  threeNodes,
  version,
  withId,
} from "./coordinator-rig.ts";
import type { Says } from "./coordinator-rig.ts";
import { mapNode, placedMap } from "./sample-map.ts";

/** Its process ends, and its connection with it. */
function goAway(rig: Rig, node: NodeId): void {
  rig.network.unconnected.add(node);
  rig.says.set(node, [{ kind: "refused", why: "down" }]);
}

/** It is there again, and leads nothing. */
function comeBack(rig: Rig, node: NodeId): void {
  rig.network.unconnected.delete(node);
  rig.table.noteArrived(node);
  rig.says.set(node, [again("not_leader")]);
}

describe("a request on its way", () => {
  it("is told that its time was too short when nobody could be asked in it, whoever leads", async () => {
    const rig = new Rig();
    const expected = { code: "deadline_exceeded", outcome: "not_applied", after: 0 };
    for (const told of [await rig.write({}, 1), await rig.get("strong", 1), await rig.get("fast", 1)]) {
      assert.deepEqual(told, expected);
    }
    assert.deepEqual(rig.network.asked, []);
    rig.milliseconds = 999;
    rig.allSay(again("no_leader"));
    assert.equal((await rig.write()).code, "no_leader", "who was asked has said why");
  });

  it("is told that nobody leads when there is nobody to be asked, for all leave, however late timers fire", async () => {
    for (const late of [1, 50]) {
      const rig = new Rig();
      rig.lateMilliseconds = late;
      for (const node of [n1, n2, n3]) rig.table.noteLeaving(node);
      for (const { code } of [await rig.write(), await rig.get("strong"), await rig.get("fast")]) {
        assert.equal(code, "no_leader", `${late} ms late`);
      }
      assert.deepEqual(rig.network.asked, []);
    }
  });

  it("is told that a gateway reaches no node of its cluster, whatever was said before, while none is connected", async () => {
    const words = "this gateway reaches no node of its cluster; try again when one is back";
    for (const before of ["no_leader", "not_here", "no_quorum"] as const) {
      for (const isInOrder of [false, true]) {
        const rig = new Rig();
        rig.allSay(again(before));
        rig.time.after(100, () => {
          for (const node of [n1, n2, n3]) {
            goAway(rig, node);
            if (isInOrder) rig.table.noteLeaving(node);
          }
        });
        const { code, outcome, message } = await rig.refusal();
        assert.deepEqual([code, outcome, message], ["no_leader", "not_applied", words]);
        assert.equal((await rig.get()).code, "no_leader");
        comeBack(rig, n1);
        rig.says.set(n1, ["served"]);
        assert.equal((await rig.write()).code, "done");
      }
    }
    const write = (): Promise<GroupAnswer<never>> => Promise.resolve(again("not_leader"));
    const node = new Rig(threeNodes(), "", { has: () => true, leaderOf: () => undefined, write });
    for (const other of [n2, n3]) goAway(node, other);
    assert.doesNotMatch((await node.refusal()).message, /gateway/);
  });

  it("goes to whoever is said to lead next, and there at once from then on", async () => {
    const rig = new Rig();
    rig.network.roundTrips.set(n1, 10).set(n2, 20).set(n3, 30);
    rig.says.set(n1, [again("not_leader", n3)]);
    assert.equal((await rig.write()).code, "done");
    assert.deepEqual(rig.network.asked, [n1, n3]);
    assert.equal((await rig.write()).code, "done");
    assert.deepEqual(rig.network.asked, [n1, n3, n3]);
  });

  it("is tried again, later and later, while nobody leads, and told so when the time is up: surely it did nothing", async () => {
    const rig = new Rig();
    rig.allSay(again("no_leader"));
    const told = await rig.write();
    assert.deepEqual([told.code, told.outcome], ["no_leader", "not_applied"]);
    assert.ok(told.after <= 1000, `told at ${told.after}`);
    assert.ok(rig.calls.length >= 10 && rig.calls.length <= 60, `${rig.calls.length} tries`);
    rig.allSay(again("no_leader"), again("no_leader"), "served");
    assert.equal((await rig.write()).code, "done");
  });

  it("is refused at once when the leader has too much to do, and soon when it hears no majority", async () => {
    for (const [why, patience] of [
      ["busy", 0],
      ["no_quorum", 400],
    ] as const) {
      const rig = new Rig();
      rig.says
        .set(n1, [again(why)])
        .set(n2, [again("not_leader", n1)])
        .set(n3, [again("not_leader", n1)]);
      for (const { code, outcome, after } of [await rig.write({}, 5000), await rig.write(withId, 5000)]) {
        assert.deepEqual([code, outcome], [why, "not_applied"]);
        assert.ok(after <= patience, `after ${after} ms`);
      }
    }
  });

  it("is told which nodes are away when no majority is there, or nobody leads: those that an explanation misses", async () => {
    let why: "no_quorum" | "not_leader" = "no_quorum";
    const here = (): Promise<GroupAnswer<never>> => Promise.resolve(again(why));
    const view = (): SeenReplica => ({ ...seenAs(n1, "leader"), hasQuorum: false });
    const rig = new Rig(threeNodes(), "", { has: () => true, leaderOf: () => n1, view, write: here, get: here });
    for (const node of [n2, n3]) goAway(rig, node);
    assert.match(
      (await rig.refusal()).message,
      /its leader hears no majority of its replicas, and n2 and n3 do not answer n1; /,
    );
    const { group } = await rig.explanation();
    assert.deepEqual(
      group.replicas.filter(({ role }) => role === undefined).map(({ node }) => node),
      [n2, n3],
    );
    why = "not_leader";
    comeBack(rig, n2);
    assert.match(
      (await rig.refusal()).message,
      /was found in time, and n3 does not answer n1; try again when it is back$/,
    );
    comeBack(rig, n3);
    rig.says.set(n3, [again("no_quorum")]);
    assert.match((await rig.refusal()).message, /its leader hears no majority of its replicas; /);
    rig.says.set(n3, [again("not_leader")]);
    assert.match((await rig.refusal()).message, /: nobody who leads it was found in time; try again$/);
  });

  it("is told of all who are away now, whoever was asked last: of those who have said that they stop, too", async () => {
    let milliseconds = 0;
    const here = async (): Promise<GroupAnswer<never>> => {
      await new Promise<void>((resolve) => void rig.clock.after(milliseconds, resolve));
      return again("no_leader");
    };
    const rig = new Rig(threeNodes(), "", { has: () => true, leaderOf: () => undefined, get: here });
    const isTold = async (words: string, when?: string): Promise<void> => {
      const { message } = await rig.refusal(rig.coordinator.get({ key, mode: "strong" }, rig.caller()));
      assert.equal(message, `group 1: nobody who leads it was found in time, and ${words}`, when);
    };
    const both = "n2 and n3 do not answer n1; try again when they are back";
    for (const node of [n2, n3]) goAway(rig, node);
    // The time is up behind the own replica, and nobody else was asked in the last round, or in the only one.
    for (milliseconds of [0, 1, 999]) await isTold(both, `${milliseconds} ms`);
    milliseconds = 0;
    rig.table.noteLeaving(n2);
    await isTold(both, "it has stopped in order");
    comeBack(rig, n2);
    rig.table.noteLeaving(n2);
    await isTold("n3 does not answer n1, and n2 stops; try again when they are back");
    comeBack(rig, n3);
    await isTold("n2 stops; try again when it is back");
    rig.table.noteLeaving(n3);
    await isTold("n2 and n3 stop; try again when they are back");
  });

  it("is told who is connected and let the time pass, and whose answer could not be read, when it was asked last", async () => {
    let why: "no_quorum" | "not_leader" = "no_quorum";
    const here = (): Promise<GroupAnswer<never>> => Promise.resolve(again(why));
    const rig = new Rig(threeNodes(), "", { has: () => true, leaderOf: () => undefined, get: here });
    const told = async (): Promise<string> =>
      (await rig.refusal(rig.coordinator.get({ key, mode: "strong" }, rig.caller(5000)))).message;
    goAway(rig, n2);
    rig.stuck.add(n3);
    assert.match(await told(), /hears no majority of its replicas, and n2 and n3 do not answer n1; /);
    why = "not_leader";
    rig.stuck.clear();
    const noise: RequestOutcome = { kind: "answered", payload: Uint8Array.of(7, 7, 7) };
    rig.says.set(n3, [noise]);
    const away = "n2 does not answer n1; try again when it is back";
    assert.match(await told(), new RegExp(`in time, and n3 gave no answer that can be read, and ${away}$`));
    rig.says.set(n3, [noise, again("not_leader")]);
    assert.match(await told(), new RegExp(`in time, and ${away}$`));
    comeBack(rig, n2);
    rig.says.set(n3, [noise]);
    assert.match(await told(), /in time, and n3 gave no answer that can be read; try again$/);
  });

  it("is served by another node when the leader that hears no majority has a successor", async () => {
    const rig = new Rig();
    rig.says.set(n1, [again("no_quorum", n1)]);
    rig.network.roundTrips.set(n1, 10).set(n2, 20).set(n3, 30);
    assert.deepEqual(await rig.write(), { code: "done", outcome: "applied", after: 0 });
  });

  it("ends at its deadline, wherever it is: a write is unknown then, a read is not", async () => {
    const rig = new Rig();
    rig.milliseconds = 60_000;
    assert.deepEqual(await rig.write({}, 300), { code: "outcome_unknown", outcome: "unknown", after: 300 });
    assert.deepEqual(await rig.get("strong", 300), { code: "deadline_exceeded", outcome: "not_applied", after: 300 });
  });

  it("does not wait for a node that is stuck when it may be made twice", async () => {
    const rig = new Rig();
    rig.network.roundTrips.set(n1, 10).set(n2, 20).set(n3, 30);
    rig.stuck.add(n1);
    assert.deepEqual(await rig.get("strong", 5000), { code: "done", outcome: "applied", after: 1000 });
    assert.deepEqual(await rig.write(withId, 5000), { code: "done", outcome: "applied", after: 1000 });
    assert.deepEqual(rig.network.asked, [n1, n2, n1, n2]);
    const other = new Rig();
    other.network.roundTrips.set(n1, 10);
    other.stuck.add(n1);
    assert.deepEqual(await other.write({}, 5000), { code: "outcome_unknown", outcome: "unknown", after: 5000 });
  });

  it("does not wait for a replica of its own that is stuck, either", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const rig = new Rig(threeNodes(), "", { has: () => true, get: never, write: never, leaderOf: () => n1 });
    rig.network.roundTrips.set(n2, 20).set(n3, 30);
    /** Whoever is served here is not told at the very moment. */
    const isAbout = (after: number, expected: number): boolean => after >= expected && after < expected + 100;
    for (const told of [await rig.get("strong", 5000), await rig.write(withId, 5000)]) {
      assert.ok(told.code === "done" && isAbout(told.after, 1000), `${told.code} after ${told.after}`);
    }
    assert.deepEqual(rig.network.asked, [n2, n2]);
    const write = await rig.write({}, 5000);
    assert.ok(write.code === "outcome_unknown" && isAbout(write.after, 5000), `${write.code} after ${write.after}`);
    const read = await rig.get("strong", 900);
    assert.ok(read.code === "deadline_exceeded" && isAbout(read.after, 900), `${read.code} after ${read.after}`);
  });

  it("is not made twice when nobody knows what came of it and it carries no id", async () => {
    for (const why of ["lost", "unsent"] as const) {
      const rig = new Rig();
      rig.allSay({ kind: "unknown", why });
      assert.deepEqual(await rig.write(), { code: "outcome_unknown", outcome: "unknown", after: 0 });
      assert.equal(rig.calls.length, 1);
    }
    const rig = new Rig();
    rig.allSay(failed("outcome_unknown", "unknown", true));
    assert.equal((await rig.write()).code, "outcome_unknown");
    assert.equal(rig.calls.length, 1);
  });

  it("is made again under its id, and has the answer of the group", async () => {
    const lost: RequestOutcome = { kind: "unknown", why: "lost" };
    for (const first of [lost, failed("outcome_unknown", "unknown", true)]) {
      const rig = new Rig();
      rig.allSay(first, "served");
      assert.equal((await rig.write(withId)).code, "done");
      assert.ok(rig.calls.length >= 2);
    }
    const rig = new Rig();
    rig.allSay(lost, failed("precondition_failed", "not_applied"));
    assert.equal((await rig.write(withId)).code, "precondition_failed", "an answer of the log is the answer to both");
    const read = new Rig();
    read.allSay(lost, "served");
    assert.equal((await read.get("strong")).code, "done");
  });

  it("is refused with the place of the refusal, and the version that the group told", async () => {
    const place = async (says: Says): Promise<readonly unknown[]> => {
      const rig = new Rig();
      rig.network.roundTrips.set(n1, 1);
      rig.allSay(says);
      const { code, place, present, entry } = await rig.refusal();
      assert.equal(place.group, rig.calls[0]?.group);
      return [code, place.node, place.decided, present, entry];
    };
    const there = { term: term(3), index: logIndex(9) };
    const told = (code: ErrorCode): GroupAnswer<never> => ({ ...failed(code, "not_applied"), version: there }) as never;
    const looked = { role: "leader", consistency: "strong" };
    const own = nodeId("gateway");
    assert.deepEqual(await place(told("precondition_failed")), ["precondition_failed", n1, looked, there, undefined]);
    assert.deepEqual(await place(told("outcome_unknown")), ["outcome_unknown", n1, undefined, undefined, there]);
    assert.deepEqual(await place(again("busy")), ["busy", own, undefined, undefined, undefined]);
  });

  it("is unknown once a try was, unless the group has answered: whatever a later try is refused for", async () => {
    const lost: RequestOutcome = { kind: "unknown", why: "lost" };
    const later: readonly Says[] = [
      again("no_leader"),
      again("busy"),
      again("no_quorum"),
      again("stopping"),
      failed("storage_full", "not_applied"),
      { kind: "refused", why: "down" },
      { kind: "refused", why: "busy" },
    ];
    for (const refusal of later) {
      const rig = new Rig();
      rig.says.set(n1, [lost, refusal]).set(n2, [refusal]).set(n3, [refusal]);
      rig.network.roundTrips.set(n1, 1);
      const { code, outcome } = await rig.write(withId);
      assert.deepEqual([code, outcome], ["outcome_unknown", "unknown"], JSON.stringify(refusal));
    }
  });

  it("is unknown when what came back is no answer, and a read goes elsewhere", async () => {
    const rig = new Rig();
    const noise: RequestOutcome = { kind: "answered", payload: Uint8Array.of(7, 7, 7) };
    rig.allSay(noise);
    assert.deepEqual(await rig.write(), { code: "outcome_unknown", outcome: "unknown", after: 0 });
    rig.allSay("served");
    rig.says.set(n1, [noise]);
    rig.network.roundTrips.set(n1, 1);
    assert.equal((await rig.get()).code, "done");
  });

  it("brings a newer map back, which counts from then on; one that cannot be taken spoils nothing", async () => {
    const rig = new Rig();
    const before = rig.keeper.map;
    assert.ok(before !== undefined);
    rig.map = { ...before, epoch: before.epoch + 5 };
    assert.equal((await rig.write()).code, "done");
    assert.equal(rig.keeper.epoch, before.epoch + 5);
    assert.equal((await rig.write()).code, "done");
    assert.deepEqual(
      rig.calls.map(({ epoch }) => epoch),
      [before.epoch, before.epoch + 5],
    );
    rig.map = { ...before, cluster: "another", epoch: 99 };
    assert.equal((await rig.write()).code, "done", "what was done was done");
    rig.map = { ...before, epoch: 0 };
    assert.equal((await rig.write()).code, "done");
    assert.equal(rig.keeper.map?.cluster, before.cluster);
  });

  it("goes by the map by which its group was found: by a newer one, which a try brought, another may own its slot", async () => {
    const rig = new Rig();
    const { map, epoch } = rig.keeper;
    assert.ok(map !== undefined);
    rig.map = { ...map, epoch: epoch + 5 };
    rig.allSay(again("moved"));
    const { code, outcome } = await rig.write();
    assert.deepEqual([code, outcome], ["stale_map", "not_applied"]);
    assert.equal(rig.keeper.epoch, epoch + 5);
    assert.deepEqual(new Set(rig.calls.map((call) => call.epoch)), new Set([epoch]));
    rig.allSay("served");
    assert.equal((await rig.write()).code, "done");
    assert.equal(rig.calls.at(-1)?.epoch, epoch + 5);
  });

  it("is told that a node is starting when its replica is not open, and that nobody leads when answers cannot be read: nothing moves", async () => {
    const rig = new Rig();
    rig.says.set(n1, [again("not_leader")]).set(n2, [again("not_here")]);
    rig.says.set(n3, [{ kind: "refused", why: "down" }]);
    assert.deepEqual([(await rig.write()).code, (await rig.get("strong")).code], ["starting", "starting"]);
    rig.allSay({ kind: "answered", payload: Uint8Array.of(0, 0, 9) });
    assert.equal((await rig.get("strong")).code, "no_leader");
  });

  it("is read from the nearest replica: of the own zone first, and there from the one with the shortest way", async () => {
    const nodes = [mapNode("n1", "a"), mapNode("n2", "b"), mapNode("n3", "b")];
    const rig = new Rig(placedMap(nodes), "b");
    rig.network.roundTrips.set(n1, 10).set(n2, 300).set(n3, 200);
    await rig.get();
    rig.network.unconnected.add(n3);
    await rig.get();
    rig.network.unconnected.add(n2);
    await rig.get();
    assert.deepEqual(rig.network.asked, [n3, n2, n1]);
  });

  it("waits for what clients of this node were told (rule 16), and then for the leader", async () => {
    const rig = new Rig();
    rig.network.roundTrips.set(n1, 10).set(n2, 20).set(n3, 30);
    rig.says.set(n1, [again("not_leader", n3)]);
    await rig.write();
    rig.says.set(n1, [again("behind", n3)]);
    assert.equal((await rig.get()).code, "done");
    const reads = rig.calls.filter(({ call }) => call.kind === "get");
    const told = { newest: version, committed: version };
    assert.deepEqual(
      reads.map(({ call }) => call.kind === "get" && call.asked.after),
      [told, told],
    );
    assert.deepEqual(rig.network.asked.slice(-2), [n1, n3]);
  });

  it("rule 16: waits for what reads and pages have told, too, of whatever was there or was not", async () => {
    const rig = new Rig(threeNodes(1));
    const at = (index: number): Version => ({ term: term(3), index: logIndex(index) });
    const says = (applied: number, ahead?: number, isThere = true): GroupAnswer<unknown> => {
      const seen = { applied: at(applied), ahead: ahead === undefined ? undefined : at(ahead) };
      return { kind: "done", value: { ...got, ...seen, record: isThere ? got.record : undefined } };
    };
    const page: GroupAnswer<unknown> = { kind: "done", value: { ...emptyPage, applied: at(16), ahead: at(19) } };
    rig.network.roundTrips.set(n1, 10).set(n2, 20).set(n3, 30);
    rig.says.set(n1, [says(9), says(12, undefined, false), says(8), says(15, 17), says(15), page, page, says(7)]);
    for (const mode of ["fast", "fast", "fast", "strong", "fast"] as const) await rig.get(mode);
    await rig.list();
    await rig.list();
    await rig.get();
    const told = rig.calls.map(({ call }) => {
      const seen = call.kind === "get" ? call.asked.after : call.kind === "list" ? call.asked.told : undefined;
      return seen && [seen.newest.index, seen.committed?.index];
    });
    assert.deepEqual(told, [undefined, [9, 9], [12, 12], undefined, [17, 15], [17, 15], [19, 16], [19, 16]]);
  });

  it("for the state of the cluster is answered though what other nodes say cannot be read", async () => {
    const rig = new Rig();
    rig.network.script = () => Promise.resolve({ kind: "answered", payload: Uint8Array.of(0, 0, 9) });
    const asked = rig.coordinator.cluster(rig.caller());
    assert.equal((await rig.told(asked)).code, "done");
    const { groups } = await asked;
    assert.deepEqual([...new Set(groups.flatMap(({ replicas }) => replicas.map(({ role }) => role)))], [undefined]);
  });

  it("for the state of the cluster waits until each node was looked for once, while there is time", async () => {
    const rig = new Rig();
    rig.allSay(again("no_leader"));
    rig.network.untried.add(n2).add(n3);
    rig.time.after(300, () => rig.network.untried.delete(n2));
    rig.time.after(400, () => rig.network.untried.delete(n3));
    const asked = rig.coordinator.cluster(rig.caller());
    const { after } = await rig.told(asked);
    assert.ok(after >= 400 && after <= 500, `after ${after} ms`);
    assert.deepEqual(
      (await asked).nodes.map(({ state }) => state),
      ["connected", "connected", "connected"],
    );
    rig.network.untried.add(n3);
    const impatient = rig.coordinator.cluster(rig.caller());
    const told = await rig.told(impatient);
    assert.ok(told.after >= 500 && told.after <= 600, `after ${told.after} ms`);
    assert.ok((await impatient).troubles.includes("node n3 has not been reached from gateway yet"));
  });

  it("rule 16: waits for the version that a condition was told to have met", async () => {
    const rig = new Rig();
    const failure = failed("precondition_failed", "not_applied");
    rig.allSay({ ...failure, version } as GroupAnswer<never>, "served");
    assert.equal((await rig.write({ condition: { kind: "absent" } })).code, "precondition_failed");
    await rig.get();
    const { call } = rig.calls.at(-1) as AddressedCall;
    assert.deepEqual(call.kind === "get" && call.asked.after, { newest: version, committed: version });
  });

  it("is refused while as many are under way as there may be", async () => {
    const rig = new Rig();
    rig.milliseconds = 50;
    const many = Array.from({ length: 8192 }, () => rig.coordinator.get({ key, mode: "fast" }, rig.caller()));
    await rig.time.settle();
    assert.equal((await rig.get()).code, "busy");
    await rig.time.runTo(60);
    await Promise.all(many);
    rig.milliseconds = 0;
    assert.equal((await rig.get()).code, "done");
  });

  it("ends when the node stops, at whatever it waits for", async () => {
    const rig = new Rig();
    rig.allSay(again("no_leader"));
    const asked = rig.coordinator.write(put, rig.caller(10_000));
    rig.time.after(100, () => rig.coordinator.stop());
    const told = await rig.told(asked);
    assert.equal(told.code, "stopping");
    assert.ok(told.after <= 300, `told at ${told.after}`);
    assert.equal((await rig.write()).code, "stopping");
  });

  it("finds a leader on a node that takes the place of another one, too", async () => {
    const before = placedMap(
      ["n1", "n2", "n3", "n4"].map((id) => mapNode(id)),
      1,
    );
    const [meta, group] = before.groups;
    assert.ok(meta !== undefined && group !== undefined);
    const leaving = group.replicas[0]?.replica ?? replicaId(1);
    const nodes = group.replicas.map(({ node }) => node);
    const newcomer = before.nodes.find(({ id }) => !nodes.includes(id));
    assert.ok(newcomer !== undefined);
    const joining = { replica: group.nextReplica, node: newcomer.id, disk: newcomer.disk };
    const exchanging = { ...group, exchange: { joining, leaving }, nextReplica: replicaId(group.nextReplica + 1) };
    const rig = new Rig({ ...before, groups: [meta, exchanging] });
    for (const id of nodes) rig.says.set(id, [again("not_leader")]);
    assert.equal((await rig.write()).code, "done");
    assert.equal(rig.calls.at(-1)?.group, groupId(1));
    assert.equal(rig.network.asked.at(-1), newcomer.id);
  });
});
