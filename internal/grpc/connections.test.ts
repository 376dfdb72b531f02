// Which connections stand, and whose they are: of gateways, of snapshots, of nobody.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { hostOf, type RecordingHost } from "../../test/contract/recording-host.ts";
import { TcpProxy } from "../../test/contract/tcp-proxy.ts";
import { utf8, utf8Text } from "../base/bytes.ts";
import { nodeId } from "../base/ids.ts";
import { systemClock, systemScheduler } from "../os/system-clock.ts";
import { silentLogger } from "../platform/logger.ts";
import type { IncomingRequest } from "../platform/network.ts";
import { GrpcNetwork } from "./grpc-network.ts";
import { defaultLimits, type TransportLimits } from "./limits.ts";
import { encodeHello, encodeParts, kind, purpose, type Hello } from "./peer-protocol.ts";
import { PeerCall } from "./peer-service.ts";

const hello: Hello = {
  versionLeast: 1,
  versionMost: 1,
  cluster: "c1",
  node: "gateway",
  life: 1,
  wanted: "n1",
  purpose: purpose.main,
};
const options = { timeoutMilliseconds: 10_000, trace: "" };

let host: RecordingHost;
let network: GrpcNetwork;
let ends: (() => Promise<void> | void)[] = [];

async function start(of: RecordingHost, limits: Partial<TransportLimits> = {}): Promise<GrpcNetwork> {
  const world = { clock: systemClock, scheduler: systemScheduler, logger: silentLogger };
  const made = new GrpcNetwork({ ...world, address: "127.0.0.1:0", limits });
  await made.listen(of);
  ends.push(() => made.close());
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}

interface Caller {
  readonly frames: Uint8Array[];
  say(frame: Uint8Array): void;
  ended: string | undefined;
  hangUp(): void;
}

function call(to: Partial<Hello> = {}): Caller {
  const made = new PeerCall(`127.0.0.1:${network.port}`, defaultLimits);
  const caller: Caller = {
    frames: [],
    ended: undefined,
    say: (frame) => void made.stream.write(frame),
    hangUp: () => {
      made.stream.cancel();
      made.release();
    },
  };
  made.stream.on("data", (frame: Uint8Array) => caller.frames.push(frame));
  made.stream.on("error", () => undefined);
  made.stream.on("status", ({ details }) => (caller.ended = details));
  made.stream.write(encodeHello({ ...hello, ...to }));
  ends.push(caller.hangUp);
  return caller;
}

beforeEach(async () => {
  host = hostOf("n1");
  network = await start(host, { unusedMilliseconds: 100 });
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

describe("connections", () => {
  it("of a node that is only dialled from are told once, however many processes of it come and go", async () => {
    const first = call();
    await until(() => first.frames.length > 0);
    const second = call({ life: 2 });
    await until(() => second.frames.length > 0 && first.ended !== undefined);
    const third = call({ life: 2 });
    await until(() => third.frames.length > 0 && second.ended !== undefined);
    assert.equal(second.ended, "replaced by a newer stream");
    assert.deepEqual(host.events, ["up gateway 1", "down gateway 1", "up gateway 2"]);
    assert.equal(network.streams, 1);
    assert.deepEqual(
      network.connected().map(({ node, life }) => [node, life]),
      [["gateway", 2]],
      "who dials alone is no less connected",
    );
    third.hangUp();
    await until(() => host.events.length === 4);
    assert.equal(host.events[3], "down gateway 2");
    assert.deepEqual(network.connected(), []);
  });

  it("for snapshots belong to a node that is connected, and to the process that is", async () => {
    const alone = call({ purpose: purpose.bulk });
    alone.say(encodeParts([{ ...nothing, kind: kind.message, payload: utf8("chunk") }]));
    await until(() => alone.ended !== undefined);
    assert.match(alone.ended ?? "", /not connected/);
    const main = call({ life: 3 });
    await until(() => main.frames.length > 0);
    const earlier = call({ life: 2, purpose: purpose.bulk });
    const later = call({ life: 4, purpose: purpose.bulk });
    await until(() => earlier.ended !== undefined && later.ended !== undefined);
    const bulk = call({ life: 3, purpose: purpose.bulk });
    bulk.say(encodeParts([{ ...nothing, kind: kind.message, payload: utf8("its own") }]));
    await until(() => host.messages.length > 0);
    assert.deepEqual(host.texts, ["its own"]);
    assert.deepEqual(host.events, ["up gateway 3"]);
  });

  it("without a stream are closed by whoever was dialled", async () => {
    const unused = connectHttp2(`http://127.0.0.1:${network.port}`);
    unused.on("error", () => undefined);
    await once(unused, "close");
    const silent = connect(network.port, "127.0.0.1");
    silent.on("error", () => undefined).resume();
    await once(silent, "close");
  });

  it("do not outlive the network that took them, whatever they carry", async () => {
    const other = await start(hostOf("n2"), { unusedMilliseconds: 1_000_000 });
    const unused = connectHttp2(`http://127.0.0.1:${other.port}`);
    unused.on("error", () => undefined);
    await once(unused, "remoteSettings");
    const isClosed = new Promise<void>((resolve) => unused.once("close", resolve));
    await other.close();
    await isClosed;
  });

  it("that begin anew do not take a late answer for that of another request", async () => {
    const held: IncomingRequest[] = [];
    host.serve = (request) => void held.push(request);
    const its = await start(hostOf("n2"));
    const proxy = await TcpProxy.open();
    proxy.lead(network.port);
    ends.push(() => proxy.close());
    const asking = its.peer(nodeId("n1"), proxy.address);
    await until(() => asking.life !== undefined);
    const before = asking.request(utf8("before"), options);
    await until(() => held.length === 1);
    // The end of the old stream is not heard over there: the new one takes its place without a loss.
    proxy.silence();
    asking.close();
    assert.deepEqual(await before, { kind: "unknown", why: "lost" });
    const anew = its.peer(nodeId("n1"), `127.0.0.1:${network.port}`);
    await until(() => anew.life !== undefined);
    const after = anew.request(utf8("after"), options);
    await until(() => held.length === 2);
    held[0]?.answer(utf8("the answer to what was asked before"));
    held[1]?.answer(utf8("the answer to what was asked after"));
    const outcome = await after;
    assert.ok(outcome.kind === "answered");
    assert.equal(utf8Text(outcome.payload), "the answer to what was asked after");
  });
});

const nothing = { number: undefined, rest: undefined, remainingMilliseconds: undefined, trace: undefined };
