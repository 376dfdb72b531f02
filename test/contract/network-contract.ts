// What every Network must do, whatever stands behind it. Each implementation's test calls this with a factory of worlds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { equalBytes, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import { frameBytesMax, messageBytesMax, type Network, type Peer } from "../../internal/platform/network.ts";
import { hostOf, type RecordingHost } from "./recording-host.ts";

export interface NetworkLimits {
  readonly messageBytesMax: number;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
  readonly requestsAskedMax: number;
  readonly requestsServedMax: number;
}

/** A process of a node on the network. */
export interface NetworkProcess {
  readonly network: Network;
  /** Where others reach it, and the next process of the same node. */
  readonly address: string;
  /** It ends without a word. */
  crash(): Promise<void>;
}

export interface NetworkWorld {
  /** Starts a process of `host`'s node; it listens. */
  start(host: RecordingHost, limits?: Partial<NetworkLimits>): Promise<NetworkProcess>;
  /** Every connection breaks. New ones can be made. */
  breakAll(): void;
  /** Lets something happen. */
  turn(): Promise<void>;
  /** Resolves when all connections stand that living processes want to each other: from here on nothing overtakes. */
  settled(): Promise<void>;
  end(): Promise<void>;
}

export type MakeWorld = () => Promise<NetworkWorld>;

interface Two {
  readonly world: NetworkWorld;
  readonly one: NetworkProcess;
  readonly other: NetworkProcess;
  readonly oneHost: RecordingHost;
  readonly otherHost: RecordingHost;
  /** The way from one to the other, and back. */
  readonly there: Peer;
  readonly back: Peer;
  until(condition: () => boolean): Promise<void>;
}

type Check = (name: string, run: (two: Two) => Promise<void>, limits?: Partial<NetworkLimits>) => void;

const options = { timeoutMilliseconds: 10_000, trace: "" };

/** Two that dial each other. */
interface Together {
  readonly world: NetworkWorld;
  readonly hosts: readonly [RecordingHost, RecordingHost];
  readonly networks: readonly [Network, Network];
  readonly peers: readonly [Peer, Peer];
}

export function describeNetwork(name: string, make: MakeWorld): void {
  const check: Check = (what, run, limits) => {
    it(what, { timeout: 30_000 }, async () => {
      const world = await make();
      try {
        const two = await connect(world, limits);
        await run(two);
      } finally {
        await world.end();
      }
    });
  };
  describe(`network: ${name}`, () => {
    checkMessages(check);
    checkBounds(check);
    checkRequests(check);
    checkLoss(check);
    checkStrangers(name, make);
    checkVisits(check);
  });
}

async function connect(world: NetworkWorld, limits?: Partial<NetworkLimits>): Promise<Two> {
  const oneHost = hostOf("n1");
  const otherHost = hostOf("n2");
  const one = await world.start(oneHost, limits);
  const other = await world.start(otherHost, limits);
  const there = one.network.peer(otherHost.own.node, other.address);
  const back = other.network.peer(oneHost.own.node, one.address);
  const until = (condition: () => boolean): Promise<void> => untilIn(world, condition);
  await until(() => there.life !== undefined && back.life !== undefined);
  return { world, one, other, oneHost, otherHost, there, back, until };
}

async function untilIn(world: NetworkWorld, condition: () => boolean): Promise<void> {
  while (!condition()) await world.turn();
}

