// What a test has started ends with the test's own process. The children here hold a connection to this test, which ends with them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { RunningProcess } from "./running-process.ts";

const module = new URL("./running-process.js", import.meta.url).href;

/** A process that starts another one, which connects to a port; as the leader of a group it starts a third one that does. */
function starter(port: number, isGroup: boolean): RunningProcess {
  const connected = `require("node:net").connect(${port}, "127.0.0.1").on("error", () => undefined)`;
  const grouped = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(connected)}]);${connected}`;
  const program =
    `import { RunningProcess } from ${JSON.stringify(module)};` +
    `new RunningProcess(process.execPath, ["-e", ${JSON.stringify(isGroup ? grouped : connected)}], { isGroup: ${isGroup} });` +
    `process.on("${byItself}", () => process.exit(7));`;
  return new RunningProcess(process.execPath, ["--input-type=module", "-e", program]);
}

const byItself = "SIGUSR2";

describe("a process that a test has started", () => {
  const cases = [
    ["the test is ended by SIGTERM, which is told as that", "SIGTERM", false],
    ["the test is ended by SIGINT", "SIGINT", false],
    ["the test is ended by SIGHUP", "SIGHUP", false],
    ["the test is ended, with all of its group", "SIGTERM", true],
    ["the test ends by itself", byItself, false],
  ] as const;
  for (const [when, signal, isGroup] of cases) {
    it(`ends when ${when}`, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const sockets: Socket[] = [];
      const all = new Promise<void>((resolve) => {
        server.on("connection", (socket) => {
          sockets.push(socket.on("error", () => undefined).resume());
          if (sockets.length === (isGroup ? 2 : 1)) resolve();
        });
      });
      const test = starter((server.address() as AddressInfo).port, isGroup);
      await all;
      const closed = Promise.all(sockets.map((socket) => once(socket, "close")));
      test.signal(signal);
      assert.deepEqual(await test.ended, signal === byItself ? { code: 7, signal: null } : { code: null, signal });
      await closed;
      server.close();
    });
  }

  it("changes nothing about signals when it is over", async () => {
    const before = process.listenerCount("SIGTERM");
    const child = new RunningProcess(process.execPath, ["-e", ""]);
    assert.equal(process.listenerCount("SIGTERM"), before + 1);
    await child.ended;
    assert.equal(process.listenerCount("SIGTERM"), before);
  });
});
