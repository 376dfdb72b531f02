// What only the gRPC transport can meet: other programs on its port, processes that are killed, cables that are pulled.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hostOf, type RecordingHost } from "../../test/contract/recording-host.ts";
import { TcpProxy } from "../../test/contract/tcp-proxy.ts";
import { utf8, utf8Text } from "../base/bytes.ts";
import { nodeId } from "../base/ids.ts";
import { systemClock, systemScheduler } from "../os/system-clock.ts";
import type { Scheduler } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { frameBytesMax } from "../platform/network.ts";
import { RequestNumbers } from "./asked-requests.ts";
import { GrpcNetwork } from "./grpc-network.ts";
import { defaultLimits, type TransportLimits } from "./limits.ts";
import { decodeHello, encodeHello, encodeParts, kind, purpose, type Hello } from "./peer-protocol.ts";
import { PeerLink } from "./peer-link.ts";
import { PeerCall } from "./peer-service.ts";
import { RateLimit } from "./rate-limit.ts";

const hello: Hello = {
  versionLeast: 1,
  versionMost: 1,
  cluster: "c1",
  node: "n2",
  life: 1,
  wanted: "n1",
  purpose: purpose.main,
};
const options = { timeoutMilliseconds: 10_000, trace: "" };

let host: RecordingHost;
let network: GrpcNetwork;
let open: GrpcNetwork[] = [];
let callers: RawCaller[] = [];

async function start(
  of: RecordingHost,
  limits: Partial<TransportLimits> = {},
  scheduler = systemScheduler,
): Promise<GrpcNetwork> {
  const made = new GrpcNetwork({
    address: "127.0.0.1:0",
    clock: systemClock,
    scheduler,
    logger: silentLogger,
    limits,
  });
  await made.listen(of);
  open.push(made);
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}

/** A program that speaks gRPC, and says to a node what a node would not. */
class RawCaller {
  readonly frames: Uint8Array[] = [];
  end: string | undefined;
  private readonly call: PeerCall;

  constructor(port: number) {
    this.call = new PeerCall(`127.0.0.1:${port}`, defaultLimits);
    this.call.stream.on("data", (frame: Uint8Array) => this.frames.push(frame));
    this.call.stream.on("error", () => undefined);
    this.call.stream.on("status", ({ details }) => {
      this.end = details;
    });
    callers.push(this);
  }

  say(frame: Uint8Array): this {
    this.call.stream.write(frame);
    return this;
  }

  close(): void {
    this.call.stream.cancel();
    this.call.release();
  }
}

beforeEach(async () => {
  host = hostOf("n1");
  network = await start(host);
});

afterEach(async () => {
  for (const caller of callers) caller.close();
  for (const one of open) await one.close();
  callers = [];
  open = [];
});