function checkMessages(check: Check): void {
  check("messages arrive in the order in which they were sent, both ways", async (two) => {
    const { there, back, oneHost, otherHost } = two;
    await two.world.settled();
    const sent = Array.from({ length: 1000 }, (_, at) => `message ${at}`);
    for (const [at, words] of sent.entries()) {
      assert.ok(there.send("ordinary", utf8(words)));
      assert.ok(back.send("ordinary", utf8(words)));
      if (at % 100 === 0) await two.world.turn();
    }
    await two.until(() => oneHost.messages.length === 1000 && otherHost.messages.length === 1000);
    assert.deepEqual(oneHost.texts, sent);
    assert.deepEqual(otherHost.texts, sent);
  });

  check("a message may be empty, as large as a frame, or as large as messages get", async (two) => {
    const prng = new Prng(7);
    const sizes = [0, 1, frameBytesMax - 1, frameBytesMax, frameBytesMax + 1, 0, 3_000_000, messageBytesMax, 5];
    const sent = sizes.map((bytes) => noise(prng, bytes));
    await two.world.settled();
    for (const payload of sent) assert.ok(two.there.send("ordinary", payload));
    await two.until(() => two.otherHost.messages.length === sent.length);
    for (const [at, payload] of sent.entries()) {
      assert.ok(equalBytes(two.otherHost.messages[at] as Uint8Array, payload), `the message of ${sizes[at]} bytes`);
    }
  });

  check("urgent messages overtake what is ordinary", async (two) => {
    await two.world.settled();
    for (let count = 0; count < 8; count++) two.there.send("ordinary", new Uint8Array(2_000_000));
    two.there.send("urgent", utf8("vote"));
    two.there.send("urgent", utf8("heartbeat"));
    await two.until(() => two.otherHost.messages.length === 10);
    assert.deepEqual(
      two.otherHost.messages.slice(0, 2).map(utf8Text),
      ["vote", "heartbeat"],
      "what was urgent did not come first",
    );
  });

  check("bulk goes both ways, and is not in the way of the rest", async (two) => {
    const chunk = noise(new Prng(1), 2_000_000);
    assert.ok(two.there.send("bulk", utf8("the first chunk, please")));
    await two.until(() => two.otherHost.messages.length === 1);
    for (let count = 0; count < 4; count++) assert.ok(two.back.send("bulk", chunk));
    await two.until(() => two.oneHost.messages.length === 4);
    for (const message of two.oneHost.messages) assert.ok(equalBytes(message, chunk));
  });

  check("the way there and back is measured", async (two) => {
    await two.until(() => two.there.roundTripMicroseconds !== undefined);
    assert.ok((two.there.roundTripMicroseconds ?? -1) >= 0);
  });
}

function checkBounds(check: Check): void {
  check(
    "who takes nothing slows the sender down, which then drops messages and says so; what it took arrives",
    async (two) => {
      const { there, otherHost, until } = two;
      await two.world.settled();
      let release = (): void => undefined;
      otherHost.held = new Promise((resolve) => {
        release = resolve;
      });
      let taken = 0;
      let refusedInARow = 0;
      // More than windows and queues of both sides hold together; what is refused finds no room later either.
      for (let count = 0; count < 2000 && refusedInARow < 50; count++) {
        const payload = new Uint8Array(100_000);
        payload[0] = taken;
        payload[1] = taken >> 8;
        if (there.send("ordinary", payload)) {
          taken++;
          refusedInARow = 0;
        } else {
          refusedInARow++;
          await two.world.turn();
        }
      }
      assert.equal(refusedInARow, 50, `${taken} messages were taken for somebody who reads nothing`);
      assert.ok(otherHost.messages.length < taken, "the reader was not held");
      otherHost.held = undefined;
      release();
      await until(() => otherHost.messages.length === taken);
      for (const [at, message] of otherHost.messages.entries()) {
        assert.equal(
          (message[0] as number) | ((message[1] as number) << 8),
          at,
          "a message is missing or out of order",
        );
      }
    },
    { messageBytesMax: 1_000_000 },
  );

  check(
    "requests beyond the queue's bound are refused, and none is lost",
    async (two) => {
      await two.world.settled();
      const payload = new Uint8Array(400_000);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => two.there.request(payload, options)));
      const kinds = outcomes.map((outcome) => (outcome.kind === "refused" ? outcome.why : outcome.kind));
      assert.deepEqual(kinds.slice(0, 2), ["answered", "answered"]);
      assert.equal(kinds.at(-1), "full");
    },
    { requestBytesMax: 1_000_000 },
  );

  check(
    "requests beyond the number that may be asked at once are refused here",
    async (two) => {
      await two.world.settled();
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => two.there.request(utf8("a"), options)));
      const kinds = outcomes.map((outcome) => (outcome.kind === "refused" ? outcome.why : outcome.kind));
      assert.deepEqual(kinds, ["answered", "answered", "answered", "full", "full"]);
    },
    { requestsAskedMax: 3 },
  );

  check(
    "requests beyond the number that may be served at once are refused there, unserved",
    async (two) => {
      await two.world.settled();
      two.otherHost.serve = () => undefined;
      const asked = Array.from({ length: 5 }, () => two.there.request(utf8("a"), options));
      assert.deepEqual(await asked[3], { kind: "refused", why: "busy" });
      assert.deepEqual(await asked[4], { kind: "refused", why: "busy" });
      assert.equal(two.otherHost.requests.length, 3);
      for (const request of two.otherHost.requests) request.answer(utf8("b"));
      for (const one of asked.slice(0, 3)) assert.equal((await one).kind, "answered");
      two.otherHost.serve = (request) => request.answer(request.payload);
      assert.equal((await two.there.request(utf8("a"), options)).kind, "answered", "an answer made no room");
    },
    { requestsServedMax: 3 },
  );

  check(
    "requests that nobody waits for any more take no room from others",
    async (two) => {
      await two.world.settled();
      two.otherHost.serve = () => undefined;
      const asked = Array.from({ length: 3 }, () => two.there.request(utf8("a"), options));
      await two.until(() => two.otherHost.requests.length === 3);
      two.world.breakAll();
      for (const one of asked) assert.deepEqual(await one, { kind: "unknown", why: "lost" });
      await two.until(() => two.oneHost.events.length === 3 && two.otherHost.events.length === 3);
      await two.world.settled();
      two.otherHost.serve = (request) => request.answer(request.payload);
      const outcomes = await Promise.all(Array.from({ length: 3 }, () => two.there.request(utf8("b"), options)));
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind),
        ["answered", "answered", "answered"],
      );
    },
    { requestsServedMax: 3 },
  );

  check(
    "an answer that finds no room is told as unknown",
    async (two) => {
      await two.world.settled();
      two.otherHost.serve = (request) => request.answer(new Uint8Array(600_000));
      const outcomes = await Promise.all([
        two.there.request(utf8("a"), options),
        two.there.request(utf8("b"), options),
      ]);
      assert.equal(outcomes[0]?.kind, "answered");
      assert.deepEqual(outcomes[1], { kind: "unknown", why: "unsent" });
    },
    { answerBytesMax: 1_000_000 },
  );
}

