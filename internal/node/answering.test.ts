import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId, logIndex, nodeId, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { decodeMap } from "../cluster/cluster-map.ts";
import { silentLogger } from "../platform/logger.ts";
import type { LogFields } from "../platform/logger.ts";
import type { IncomingRequest } from "../platform/network.ts";
import { slotOf } from "../ring/slots.ts";
import { Answering } from "./answering.ts";
import { decodeAnswer, encodeCall, readGot } from "./client-wire.ts";
import type { AddressedCall, ClientCall } from "./client-wire.ts";
import type { GotValue, GroupAnswer, GroupService } from "./group-service.ts";
import { MapKeeper } from "./map-keeper.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";

const map = placedMap(["n1", "n2", "n3"].map((id) => mapNode(id)));
const [n1, n2] = [nodeId("n1"), nodeId("n2")];
const key = utf8("key");
const get: ClientCall = { kind: "get", asked: { key, mode: "strong", after: undefined } };
const write: ClientCall = {
  kind: "write",
  asked: {
    mode: "strong",
    stamp: stamp(1),
    request: { kind: "delete", key, mode: "strong", condition: undefined, requestId: undefined },
  },
};
const applied = { term: term(1), index: logIndex(1) };
const got: GotValue = { record: undefined, role: "leader", stalenessMilliseconds: 0, applied, ahead: undefined };

let time: VirtualTime;
let keeper: MapKeeper;
let answering: Answering;
/** What the replica here comes to; it may never come. */
let serve: () => Promise<GroupAnswer<GotValue>>;
let served: number;
let askedForMaps: string[];
/** Changes of the map that this node makes, as the meta group's leader; undefined: it is not. */
let changes: string[] | undefined;
let failures: unknown[];
let warned: (LogFields | undefined)[];

beforeEach(() => {
  time = new VirtualTime();
  const clock = new NodeClock(time);
  keeper = new MapKeeper(undefined, (failure) => assert.fail(failure));
  keeper.adopt(map);
  [served, askedForMaps, failures, changes, warned] = [0, [], [], undefined, []];
  serve = () => Promise.resolve({ kind: "done", value: got });
  const called = (): Promise<GroupAnswer<GotValue>> => {
    served++;
    return serve();
  };
  const service = { get: called, write: called, list: called, view: () => undefined } as unknown as GroupService;
  answering = new Answering({
    node: n1,
    keeper,
    service,
    duties: {
      takeChange: async (talk) => {
        if (changes === undefined) throw new TrefoilError("no_leader", "somebody else leads");
        changes.push(talk.kind);
      },
      askMap: (node) => void askedForMaps.push(node),
    },
    scheduler: clock,
    clock,
    logger: { ...silentLogger, warn: (_words, fields) => void warned.push(fields) },
    hearFounder: () => undefined,
    table: { noteLeaving: () => undefined },
    unfit: { hear: () => undefined },
    onFailure: (failure) => void failures.push(failure),
  });
});

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Asked {
  payload: Uint8Array | undefined;
  isRefused: boolean;
  after: number;
}

async function ask(payload: Uint8Array, by: "peer" | "visitor" = "peer", milliseconds = 1000): Promise<Asked> {
  const asked: Asked = { payload: undefined, isRefused: false, after: 0 };
  const request: IncomingRequest = {
    payload,
    remainingMilliseconds: milliseconds,
    trace,
    answer: (answer) => {
      assert.ok(asked.payload === undefined && !asked.isRefused, "answered twice");
      asked.payload = answer;
      asked.after = time.now;
    },
    refuse: () => {
      assert.ok(asked.payload === undefined && !asked.isRefused, "answered twice");
      asked.isRefused = true;
    },
  };
  if (by === "peer") answering.serve(n2, request);
  else answering.serveVisitor(n2, request);
  await time.runTo(time.now + 5000);
  return asked;
}

const call = (to: Partial<AddressedCall> = {}): Uint8Array =>
  encodeCall({ epoch: map.epoch, group: ownerOf(key), call: get, ...to });
const ownerOf = (of: Uint8Array) => keeper.ring?.ownerOf(slotOf(of, 0, of.length)) ?? groupId(1);
const answerIn = ({ payload }: Asked) => {
  assert.ok(payload !== undefined, "it was not answered");
  return decodeAnswer(payload, readGot);
};