describe("streams: who calls", () => {
  it("is told the version that is spoken, and by whom", async () => {
    const caller = new RawCaller(network.port).say(encodeHello({ ...hello, versionLeast: 1, versionMost: 7 }));
    await until(() => caller.frames.length > 0);
    const answer = decodeHello(caller.frames[0] as Uint8Array);
    assert.deepEqual(answer, { ...hello, node: "n1", wanted: "", disk: "" });
    assert.deepEqual(host.events, ["up n2 1"]);
  });

  const refusals: readonly (readonly [string, Uint8Array, RegExp])[] = [
    [
      "speaks later versions alone",
      encodeHello({ ...hello, versionLeast: 2, versionMost: 3 }),
      /versions 1 to 1 .* the other 2 to 3: update/,
    ],
    [
      "speaks earlier versions alone",
      encodeHello({ ...hello, versionLeast: 0, versionMost: 0 }),
      /the other 0 to 0: update/,
    ],
    ["has this node's name", encodeHello({ ...hello, node: "n1" }), /two nodes are called n1/],
    ["wants what is not known", encodeHello({ ...hello, purpose: 9 }), /purpose 9/],
    ["begins with something else", encodeParts([]), /the first frame is not a hello/],
    ["begins with noise", new Uint8Array(100).fill(0xff), /does not decode/],
  ];
  for (const [what, frame, why] of refusals) {
    it(`and ${what} is refused`, async () => {
      const caller = new RawCaller(network.port).say(frame);
      await until(() => caller.end !== undefined);
      assert.match(caller.end as string, why);
      assert.deepEqual([host.events, caller.frames], [[], []]);
    });
  }

  it("and says nothing is not waited for", async () => {
    const strict = await start(hostOf("n1"), { handshakeMilliseconds: 50 });
    const mute = new RawCaller(strict.port);
    await until(() => mute.end !== undefined);
    assert.equal(mute.end, "it said no hello in time");
  });

  it("and has not said who it is stands in a small crowd, or is sent away", async () => {
    const strict = await start(hostOf("n1"), { strangersMax: 2, handshakeMilliseconds: 60_000 });
    const crowd = [new RawCaller(strict.port), new RawCaller(strict.port), new RawCaller(strict.port)];
    await until(() => crowd.some(({ end }) => end !== undefined));
    const ends = crowd.flatMap(({ end }) => end ?? []);
    assert.deepEqual(ends, ["too many connections that have not said who they are"]);
    for (const caller of crowd) caller.close();
    const known = (): RawCaller => new RawCaller(strict.port).say(encodeHello(hello));
    let next = known();
    await until(() => {
      if (next.end !== undefined) next = known();
      return next.frames.length > 0;
    });
    // Who has said it is no stranger any more.
    const other = new RawCaller(strict.port).say(encodeHello({ ...hello, node: "n3" }));
    const third = new RawCaller(strict.port).say(encodeHello({ ...hello, node: "n4" }));
    await until(() => other.frames.length > 0 && third.frames.length > 0);
  });

  it("and sends damaged frames, or too large ones, is cut off, and nobody else", async () => {
    const other = await start(hostOf("n3"));
    const peer = other.peer(nodeId("n1"), `127.0.0.1:${network.port}`);
    await until(() => peer.life !== undefined);
    const bad = [new Uint8Array(50).fill(0xfe), encodeHello(hello), new Uint8Array(frameBytesMax + 1)];
    for (const [at, frame] of bad.entries()) {
      const caller = new RawCaller(network.port).say(encodeHello({ ...hello, node: `m${at}` }));
      await until(() => caller.frames.length > 0);
      caller.say(frame);
      await until(() => caller.end !== undefined);
      await until(() => host.events.includes(`down m${at} 1`));
    }
    const outcome = await peer.request(utf8("still here?"), options);
    assert.equal(outcome.kind, "answered");
    assert.ok(!host.events.includes("down n3 1"));
  });

  it("once more takes the place of its first call, without a loss", async () => {
    const first = new RawCaller(network.port).say(encodeHello(hello));
    await until(() => first.frames.length > 0);
    const second = new RawCaller(network.port).say(encodeHello(hello));
    await until(() => first.end !== undefined);
    assert.equal(first.end, "replaced by a newer stream");
    await until(() => second.frames.length > 0);
    assert.deepEqual(host.events, ["up n2 1"]);
    second.close();
    await until(() => host.events.length === 2);
    assert.deepEqual(host.events, ["up n2 1", "down n2 1"]);
  });

  it("as a later process ends the earlier one, although nobody told its end", async () => {
    const first = new RawCaller(network.port).say(encodeHello(hello));
    await until(() => first.frames.length > 0);
    const second = new RawCaller(network.port).say(encodeHello({ ...hello, life: 2 }));
    await until(() => host.events.length === 3 && first.end !== undefined && second.frames.length > 0);
    assert.deepEqual(host.events, ["up n2 1", "down n2 1", "up n2 2"]);
  });

  it("and is dialled by nobody is served on the one stream that it opened", async () => {
    const gateway = hostOf("gateway");
    const its = await start(gateway);
    const peer = its.peer(nodeId("n1"), `127.0.0.1:${network.port}`);
    await until(() => peer.life !== undefined);
    const large = new Uint8Array(2_000_000).fill(7);
    const outcome = await peer.request(large, options);
    assert.ok(outcome.kind === "answered" && outcome.payload.length === large.length);
    assert.equal(network.streams, 1);
    await its.close();
    await until(() => host.events.length === 2);
    assert.deepEqual(host.events, ["up gateway 1", "down gateway 1"]);
  });
});