function checkRequests(check: Check): void {
  check("a request is answered, and takes its trace and the time that is left along", async (two) => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const outcome = await two.there.request(utf8("ping"), { timeoutMilliseconds: 5000, trace });
    assert.deepEqual(outcome.kind === "answered" && utf8Text(outcome.payload), "ping");
    const [request] = two.otherHost.requests;
    assert.equal(request?.trace, trace);
    assert.ok(request !== undefined && request.remainingMilliseconds > 0 && request.remainingMilliseconds <= 5000);
  });

  check("requests and answers may be larger than a frame, and answers come in any order", async (two) => {
    const prng = new Prng(3);
    const waiting: (() => void)[] = [];
    two.otherHost.serve = (request) => waiting.push(() => request.answer(request.payload));
    const sent = [noise(prng, 1_000_000), noise(prng, 10), noise(prng, 700_000), noise(prng, 0)];
    const asked = sent.map((payload) => two.there.request(payload, options));
    await two.until(() => waiting.length === sent.length);
    for (const answer of waiting.reverse()) answer();
    for (const [at, outcome] of (await Promise.all(asked)).entries()) {
      assert.ok(outcome.kind === "answered" && equalBytes(outcome.payload, sent[at] as Uint8Array), `request ${at}`);
    }
  });

  check("a request that the other side refuses did nothing", async (two) => {
    two.otherHost.serve = (request) => request.refuse();
    assert.deepEqual(await two.there.request(utf8("a"), options), { kind: "refused", why: "busy" });
  });

  check("a request whose time is up has no known outcome, and its late answer harms nobody", async (two) => {
    two.otherHost.serve = () => undefined;
    // One whose time was up before it left is late as well, and never arrives.
    while (two.otherHost.requests.length === 0) {
      const outcome = await two.there.request(utf8("slow"), { timeoutMilliseconds: 50, trace: "" });
      assert.deepEqual(outcome, { kind: "unknown", why: "late" });
    }
    for (const request of two.otherHost.requests) request.answer(utf8("at last"));
    two.otherHost.serve = (request) => request.answer(request.payload);
    assert.equal((await two.there.request(utf8("next"), options)).kind, "answered");
  });

  check("requests under way when the connection breaks have no known outcome", async (two) => {
    two.otherHost.serve = () => undefined;
    const asked = two.there.request(utf8("a"), options);
    await two.until(() => two.otherHost.requests.length === 1);
    two.world.breakAll();
    assert.deepEqual(await asked, { kind: "unknown", why: "lost" });
    await two.until(() => two.oneHost.events.length === 3 && two.otherHost.events.length === 3);
    // Nobody waits for it, and nobody else's request ends by it.
    two.otherHost.requests[0]?.answer(utf8("too late"));
    two.otherHost.serve = (request) => request.answer(request.payload);
    const next = await two.there.request(utf8("b"), options);
    assert.equal(next.kind === "answered" && utf8Text(next.payload), "b");
  });

  check("requests that had not left when the connection broke did nothing", async (two) => {
    await two.world.settled();
    two.otherHost.held = new Promise(() => undefined);
    for (let count = 0; count < 30; count++) assert.ok(two.there.send("ordinary", new Uint8Array(1_000_000)));
    const asked = two.there.request(utf8("a"), options);
    await two.until(() => two.otherHost.messages.length > 0);
    two.world.breakAll();
    assert.deepEqual(await asked, { kind: "refused", why: "down" });
    assert.deepEqual(two.otherHost.requests, []);
  });

  check("a request to a node that is not there did nothing", async (two) => {
    await two.until(() => two.there.roundTripMicroseconds !== undefined);
    await two.other.crash();
    await two.until(() => two.there.life === undefined);
    assert.equal(two.there.roundTripMicroseconds, undefined, "nothing is near that is not there");
    assert.deepEqual(await two.there.request(utf8("a"), options), { kind: "refused", why: "down" });
    assert.equal(two.there.send("ordinary", utf8("a")), false);
    assert.equal(two.there.send("urgent", utf8("a")), false);
  });

  check("a network that closes ends what is under way", async (two) => {
    two.otherHost.serve = () => undefined;
    const asked = two.there.request(utf8("a"), options);
    await two.until(() => two.otherHost.requests.length === 1);
    await two.one.network.close();
    assert.deepEqual(await asked, { kind: "unknown", why: "lost" });
    await two.until(() => two.otherHost.events.at(-1) === "down n1 1");
  });
}

