// Gateways whose ports others have taken: all of them are told at once, each with one that is free.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { eventually } from "../daemon/node-processes.ts";
import { freePorts } from "../support/free-ports.ts";
import { RunningProcess } from "../support/running-process.ts";

const flags = ["http", "grpc", "admin"] as const;

const start = (listeners: readonly string[]): RunningProcess =>
  new RunningProcess(process.execPath, ["dist/cmd/trefoil/main.js", "gateway", "--seeds=127.0.0.1:1", ...listeners]);

describe("a gateway whose ports are taken", () => {
  it("tells all of them, and with what is proposed instead it starts", async () => {
    // What is proposed for the one would be what another has, or is to have instead. None of all that is another test's.
    const first = await freePorts(510);
    const ports = [first, first + 100, first + 200];
    const taken = await Promise.all(
      ports.map(async (port) => {
        const server = createServer();
        server.listen(port, "127.0.0.1");
        await once(server, "listening");
        return server;
      }),
    );
    const refused = start(flags.map((flag, at) => `--${flag}=127.0.0.1:${ports[at]}`));
    assert.deepEqual(await refused.ended, { code: 1, signal: null });
    const lines = refused.errors.trimEnd().split("\n");
    const proposed = flags.map((flag, at) => {
      const words = `--${flag} 127.0.0.1:${ports[at]}: another process listens there; end it, or choose another port with`;
      const line = lines.find((one) => one.startsWith(`trefoil gateway: ${words} `));
      assert.ok(line, `${flag}: ${refused.errors}`);
      return line.slice(line.lastIndexOf(" --") + 1).replace(" ", "=");
    });
    assert.equal(lines.length, flags.length);
    const gateway = start(proposed);
    const admin = proposed[2]?.split("=")[1];
    await eventually(async () => assert.equal((await fetch(`http://${admin}/livez`)).status, 200));
    gateway.signal("SIGTERM");
    assert.deepEqual(await gateway.ended, { code: 0, signal: null });
    await Promise.all(taken.map((server) => new Promise((resolve) => server.close(resolve))));
  });
});