describe("streams: loss", () => {
  it("of a process that is killed is told by its connections' end", async () => {
    const child = fork(fileURLToPath(new URL("../../test/grpc/peer.main.js", import.meta.url)), [
      "n2",
      "n1",
      `127.0.0.1:${network.port}`,
    ]);
    const [port] = (await once(child, "message")) as [number];
    const peer = network.peer(nodeId("n2"), `127.0.0.1:${port}`);
    await until(() => network.streams === 2);
    assert.equal((await peer.request(utf8("alive?"), options)).kind, "answered");
    child.kill("SIGKILL");
    await once(child, "exit");
    await until(() => host.events.length === 2);
    assert.deepEqual(host.events, ["up n2 1", "down n2 1"]);
    assert.equal(peer.life, undefined);
    await until(() => peer.trouble?.includes("ECONNREFUSED") === true);
  });

  it("of a machine that falls silent is found by both sides, and it comes back", async () => {
    const otherHost = hostOf("n2");
    const quick = { keepaliveMilliseconds: 200 };
    const own = await start(hostOf("n1"), quick);
    const other = await start(otherHost, quick);
    const proxy = await TcpProxy.open();
    proxy.lead(own.port);
    const peer = other.peer(nodeId("n1"), proxy.address);
    await until(() => own.streams === 1 && peer.life !== undefined);
    proxy.silence();
    await until(() => own.streams === 0 && peer.life === undefined);
    assert.deepEqual(otherHost.events, ["up n1 1", "down n1 1"]);
    await proxy.close();
    const again = await TcpProxy.open();
    again.lead(own.port);
    other.peer(nodeId("n1"), again.address);
    await until(() => peer.life !== undefined);
    await again.close();
  });

  it("of a stream while another one stands is none", async () => {
    const otherHost = hostOf("n2");
    const other = await start(otherHost);
    const proxy = await TcpProxy.open();
    proxy.lead(network.port);
    const back = other.peer(nodeId("n1"), proxy.address);
    network.peer(nodeId("n2"), `127.0.0.1:${other.port}`);
    await until(() => network.streams === 2 && other.streams === 2);
    proxy.shut(true);
    proxy.breakAll();
    await until(() => network.streams === 1 && other.streams === 1);
    const outcome = await back.request(utf8("over the other"), options);
    assert.equal(outcome.kind === "answered" && utf8Text(outcome.payload), "over the other");
    assert.deepEqual([host.events, otherHost.events], [["up n2 1"], ["up n1 1"]]);
    proxy.shut(false);
    await until(() => network.streams === 2);
    await proxy.close();
  });

  it("of a reader that is held is told all the same", async () => {
    const caller = new RawCaller(network.port).say(encodeHello(hello));
    await until(() => caller.frames.length > 0);
    host.held = new Promise(() => undefined);
    const whole = { kind: kind.message, payload: utf8("a"), number: undefined, rest: undefined };
    caller.say(encodeParts([{ ...whole, remainingMilliseconds: undefined, trace: undefined }]));
    await until(() => host.messages.length === 1);
    caller.close();
    await until(() => host.events.length === 2);
  });
});