function checkLoss(check: Check): void {
  check("each side is told once that the other is there, however many streams they open", async (two) => {
    await two.world.settled();
    assert.deepEqual(two.oneHost.events, ["up n2 1"]);
    assert.deepEqual(two.otherHost.events, ["up n1 1"]);
  });

  check("the loss of the last connection is told to both sides, and they find each other again", async (two) => {
    await two.world.settled();
    for (const round of [1, 2, 3]) {
      two.world.breakAll();
      const events = 1 + 2 * round;
      await two.until(() => two.oneHost.events.length >= events && two.otherHost.events.length >= events);
      await two.world.settled();
    }
    const rounds = ["down n2 1", "up n2 1"];
    assert.deepEqual(two.oneHost.events, ["up n2 1", ...rounds, ...rounds, ...rounds]);
    const before = two.otherHost.messages.length;
    assert.ok(two.there.send("ordinary", utf8("still here")));
    await two.until(() => two.otherHost.messages.length > before);
    assert.equal(two.otherHost.texts.at(-1), "still here");
  });

  check("a message that was cut off in the middle does not come, nor spoil what follows", async (two) => {
    await two.world.settled();
    for (let count = 0; count < 4; count++) two.there.send("ordinary", new Uint8Array(messageBytesMax / 2));
    await two.world.turn();
    two.world.breakAll();
    await two.until(() => two.oneHost.events.length === 3 && two.otherHost.events.length === 3);
    await two.world.settled();
    two.there.send("ordinary", utf8("whole"));
    await two.until(() => two.otherHost.texts.at(-1) === "whole");
    for (const message of two.otherHost.messages.slice(0, -1)) {
      assert.ok(message.length === messageBytesMax / 2, "half a message");
    }
  });

  check("a process that dies is gone, and the next one of its node is another", async (two) => {
    await two.other.crash();
    await two.until(() => two.oneHost.events.length === 2);
    const reborn = hostOf("n2", 2);
    const next = await two.world.start(reborn);
    next.network.peer(two.oneHost.own.node, two.one.address);
    await two.until(() => two.oneHost.events.length === 3);
    assert.deepEqual(two.oneHost.events, ["up n2 1", "down n2 1", "up n2 2"]);
    assert.equal(two.there.life, 2);
    await two.until(() => reborn.events.length === 1);
    assert.equal((await two.there.request(utf8("a"), options)).kind, "answered");
  });

  check("lives of one data folder are compared, and of no two: the host judges those", async (two) => {
    await two.other.crash();
    await two.until(() => two.oneHost.events.length === 2);
    for (const [life, disk] of [
      [7, "a"],
      [3, "b"],
    ] as const) {
      const next = await two.world.start(hostOf("n2", life, "c1", disk));
      next.network.peer(two.oneHost.own.node, two.one.address);
      await two.until(() => two.there.life === life);
      await next.crash();
      await two.until(() => two.there.life === undefined);
    }
    assert.deepEqual(two.oneHost.events.slice(2), ["up n2 7", "down n2 7", "up n2 3", "down n2 3"]);
  });

  check("a peer that is not wanted any more is not dialled again", async (two) => {
    await two.world.settled();
    two.otherHost.unwanted.add(two.oneHost.own.node);
    two.oneHost.unwanted.add(two.otherHost.own.node);
    two.there.close();
    await two.until(() => two.otherHost.events.length === 2);
    await two.until(() => two.back.trouble?.includes("n2 is not wanted here") === true);
    assert.deepEqual(two.oneHost.events, ["up n2 1", "down n2 1"]);
  });
}

