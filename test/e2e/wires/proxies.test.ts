import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { Proxies } from "./proxies.ts";

/** Node 0 has dialled node 1, both of them this process, and each has sent the other a word. */
async function connected(): Promise<{
  readonly proxies: Proxies;
  readonly dialler: Socket;
  readonly listener: Socket;
  close(): Promise<void>;
}> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxies = await Proxies.open(2);
  proxies.started(0, process.pid);
  const port = proxies.peerPortOf(1, (server.address() as AddressInfo).port);
  const dialler = net.connect({ port, host: proxies.hostOf() });
  const [listener] = (await once(server, "connection")) as [Socket];
  dialler.write("hello");
  assert.equal(await word(listener), "hello");
  listener.write("welcome");
  assert.equal(await word(dialler), "welcome");
  const close = async (): Promise<void> => {
    dialler.destroy();
    listener.destroy();
    await proxies.close();
    server.close();
    await once(server, "close");
  };
  return { proxies, dialler, listener, close };
}

async function word(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

describe("proxies between nodes", () => {
  it("hold back what one sends the other, one way, until they are healed", async () => {
    const { proxies, dialler, listener, close } = await connected();
    const arrived: string[] = [];
    listener.on("data", (bytes: Buffer) => arrived.push(bytes.toString()));
    await proxies.cut(0, 1);
    dialler.write("held ");
    for (const said of ["one", "two", "three"]) {
      listener.write(said);
      assert.equal(await word(dialler), said, "the other way is open");
    }
    assert.deepEqual(arrived, []);
    dialler.write("back");
    await proxies.heal();
    while (arrived.join("") !== "held back") await once(listener, "data");
    await close();
  });

  it("do not let the end of a connection through a cut either, and do afterwards", async () => {
    const { proxies, dialler, listener, close } = await connected();
    let hasEnded = false;
    listener.on("end", () => (hasEnded = true)).resume();
    await proxies.cut(0, 1);
    dialler.end("last");
    listener.write("still here");
    assert.equal(await word(dialler), "still here");
    assert.equal(hasEnded, false);
    const end = once(listener, "end");
    await proxies.heal();
    await end;
    await close();
  });

  it("close what comes from nobody that they know", async () => {
    const proxies = await Proxies.open(1);
    const stranger = net.connect({ port: proxies.peerPortOf(0, 1), host: proxies.hostOf() });
    await once(stranger, "close");
    await proxies.close();
  });
});
