// Bodies that are too long or too slow, connections that are too many, and the end of a listener.

import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { utf8 } from "../base/bytes.ts";
import { HttpRig, lastAnswer, withHttpRig } from "../../test/http/rig.ts";
import type { Wire } from "../../test/http/rig.ts";
import type { RequestObserver } from "../node/observer.ts";
import type { HttpLimits } from "./limits.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

type Run = (rig: HttpRig) => Promise<void>;

async function withRig(limits: Partial<HttpLimits>, ...rest: [Run] | [RequestObserver, Run]): Promise<void> {
  const [observer, run] = rest.length === 1 ? [undefined, rest[0]] : rest;
  await withHttpRig(run, limits, observer);
}

function codeOf(text: string): string {
  const { status, body } = lastAnswer(text);
  const problem = JSON.parse(body) as { readonly code: string; readonly status: number };
  assert.equal(problem.status, status);
  return problem.code;
}

/** What is referred to. */
function arrayBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().arrayBuffers;
}

const head = (more: string): string => `PUT /k HTTP/1.1\r\nHost: a\r\n${more}\r\n\r\n`;

describe("a body that is too long", () => {
  const limits = { valueBytesMax: 1000, discardedBytesMax: 2000 };

  test("is refused by its declared length before any of it is read", async () => {
    await withRig({ ...limits, lingerMilliseconds: 60_000 }, async (rig) => {
      const wire = await rig.wire();
      wire.send(head("Content-Length: 5000"));
      assert.equal(codeOf(await wire.until("}\n")), "too_large");
      assert.match(wire.text, /^HTTP\/1\.1 413 [^]*^Connection: close/m);
      // Whoever sends it all the same reads the refusal first, then the end.
      wire.send("x".repeat(5000));
      await wire.rest();
      assert.equal(rig.coordinator.size, 0);
    });
  });

  test("is not asked for when the client waits to be asked", async () => {
    await withRig({ ...limits, lingerMilliseconds: 20 }, async (rig) => {
      const refused = await rig.say(head("Expect: 100-continue\r\nContent-Length: 1001"));
      assert.equal(codeOf(refused), "too_large");
      assert.ok(!refused.includes("100 Continue"));
      const wire = await rig.wire();
      wire.send(head("Expect: 100-continue\r\nConnection: close\r\nContent-Length: 1000"));
      assert.equal(await wire.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
      wire.send("x".repeat(1000));
      assert.equal(lastAnswer(await wire.rest()).status, 200);
    });
  });

  test("is cut off at the bound when it comes in chunks", async () => {
    await withRig({ ...limits, lingerMilliseconds: 20 }, async (rig) => {
      const wire = await rig.wire();
      wire.send(head("Transfer-Encoding: chunked"));
      const chunk = `1f4\r\n${"x".repeat(500)}\r\n`;
      wire.send(chunk + chunk);
      while (rig.edge.listener.budget.bytesTaken < 1000) await turn();
      wire.send("1\r\nx\r\n");
      assert.equal(codeOf(await wire.rest()), "too_large");
      assert.equal(rig.coordinator.size, 0);
      assert.equal(rig.edge.listener.budget.bytesTaken, 0);
      const fits = await rig.say(`${head("Transfer-Encoding: chunked\r\nConnection: close")}${chunk}${chunk}0\r\n\r\n`);
      assert.equal(lastAnswer(fits).status, 200);
    });
  });

  test("keeps its connection when what is left of it is short", async () => {
    await withRig(limits, async (rig) => {
      const wire = await rig.wire();
      wire.send(
        `${head("Content-Length: 1500")}${"x".repeat(1500)}GET /k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      const text = await wire.rest();
      assert.match(text, /^HTTP\/1\.1 413 [^]*^HTTP\/1\.1 404 /m);
      assert.equal(rig.coordinator.size, 0);
    });
  });

  test("may be an envelope of a value that is short enough", async () => {
    await withRig(limits, async (rig) => {
      const headers = { "Content-Type": "application/vnd.trefoil+json" };
      const escaped = (count: number): string => `{"value":"${"\\n".repeat(count)}"}`;
      assert.equal((await rig.ask("PUT", "/k", { body: escaped(1000), headers })).status, 200);
      assert.equal((await rig.ask("PUT", "/k", { body: escaped(1001), headers })).status, 413);
      assert.equal((await rig.ask("PUT", "/k", { body: escaped(2000), headers })).status, 413);
      assert.equal((await rig.ask("GET", "/k")).bytes.length, 1000);
    });
  });

  test("is refused as busy when all bodies together are too long", async () => {
    await withRig({ bodyBytesMax: 1500, lingerMilliseconds: 20 }, async (rig) => {
      const slow = await rig.wire();
      slow.send(`${head("Content-Length: 1000")}${"x".repeat(999)}`);
      while (rig.edge.listener.budget.bytesTaken < 999) await turn();
      const told = await rig.ask("PUT", "/other", { body: "y".repeat(600) });
      assert.deepEqual([told.status, told.headers["retry-after"]], [429, "1"]);
      slow.send("x");
      await slow.until("}\n");
      assert.equal((await rig.ask("PUT", "/other", { body: "y".repeat(600) })).status, 200);
    });
  });
});

describe("slow ones", () => {
  const limits = { headersMilliseconds: 40, requestMilliseconds: 80, checkMilliseconds: 10, lingerMilliseconds: 20 };

  test("headers that do not end are refused", async () => {
    await withRig(limits, async (rig) => {
      const text = await rig.say("GET /k HTTP/1.1\r\nHost: a\r\nX: ");
      assert.equal(codeOf(text), "slow_request");
      assert.match(text, /^HTTP\/1\.1 408 [^]*^Connection: close/m);
    });
  });

  test("bodies that do not end are refused, and nothing of them is stored", async () => {
    await withRig(limits, async (rig) => {
      for (const more of ["Content-Length: 10", "Transfer-Encoding: chunked"]) {
        const wire = await rig.wire();
        wire.send(`${head(more)}3\r\nhal`);
        assert.equal(codeOf(await wire.rest()), "slow_request");
      }
      assert.equal(rig.coordinator.size, 0);
      assert.equal(rig.edge.listener.budget.bytesTaken, 0);
    });
  });

  test("hundreds of them at once do no harm to others", async () => {
    await withRig({}, async (rig) => {
      const wires: Wire[] = [];
      for (let count = 0; count < 300; count++) {
        const wire = await rig.wire();
        wire.send(count % 2 === 0 ? "GET /k HTTP/1.1\r\nX: a" : `${head("Content-Length: 1000")}x`);
        wires.push(wire);
      }
      while (rig.edge.listener.requestsUnderWay < 150) await turn();
      assert.equal(rig.edge.listener.connectionCount, 300);
      assert.equal((await rig.ask("PUT", "/fast", { body: "1" })).status, 200);
      assert.equal((await rig.ask("GET", "/fast")).text, "1");
      for (const wire of wires) wire.socket.destroy();
      while (rig.edge.listener.connectionCount > 0) await turn();
      assert.equal(rig.edge.listener.requestsUnderWay, 0);
      assert.equal(rig.edge.listener.budget.bytesTaken, 0);
      assert.equal(rig.coordinator.size, 1);
    });
  });

  test("whoever does not take an answer is let go", async () => {
    await withRig({ silentMilliseconds: 50 }, async (rig) => {
      rig.coordinator.place(utf8("big"), new Uint8Array(8 << 20), "");
      const wire = await rig.wire();
      wire.socket.pause();
      wire.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4));
      while (rig.edge.listener.requestsUnderWay === 0) await turn();
      while (rig.edge.listener.requestsUnderWay > 0) await turn();
      wire.socket.destroy();
    });
  });

  test("many of them hold no more than there is for bodies, and nobody else up", async () => {
    const sizes = { big: 8 << 20, bodies: 17 << 20 };
    const outcomes: string[] = [];
    const observer = { answered: (...told: readonly unknown[]) => void outcomes.push(String(told[2])) };
    await withRig({ bodyBytesMax: sizes.bodies }, observer, async (rig) => {
      const { listener } = rig.edge;
      rig.coordinator.place(utf8("big"), new Uint8Array(sizes.big), "");
      const before = arrayBytes();
      const wires: Wire[] = [];
      for (let count = 0; count < 24; count++) {
        const wire = await rig.wire();
        wire.socket.pause();
        wire.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        wires.push(wire);
      }
      while (outcomes.length < wires.length) await turn();
      assert.equal(outcomes.filter((outcome) => outcome === "ok").length, 2);
      assert.equal(outcomes.filter((outcome) => outcome === "refused").length, 22);
      while (listener.requestsUnderWay > 2) await turn();
      assert.equal(listener.budget.bytesTaken, 2 * sizes.big);
      const heldMax = sizes.bodies + (1 << 20);
      let held = arrayBytes() - before;
      // What was refused is garbage, and such memory is given back a little behind the collector.
      for (let tries = 0; tries < 200 && held > heldMax; tries++) {
        await turn();
        held = arrayBytes() - before;
      }
      assert.ok(held <= heldMax, `${held} bytes are held`);
      const told = await rig.ask("GET", "/big");
      assert.deepEqual([told.status, told.headers["retry-after"]], [429, "1"]);
      assert.equal((await rig.ask("HEAD", "/big")).headers["content-length"], String(sizes.big));
      assert.equal((await rig.ask("PUT", "/small", { body: "x" })).status, 200);
      assert.equal((await rig.ask("GET", "/small")).text, "x");
      for (const wire of wires) wire.socket.destroy();
      while (listener.requestsUnderWay > 0) await turn();
      assert.equal((await rig.ask("GET", "/big")).bytes.length, sizes.big);
      while (listener.requestsUnderWay > 0) await turn();
      assert.equal(listener.budget.bytesTaken, 0);
    });
  });

  test("who sends many at once, and takes no answer, has one of them in memory, and is served one after the other", async () => {
    await withRig({}, async (rig) => {
      const { listener } = rig.edge;
      rig.coordinator.place(utf8("big"), new Uint8Array(8 << 20), "");
      const wire = await rig.wire();
      wire.socket.pause();
      const many = 40;
      const put = `${head("Content-Length: 5000")}${"x".repeat(5000)}`;
      wire.send(`${"GET /big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(many)}${put}`);
      while (listener.budget.bytesTaken !== 8 << 20) await turn();
      assert.equal((await rig.ask("GET", "/k")).status, 404);
      assert.equal(listener.budget.bytesTaken, 8 << 20);
      assert.equal(rig.coordinator.size, 1, "the write behind them is not served");
      wire.socket.resume();
      while (rig.coordinator.size < 2) await turn();
      await wire.until("receipt");
      assert.equal(wire.text.match(/HTTP\/1.1 200/g)?.length, many + 1);
      wire.socket.destroy();
    });
  });

  test("whoever asks for more than there is room for is told to ask for less", async () => {
    await withRig({ bodyBytesMax: 64 << 10 }, async (rig) => {
      for (const name of ["a", "b"]) rig.coordinator.place(utf8(name), utf8("x".repeat(40_000)), "");
      const told = await rig.ask("GET", "/-/keys?values=1");
      assert.equal(told.status, 429);
      assert.match(told.text, /ask for less/);
      assert.equal((await rig.ask("GET", "/-/keys?values=1&limit=1")).status, 200);
    });
  });

  test("whoever resets the connection before the answer is known to have gone", async () => {
    await withRig({}, async (rig) => {
      rig.coordinator.hold();
      const wire = await rig.wire();
      // The second one waits behind the first.
      wire.send("GET /k HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
      while (rig.coordinator.waiting < 1) await turn();
      const signal = rig.coordinator.lastCaller?.signal;
      assert.equal(signal?.aborted, false);
      wire.socket.resetAndDestroy();
      while (rig.edge.listener.requestsUnderWay > 0) await turn();
      assert.equal(signal?.aborted, true);
      const late = await rig.wire();
      late.send("GET /k HTTP/1.1\r\nHost: a\r\n\r\n");
      while (rig.coordinator.waiting < 2) await turn();
      late.socket.resetAndDestroy();
      while (rig.edge.listener.requestsUnderWay > 0) await turn();
      assert.equal(rig.coordinator.lastCaller?.signal?.aborted, true);
    });
  });
});

describe("more than a node takes on", () => {
  test("requests are refused as busy", async () => {
    await withRig({ requestsMax: 1 }, async (rig) => {
      rig.coordinator.hold();
      const held = rig.ask("GET", "/k");
      while (rig.coordinator.waiting === 0) await turn();
      const told = await rig.ask("GET", "/k");
      assert.deepEqual([told.status, told.headers["retry-after"]], [429, "1"]);
      rig.coordinator.goOn();
      assert.equal((await held).status, 404);
      assert.equal((await rig.ask("GET", "/k")).status, 404);
    });
  });

  test("connections are turned away", async () => {
    await withRig({ connectionsMax: 1 }, async (rig) => {
      const first = await rig.wire();
      while (rig.edge.listener.connectionCount === 0) await turn();
      assert.equal(await rig.say("GET /k HTTP/1.1\r\nHost: a\r\n\r\n"), "");
      first.send("GET /k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assert.equal(lastAnswer(await first.rest()).status, 404);
    });
  });
});

describe("close", () => {
  test("finishes what is under way, refuses what comes after, ends idle connections", async () => {
    const rig = await HttpRig.open();
    const idle = await rig.wire();
    idle.send("GET /k HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.until("}\n");
    const fresh = await rig.wire();
    fresh.send("GET /k HTTP/1.1\r\n");
    const late = await rig.wire();
    const busy = await rig.wire();
    rig.coordinator.hold();
    // The second one waits behind the first.
    busy.send(`${head("Content-Length: 1")}xGET /k HTTP/1.1\r\nHost: a\r\n\r\n`);
    while (rig.coordinator.waiting === 0) await turn();
    let isClosed = false;
    const closing = rig.close().then(() => (isClosed = true));
    late.send("GET /k HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.rest();
    await fresh.rest();
    assert.equal(fresh.text, "");
    await assert.rejects(rig.wire(), /ECONNREFUSED/);
    assert.ok(!isClosed);
    rig.coordinator.goOn();
    const text = await busy.rest();
    assert.match(text, /^HTTP\/1\.1 200 [^]*^HTTP\/1\.1 503 [^]*^Connection: close/m);
    assert.equal(codeOf(text), "stopping");
    assert.match(await late.rest(), /^HTTP\/1\.1 (200|404) [^]*^Connection: close/m, "it had just come");
    await closing;
    assert.equal(rig.coordinator.size, 1);
    assert.equal(rig.edge.listener.connectionCount, 0);
    await rig.close();
  });

  test("cuts off what does not end", async () => {
    const rig = await HttpRig.open({ stopMilliseconds: 20 });
    const stuck = await rig.wire();
    stuck.send(`${head("Content-Length: 10")}x`);
    while (rig.edge.listener.requestsUnderWay === 0) await turn();
    await rig.close();
    assert.equal(await stuck.rest(), "");
    assert.equal(rig.coordinator.size, 0);
  });
});