describe("streams: the rest", () => {
  it("a port that is taken is told", async () => {
    const second = new GrpcNetwork({
      address: `127.0.0.1:${network.port}`,
      clock: systemClock,
      scheduler: systemScheduler,
      logger: silentLogger,
    });
    await assert.rejects(second.listen(hostOf("n2")), /EADDRINUSE/);
  });

  it("a node that moves to another address is dialled there, and no longer at the old one", async () => {
    const decoy = hostOf("n2", 1);
    const old = await start(decoy);
    const peer = network.peer(nodeId("n2"), `127.0.0.1:${old.port}`);
    await until(() => peer.life === 1);
    const moved = hostOf("n2", 2);
    const next = await start(moved);
    assert.equal(network.peer(nodeId("n2"), `127.0.0.1:${next.port}`), peer);
    await until(() => peer.life === 2);
    assert.deepEqual(decoy.events, ["up n1 1", "down n1 1"]);
  });

  it("what is sent goes where the receiver has dialled, and has the larger window", async () => {
    const other = await start(hostOf("n2"));
    const proxy = await TcpProxy.open();
    proxy.lead(network.port);
    other.peer(nodeId("n1"), proxy.address);
    const there = network.peer(nodeId("n2"), `127.0.0.1:${other.port}`);
    await until(() => network.streams === 2 && other.streams === 2);
    const outcome = await there.request(new Uint8Array(1_000_000), options);
    assert.ok(outcome.kind === "answered" && proxy.bytesToDiallers > 1_000_000, `${proxy.bytesToDiallers} bytes`);
    await proxy.close();
  });

  for (const what of ["takes connections and drops them", "welcomes others and drops them"]) {
    it(`a peer that ${what} is dialled later and later, and not by the clock`, async () => {
      const proxy = await TcpProxy.open();
      if (what.startsWith("takes")) proxy.shut(true);
      proxy.lead(network.port);
      const itsHost = hostOf("n2");
      itsHost.up = () => proxy.breakAll();
      // Every other timer is longer, so that those of the dialler are known by their length.
      const [least, most, others] = [20, 500, 5000];
      const waits: number[] = [];
      const impatient: Scheduler = {
        ...systemScheduler,
        after: (milliseconds, action, idle) => {
          if (milliseconds >= others) return systemScheduler.after(milliseconds, action, idle);
          waits.push(milliseconds);
          return systemScheduler.after(0, action, idle);
        },
      };
      const limits = { redialMillisecondsLeast: least, redialMillisecondsMost: most };
      const times = { handshakeMilliseconds: others, pingMilliseconds: others };
      const dialling = await start(itsHost, { ...limits, ...times }, impatient);
      dialling.peer(nodeId("n1"), proxy.address);
      await until(() => waits.length >= 12);
      for (const [at, wait] of waits.entries()) {
        const bound = Math.min(most, least * 2 ** at);
        assert.ok(wait >= bound / 2 && wait <= bound, `wait ${at}: ${wait} of at most ${bound}`);
      }
      assert.ok(new Set(waits).size > waits.length / 2, "nodes would all dial at the same moments");
      await proxy.close();
    });
  }

  it("a stream for snapshots closes when nothing is said on it, and opens again when something is", async () => {
    const otherHost = hostOf("n2");
    const other = await start(otherHost);
    const proxy = await TcpProxy.open();
    proxy.lead(other.port);
    const impatient = await start(hostOf("n1"), { idleMilliseconds: 20, pingMilliseconds: 10 });
    const peer = impatient.peer(nodeId("n2"), proxy.address);
    await until(() => peer.life !== undefined);
    for (const round of [1, 2]) {
      assert.ok(peer.send("bulk", utf8("a chunk, please")));
      await until(() => otherHost.messages.length === round && proxy.connections === 2);
      await until(() => proxy.connections === 1);
    }
    assert.deepEqual(otherHost.events, ["up n1 1"]);
    await proxy.close();
  });

  it("the way there and back is the least of the last eight measurements", () => {
    const world = { clock: systemClock, scheduler: systemScheduler, limits: defaultLimits };
    const parts = { ...world, host, bulkRate: undefined, numbers: new RequestNumbers() };
    const link = new PeerLink(nodeId("n2"), parts);
    for (const microseconds of [9000, 300, 5000]) link.roundTrip(microseconds);
    assert.equal(link.roundTripMicroseconds, 300);
    for (let count = 0; count < 6; count++) link.roundTrip(700);
    assert.equal(link.roundTripMicroseconds, 300);
    link.roundTrip(800);
    assert.equal(link.roundTripMicroseconds, 700);
  });

  it("a rate is kept: what was spent beyond it has to be waited for", () => {
    const rate = new RateLimit(1_000_000);
    let now = 5000;
    let sent = 0;
    while (now < 15_000) {
      const wait = rate.pauseMilliseconds(now);
      assert.ok(Number.isInteger(wait) && wait >= 0);
      if (wait === 0) {
        rate.spend(250_000);
        sent += 250_000;
      }
      now += wait;
    }
    assert.ok(sent >= 9_800_000 && sent <= 10_500_000, `${sent} bytes in ten seconds`);
  });
});