function checkVisits(check: Check): void {
  check("who knows an address alone may ask there, without being a peer", async (two) => {
    const joining = hostOf("n3", 1, "");
    const its = await two.world.start(joining);
    two.otherHost.unwanted.add(joining.own.node);
    const question = noise(new Prng(5), 600_000);
    const outcome = await its.network.ask(two.other.address, question, options);
    assert.ok(outcome.kind === "answered" && equalBytes(outcome.payload, question));
    assert.deepEqual(two.otherHost.visitors, [joining.own]);
    assert.deepEqual([two.otherHost.events, joining.events, two.otherHost.requests], [["up n1 1"], [], []]);
  });

  check("a visit is refused, late, or unreachable, and says which", async (two) => {
    const foreign = await two.world.start(hostOf("n3", 1, "c2"));
    const refused = await foreign.network.ask(two.other.address, utf8("a"), options);
    assert.ok(
      refused.kind === "unreachable" && refused.detail.includes("belongs to cluster c1"),
      JSON.stringify(refused),
    );
    const joining = await two.world.start(hostOf("n4", 1, ""));
    two.otherHost.serve = (request) => request.refuse();
    const busy = await joining.network.ask(two.other.address, utf8("a"), options);
    assert.deepEqual(busy, { kind: "refused", why: "busy" });
    two.otherHost.serve = () => undefined;
    const lost = joining.network.ask(two.other.address, utf8("a"), options);
    await two.until(() => two.otherHost.visitors.length === 2);
    two.world.breakAll();
    assert.deepEqual(await lost, { kind: "unknown", why: "lost" });
    const cut = joining.network.ask(two.other.address, utf8("a"), options);
    await two.until(() => two.otherHost.visitors.length === 3);
    await joining.network.close();
    assert.deepEqual(await cut, { kind: "unknown", why: "lost" });
    await two.other.crash();
    const gone = await foreign.network.ask(two.other.address, utf8("a"), options);
    assert.equal(gone.kind, "unreachable");
  });
}