describe("what a node answers to another", () => {
  it("is what its replica says, and the newer map to whoever goes by an older one", async () => {
    assert.deepEqual(answerIn(await ask(call())), { newerMap: undefined, answer: { kind: "done", value: got } });
    const { newerMap, answer } = answerIn(await ask(call({ epoch: map.epoch - 1 })));
    assert.equal(answer.kind, "done");
    assert.deepEqual(newerMap && decodeMap(newerMap), map);
    assert.deepEqual(askedForMaps, []);
    await ask(call({ epoch: map.epoch + 1 }));
    assert.deepEqual(askedForMaps, [n2], "it is the one that has to learn");
  });

  it("is nothing done for a key that by its newer map is another group's", async () => {
    const other = groupId((ownerOf(key) % 4) + 1);
    for (const asked of [get, write]) {
      const { newerMap, answer } = answerIn(await ask(call({ epoch: map.epoch - 1, group: other, call: asked })));
      assert.ok(answer.kind === "again" && answer.why === "moved", answer.kind);
      assert.ok(newerMap !== undefined);
    }
    assert.equal(served, 0);
  });

  it("comes in the asker's time, though the replica waits for ever: a write is unknown then, a read is not", async () => {
    serve = () => new Promise(() => undefined);
    const read = await ask(call(), "peer", 300);
    const { answer } = answerIn(read);
    assert.ok(answer.kind === "failed" && answer.code === "deadline_exceeded", answer.kind);
    assert.equal(read.after, 300);
    const { answer: wrote } = answerIn(await ask(call({ call: write }), "peer", 300));
    assert.ok(wrote.kind === "failed" && wrote.outcome === "unknown", wrote.kind);
  });

  it("is a failure as it was, not a refusal, which would say that nothing was begun", async () => {
    serve = () => Promise.reject(new TrefoilError("corruption", "block 7 of table 3", { outcome: "unknown" }));
    const { answer } = answerIn(await ask(call({ call: write })));
    assert.deepEqual(answer, {
      kind: "failed",
      code: "corruption",
      outcome: "unknown",
      detail: "block 7 of table 3",
      version: undefined,
      mayRepeat: false,
    });
    assert.deepEqual(warned, [{ from: n2, why: "block 7 of table 3", trace }], "the log of this node has it");
    serve = () => Promise.reject(new Error("a bug"));
    const asked = await ask(call({ call: write }));
    assert.equal(failures.length, 1, "the process stops");
    assert.ok(!asked.isRefused);
  });

  it("is a failure for a client's request that cannot be read: it is the same again, here and elsewhere", async () => {
    for (const payload of [Uint8Array.of(17, 1, 2), utf8("noise")]) {
      const { answer } = answerIn(await ask(payload));
      assert.ok(answer.kind === "failed" && answer.code === "bad_request", answer.kind);
      assert.equal(answer.outcome, "not_applied");
    }
    assert.deepEqual([served, failures], [0, []]);
  });

  it("is a refusal for what else cannot be read, for keys of the meta group, and for what another one is to do", async () => {
    assert.ok((await ask(new Uint8Array(0))).isRefused);
    assert.ok((await ask(encodeTalk({ kind: "register", node: mapNode("n4") }))).isRefused);
    const { answer } = answerIn(await ask(call({ group: groupId(0) })));
    assert.ok(answer.kind === "failed" && answer.code === "bad_request", answer.kind);
    assert.deepEqual([served, failures], [0, []]);
  });

  it("is a refusal for whoever would register another node than itself", async () => {
    changes = [];
    assert.ok((await ask(encodeTalk({ kind: "register", node: mapNode("n4") }))).isRefused, "n2 asked");
    assert.deepEqual(changes, []);
    assert.ok(!(await ask(encodeTalk({ kind: "register", node: mapNode("n2") }))).isRefused);
    assert.deepEqual(changes, ["register"]);
  });

  it("is the time by its own clock", async () => {
    const asked = await ask(encodeTalk({ kind: "clock", wall: undefined }));
    assert.ok(asked.payload !== undefined);
    const wall = new NodeClock(time).wallMilliseconds() - 5000;
    assert.deepEqual(decodeTalk(asked.payload), { kind: "clock", wall });
  });

  it("is the map for a visitor, and nothing else, and nothing is taken from him", async () => {
    const newer = { ...map, epoch: map.epoch + 7 };
    const told = await ask(encodeTalk({ kind: "map", epoch: newer.epoch, map: newer }), "visitor");
    assert.ok(told.payload !== undefined);
    assert.deepEqual(decodeTalk(told.payload), { kind: "map", epoch: map.epoch, map });
    assert.equal(keeper.epoch, map.epoch);
    const others = [
      call(),
      call({ call: write }),
      encodeTalk({ kind: "register", node: mapNode("n2", "", "taken") }),
      encodeTalk({ kind: "joined", group: groupId(1), replica: 4 as never }),
      encodeTalk({ kind: "leaving" }),
      new Uint8Array(0),
    ];
    for (const payload of others) assert.ok((await ask(payload, "visitor")).isRefused);
    assert.equal(served, 0);
    const peers = await ask(encodeTalk({ kind: "map", epoch: newer.epoch, map: newer }));
    assert.equal(keeper.epoch, newer.epoch, "a peer's is taken");
    assert.equal(peers.payload?.length, 0);
  });

  it("tells for how long no write has been here", async () => {
    let finish: (answer: GroupAnswer<GotValue>) => void = () => undefined;
    serve = () => new Promise((resolve) => (finish = resolve));
    await ask(call({ call: write }), "peer", 100);
    assert.equal(answering.quietMilliseconds, 0);
    const version = { term: term(1), index: logIndex(1) };
    const wrote = { version, acks: 2, replicas: 3, durability: "synced", expiresAt: undefined, role: "leader" };
    finish({ kind: "done", value: wrote as never });
    await time.runTo(time.now + 40);
    assert.ok(answering.quietMilliseconds >= 40);
  });
});
