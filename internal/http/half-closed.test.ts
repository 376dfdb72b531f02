// Clients that end their sending before they have their answers: what came whole is answered, then the connection closes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { HttpRig, lastAnswer, withHttpRig } from "../../test/http/rig.ts";
import type { Wire } from "../../test/http/rig.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Sends, and ends the sending; the listener has heard of the end when this returns. */
async function sendAndEnd(rig: HttpRig, text: string): Promise<Wire> {
  const wire = await rig.wire();
  const ended = once(wire.socket, "finish");
  wire.socket.end(text);
  await ended;
  // On the loopback interface the end is there now: the listener comes to it before the answer to what is asked later.
  await rig.ask("GET", "/-/openapi.json");
  await rig.ask("GET", "/-/openapi.json");
  return wire;
}

/** With deadlines that no busy machine comes near. */
const get = (target: string): string => `GET ${target}?timeout=60s HTTP/1.1\r\nHost: a\r\n\r\n`;
const put = (body: string, length = body.length): string =>
  `PUT /k?timeout=60s HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;

describe("a client that has ended its sending", () => {
  for (const [what, text, status] of [
    ["a write", put("x"), 200],
    ["a read", get("/k"), 404],
    ["a listing", get("/-/keys"), 200],
  ] as const) {
    test(`has the answer to ${what} that is not there at once, and then the end`, async () => {
      await withHttpRig(async (rig) => {
        rig.coordinator.hold();
        const wire = await sendAndEnd(rig, text);
        while (rig.coordinator.waiting < 1) await turn();
        rig.coordinator.goOn();
        const told = lastAnswer(await wire.rest());
        assert.equal(told.status, status);
        assert.match(told.head, /^Connection: close/m);
        assert.equal(rig.edge.listener.requestsUnderWay, 0);
      });
    });
  }

  test("has the answers to all that it sent in a row, and the connection ends with the last", async () => {
    await withHttpRig(async (rig) => {
      rig.coordinator.hold();
      // More than are read of a connection at once.
      const many = 40;
      const wire = await sendAndEnd(rig, `${put("x")}${get("/k").repeat(many)}`);
      while (rig.coordinator.waiting < 1) await turn();
      rig.coordinator.goOn();
      const text = await wire.rest();
      assert.equal(text.match(/HTTP\/1\.1 200 /g)?.length, many + 1);
    });
  });

  test("is told that its body is cut short, behind what it sent before", async () => {
    await withHttpRig(async (rig) => {
      rig.coordinator.hold();
      const wire = await sendAndEnd(rig, `${get("/k")}${put("x", 2)}`);
      while (rig.coordinator.waiting < 1) await turn();
      rig.coordinator.goOn();
      const text = await wire.rest();
      assert.match(text, /^HTTP\/1\.1 404 [^]*^HTTP\/1\.1 400 [^]*the request ended before it was whole/m);
      assert.equal(rig.coordinator.size, 0);
    });
  });

  test("is let go at once when it waits for nothing", async () => {
    await withHttpRig(async (rig) => {
      const fresh = await rig.wire();
      fresh.socket.end();
      assert.equal(await fresh.rest(), "");
      const idle = await rig.wire();
      idle.send(get("/k"));
      await idle.until("}\n");
      idle.socket.end();
      await idle.rest();
      while (rig.edge.listener.connectionCount > 0) await turn();
    });
  });

  test("does not keep a listener from closing", async () => {
    const rig = await HttpRig.open();
    rig.coordinator.hold();
    const wire = await sendAndEnd(rig, put("x"));
    while (rig.coordinator.waiting < 1) await turn();
    const closing = rig.close();
    rig.coordinator.goOn();
    assert.equal(lastAnswer(await wire.rest()).status, 200);
    await closing;
    assert.equal(rig.edge.listener.connectionCount, 0);
  });

  test("and has gone is served all the same, for nobody can tell, but nothing waits for it, and it is let go with its answer", async () => {
    await withHttpRig(async (rig) => {
      rig.coordinator.hold();
      const wire = await rig.wire();
      wire.send(put("x"));
      while (rig.coordinator.waiting < 1) await turn();
      const signal = rig.coordinator.lastCaller?.signal;
      wire.socket.destroy();
      await once(wire.socket, "close");
      assert.ok(signal);
      if (!signal.aborted) await once(signal, "abort");
      rig.coordinator.goOn();
      while (rig.edge.listener.connectionCount > 0) await turn();
      assert.equal(rig.edge.listener.requestsUnderWay, 0);
      assert.equal(rig.coordinator.size, 1);
    });
  });
});