function checkStrangers(name: string, make: MakeWorld): void {
  const refused = (what: string, stranger: RecordingHost, why: RegExp, wanted = "n1"): void => {
    it(`${what} gets no further than the handshake, and is told why`, { timeout: 30_000 }, async () => {
      const world = await make();
      try {
        const host = hostOf("n1");
        host.unwanted.add(hostOf("n9").own.node);
        const own = await world.start(host);
        const foreign = await world.start(stranger);
        const peer = foreign.network.peer(hostOf(wanted).own.node, own.address);
        await untilIn(world, () => why.test(peer.trouble ?? ""));
        assert.equal(peer.life, undefined);
        assert.deepEqual(await peer.request(utf8("let me in"), options), { kind: "refused", why: "down" });
        assert.deepEqual([host.events, host.messages, host.requests, stranger.events], [[], [], [], []]);
      } finally {
        await world.end();
      }
    });
  };
  describe(`network: ${name}: strangers`, () => {
    refused("a node of another cluster", hostOf("n2", 1, "c2"), /belongs to cluster c1, node n2 to "c2"/);
    refused("a node that is not wanted", hostOf("n9"), /n9 is not wanted here/);
    refused("a node that looks for somebody else", hostOf("n2"), /this is node n1, not "n7"/, "n7");
    refused("a node whose name is no name", hostOf("n2\n[31m"), /is no name of a node/);
  });

  it(`network: ${name}: nodes that belong to no cluster yet may talk to any`, { timeout: 30_000 }, async () => {
    const world = await make();
    try {
      const own = await world.start(hostOf("n1"));
      const joining = await world.start(hostOf("n2", 1, ""));
      const peer = joining.network.peer(hostOf("n1").own.node, own.address);
      await untilIn(world, () => peer.life !== undefined);
    } finally {
      await world.end();
    }
  });

  const together = (what: string, clusters: readonly [string, string], run: (two: Together) => Promise<void>): void => {
    it(`network: ${name}: ${what}`, { timeout: 30_000 }, async () => {
      const world = await make();
      try {
        const hosts = [hostOf("n1", 1, clusters[0]), hostOf("n2", 1, clusters[1])] as const;
        const [one, other] = [await world.start(hosts[0]), await world.start(hosts[1])];
        const there = one.network.peer(hosts[1].own.node, other.address);
        const back = other.network.peer(hosts[0].own.node, one.address);
        await untilIn(world, () => there.life !== undefined && back.life !== undefined);
        await world.settled();
        await run({ world, hosts, networks: [one.network, other.network], peers: [there, back] });
      } finally {
        await world.end();
      }
    });
  };
  const strangers = async ({ world, hosts, peers: [there, back] }: Together): Promise<void> => {
    const why = /n[12] belongs to cluster c[12], node n[12] to "c[12]"/;
    await untilIn(world, () => why.test(there.trouble ?? "") && why.test(back.trouble ?? ""));
    assert.deepEqual([there.life, back.life], [undefined, undefined]);
    assert.deepEqual([hosts[0].events.at(-1), hosts[1].events.at(-1)], ["down n2 1", "down n1 1"]);
  };
  together(
    "who had a cluster before this node had its own is refused when it is another one",
    ["", "c2"],
    async (two) => {
      two.hosts[0].belongsTo("c1", two.networks[0]);
      // From this moment on.
      assert.deepEqual(two.hosts[0].events, ["up n2 1", "down n2 1"]);
      await strangers(two);
    },
  );
  together("who finds another cluster than this node is refused then", ["", ""], async (two) => {
    two.hosts[0].belongsTo("c1", two.networks[0]);
    await two.world.turn();
    two.hosts[1].belongsTo("c2", two.networks[1]);
    await strangers(two);
  });
  together("who finds the same cluster stays, and is not lost for a moment", ["", ""], async (two) => {
    const { world, hosts, networks, peers } = two;
    for (const at of [0, 1] as const) {
      const other = hosts[1 - at] as RecordingHost;
      const before = other.identified;
      hosts[at].belongsTo("c1", networks[at]);
      await untilIn(world, () => other.identified > before);
      await world.settled();
      // One on the stream that is replaced is lost.
      while ((await peers[at].request(utf8("there?"), options)).kind !== "answered") await world.turn();
    }
    assert.deepEqual([hosts[0].events, hosts[1].events], [["up n2 1"], ["up n1 1"]]);
  });

  it(`network: ${name}: an earlier process of a node comes too late`, { timeout: 30_000 }, async () => {
    const world = await make();
    try {
      const host = hostOf("n1");
      const own = await world.start(host);
      const later = await world.start(hostOf("n2", 2));
      later.network.peer(host.own.node, own.address);
      own.network.peer(hostOf("n2").own.node, later.address);
      await untilIn(world, () => host.events.length === 1);
      const earlier = await world.start(hostOf("n2", 1));
      const peer = earlier.network.peer(host.own.node, own.address);
      await untilIn(world, () => /a later process of node n2/.test(peer.trouble ?? ""));
      assert.deepEqual(host.events, ["up n2 2"]);
    } finally {
      await world.end();
    }
  });
}

function noise(prng: Prng, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 997) made[at] = prng.below(256);
  return made;
}
