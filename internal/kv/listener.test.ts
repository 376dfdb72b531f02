// The listener under load, under clients that are slow or gone, and its orderly end.

import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { afterEach, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { utf8 } from "../base/bytes.ts";
import { refusedOf } from "../../test/kv/client.ts";
import type { Fields, Refused } from "../../test/kv/client.ts";
import { framed, RawCall } from "../../test/kv/raw-call.ts";
import { KvRig, until } from "../../test/kv/rig.ts";
import { openKvEdge } from "./kv-edge.ts";

const key = utf8("k");
const putPath = "/trefoil.v1.KV/Put";
const codeOf = ({ trailers }: Refused): unknown => trailers.get("trefoil-code")[0];

describe("the gRPC listener", () => {
  let rig: KvRig;
  let sessions: ClientHttp2Session[] = [];
  afterEach(async () => {
    for (const session of sessions) session.destroy();
    sessions = [];
    await rig.close();
    assert.deepEqual(rig.unexpected, []);
  });

  function session(windowBytes?: number): ClientHttp2Session {
    const settings = windowBytes === undefined ? {} : { settings: { initialWindowSize: windowBytes } };
    const made = connectHttp2(`http://127.0.0.1:${rig.edge.address.port}`, settings);
    made.on("error", () => undefined);
    sessions.push(made);
    return made;
  }

  it("refuses what is too much at once, and takes it later", async () => {
    rig = await KvRig.open({ requestsMax: 3 });
    rig.coordinator.hold();
    const held = Array.from({ length: 3 }, () => rig.call("Put", { key }));
    await until(() => rig.coordinator.waiting === 3);
    const refused = await rig.refused("Put", { key });
    assert.deepEqual([refused.code, codeOf(refused)], [status.RESOURCE_EXHAUSTED, "busy"]);
    // Who asks how the node is, is told.
    assert.deepEqual(await rig.call("grpc.health.v1.Health/Check", {}), { status: "SERVING" });
    rig.coordinator.goOn();
    await Promise.all(held);
    await until(() => rig.edge.requestsUnderWay === 0);
    await rig.call("Put", { key });
  });

  it("holds so many bytes of requests and answers at once", async () => {
    rig = await KvRig.open({ heldBytesMax: 50_000 });
    rig.coordinator.hold();
    const held = rig.call("Put", { key, value: new Uint8Array(40_000) });
    await until(() => rig.coordinator.waiting === 1);
    assert.equal(codeOf(await rig.refused("Put", { key, value: new Uint8Array(20_000) })), "busy");
    rig.coordinator.goOn();
    await held;
    await until(() => rig.edge.requestsUnderWay === 0);
    await rig.call("Put", { key, value: new Uint8Array(20_000) });
    rig.coordinator.place(key, new Uint8Array(60_000), "");
    assert.equal(codeOf(await rig.refused("Get", { key })), "busy");
    assert.equal((await rig.call("Get", { key, without_value: true }))["found"], true);
  });

  it("gives up on a request that does not come", async () => {
    rig = await KvRig.open({ requestMilliseconds: 20 });
    const slow = new RawCall(session(), putPath);
    slow.stream.write(Buffer.of(0, 0, 0, 1, 0, 1, 2, 3));
    const told = await slow.ended;
    assert.deepEqual(
      [told["grpc-status"], told["trefoil-code"], told["trefoil-outcome"]],
      ["4", "slow_request", "not_applied"],
    );
    assert.equal(rig.coordinator.writes, 0);
  });

  it("has those give way who are slow to send, when they are too many", async () => {
    // Of the smallest budget, sixteen.
    rig = await KvRig.open({ heldBytesMax: 1_000_000, arrivalMilliseconds: 0 });
    // Those that have come whole do not count any more.
    for (let count = 0; count < 20; count++) await rig.call("Get", { key });
    const connection = session();
    const slow: RawCall[] = [];
    for (let count = 1; count <= 16; count++) {
      slow.push(new RawCall(connection, putPath));
      await until(() => rig.edge.requestsUnderWay === count);
    }
    await rig.call("Put", { key });
    const told = await (slow[0] as RawCall).ended;
    assert.deepEqual([told["grpc-status"], told["trefoil-code"]], ["8", "busy"]);
    slow[1]?.stream.close();
    await until(() => rig.edge.requestsUnderWay === 14);
    await rig.call("Put", { key });
    assert.equal(rig.edge.requestsUnderWay >= 14, true);
  });

  it("cuts the connection of who does not take his answer, and has its memory back", async () => {
    rig = await KvRig.open({ heldBytesMax: 150_000, silentMilliseconds: 500 });
    rig.coordinator.place(key, new Uint8Array(100_000), "");
    const greedy = session(0);
    const gone = new Promise<void>((resolve) => {
      greedy.on("close", resolve);
    });
    const get = new RawCall(greedy, "/trefoil.v1.KV/Get");
    get.stream.end(framed(Buffer.of(0x0a, 1, key[0] as number)));
    await until(() => rig.edge.requestsUnderWay === 1);
    assert.equal(codeOf(await rig.refused("Get", { key })), "busy");
    await gone;
    assert.equal((await rig.call("Get", { key }))["found"], true);
  });

  it("tells the coordinator that a client has gone, and forgets the call when it has ended", async () => {
    rig = await KvRig.open();
    rig.coordinator.hold();
    const ended = new Promise<Refused>((resolve) => {
      const call = rig.first.start("Put", { key }, {}, (failure) => resolve(refusedOf(failure)));
      void until(() => rig.coordinator.waiting === 1).then(() => call.cancel());
    });
    assert.equal((await ended).code, status.CANCELLED);
    const signal = rig.coordinator.lastCaller?.signal;
    await until(() => signal?.aborted === true);
    assert.equal(rig.edge.requestsUnderWay, 1);
    rig.coordinator.goOn();
    await until(() => rig.edge.requestsUnderWay === 0);
  });

  it("keeps to the client's deadline", async () => {
    rig = await KvRig.open();
    rig.coordinator.hold();
    const { code } = await rig.refused("Put", { key }, { options: { deadline: Date.now() + 1000 } });
    assert.equal(code, status.DEADLINE_EXCEEDED);
    await until(() => rig.coordinator.lastCaller?.signal?.aborted === true);
    rig.coordinator.goOn();
    await until(() => rig.edge.requestsUnderWay === 0);
  });

  it("takes so many connections, and more when some have gone", async () => {
    rig = await KvRig.open({ connectionsMax: 2 });
    const client = rig.client();
    await rig.call("Get", { key });
    await client.call("Get", { key });
    const third = connect(rig.edge.address.port, "127.0.0.1");
    third.on("error", () => undefined);
    await new Promise<void>((resolve) => {
      third.once("close", () => resolve());
    });
    client.close();
    await until(() => rig.edge.connections === 1);
    await rig.client().call("Get", { key });
  });

  it("answers what is under way when it closes, refuses the rest, and leaves nothing behind", async () => {
    rig = await KvRig.open({ lingerMilliseconds: 200 });
    rig.coordinator.hold();
    const held = rig.call("Put", { key, value: utf8("v") });
    await until(() => rig.coordinator.waiting === 1);
    // It does not even hear that the other side has ended.
    const silent = connect(rig.edge.address.port, "127.0.0.1");
    await until(() => rig.edge.connections === 2);
    const closed = rig.edge.close();
    assert.equal(rig.edge.close(), closed);
    assert.equal((await rig.client().refused("Put", { key })).code, status.UNAVAILABLE);
    rig.coordinator.goOn();
    assert.deepEqual(((await held)["version"] as Fields)["term"], 7);
    await closed;
    assert.deepEqual([rig.edge.connections, rig.edge.requestsUnderWay, rig.coordinator.writes], [0, 0, 1]);
    silent.destroy();
  });

  it("cuts what does not end when it closes", async () => {
    rig = await KvRig.open({ stopMilliseconds: 20 });
    rig.coordinator.hold();
    const hanging = rig.refused("Put", { key });
    await until(() => rig.coordinator.waiting === 1);
    await rig.edge.close();
    assert.equal((await hanging).code, status.UNAVAILABLE);
    rig.coordinator.goOn();
    await until(() => rig.edge.requestsUnderWay === 0);
  });

  it("says that its port is taken", async () => {
    rig = await KvRig.open();
    const options = { coordinator: rig.coordinator, isReady: () => true, onUnexpected: () => undefined };
    await assert.rejects(openKvEdge(options, rig.edge.address), { code: "EADDRINUSE" });
  });

  it("outlives noise: what is no HTTP/2, what is no gRPC, connections that say nothing", async () => {
    rig = await KvRig.open();
    const { port } = rig.edge.address;
    for (const noise of [
      "GET / HTTP/1.1\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
      "\0".repeat(100),
    ]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      const closed = new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
      });
      socket.resume();
      socket.write(noise, "latin1");
      await closed;
    }
    const plain = session().request({ ":method": "GET", ":path": "/trefoil.v1.KV/Get" });
    const answered = await new Promise<unknown>((resolve) => {
      plain.on("response", (headers) => resolve(headers[":status"]));
    });
    assert.equal(answered, 415);
    assert.equal((await rig.call("Get", { key }))["found"], false);
  });
});
