// Three nodes of a new cluster in one process, over real sockets and disks: it founds itself, and any node serves any key.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openNode } from "../../cmd/trefoild/open-node.ts";
import type { OpenedNode } from "../../cmd/trefoild/open-node.ts";
import { nodeId } from "../../internal/base/ids.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { freePortList } from "../support/free-ports.ts";

class Trio {
  readonly nodes = new Map<string, OpenedNode>();
  readonly failures: Error[] = [];
  private readonly folder: string;
  private readonly ports: readonly number[];

  private constructor(folder: string, ports: readonly number[]) {
    this.folder = folder;
    this.ports = ports;
  }

  static async make(): Promise<Trio> {
    return new Trio(await mkdtemp(join(tmpdir(), "trefoil-trio-")), await freePortList(3));
  }

  async start(id: string): Promise<OpenedNode> {
    const peers = new Map(["n1", "n2", "n3"].map((name, at) => [nodeId(name), `127.0.0.1:${this.ports[at]}`]));
    const peer = peers.get(nodeId(id)) ?? "";
    const opened = await openNode(
      {
        id: nodeId(id),
        folder: join(this.folder, id),
        peers,
        groups: 4,
        zone: "",
        addresses: { peer, http: `127.0.0.1:${id}`, resp: "", grpc: "", admin: "" },
        defaults: { read: "fast", write: "strong" },
        log: {},
        engine: {},
        replica: {},
      },
      { peer, http: { host: "127.0.0.1", port: 0 } },
      {
        logger: silentLogger,
        seed: Math.floor(Math.random() * 2 ** 32),
        onFailure: (failure) => void this.failures.push(failure),
      },
    );
    this.nodes.set(id, opened);
    return opened;
  }

  async stop(id: string): Promise<void> {
    await this.nodes.get(id)?.close();
    this.nodes.delete(id);
  }

  url(id: string, path: string): string {
    const port = this.nodes.get(id)?.http.port ?? 0;
    return `http://127.0.0.1:${port}${path}`;
  }

  /** As a client does that is told to come again. */
  async ask(id: string, path: string, init?: RequestInit): Promise<Response> {
    for (;;) {
      const answer = await fetch(this.url(id, path), init);
      if (answer.status !== 503 && answer.status !== 429) return answer;
      await answer.body?.cancel();
    }
  }

  async end(): Promise<void> {
    for (const id of Array.from(this.nodes.keys())) await this.stop(id);
    await rm(this.folder, { recursive: true, force: true });
  }
}

describe("three nodes", () => {
  it("found a cluster, serve any key at any node, and are there again after they were stopped", async () => {
    const trio = await Trio.make();
    try {
      await Promise.all(["n1", "n2", "n3"].map((id) => trio.start(id)));
      await Promise.all([...trio.nodes.values()].map(({ node }) => node.whenReady()));
      for (let at = 0; at < 30; at++) {
        const id = `n${1 + (at % 3)}`;
        const put = await trio.ask(id, `/key${at}?consistency=${at % 2 === 0 ? "strong" : "fast"}`, {
          method: "PUT",
          body: `value ${at}`,
          headers: { "content-type": "text/plain" },
        });
        assert.equal(put.status, 200, await put.text());
      }
      const read = async (path: string): Promise<void> => {
        for (let at = 0; at < 30; at++) {
          for (const id of trio.nodes.keys()) {
            const got = await trio.ask(id, `/key${at}${path}`);
            assert.equal(`${got.status} ${await got.text()}`, `200 value ${at}`);
          }
        }
      };
      await read("?consistency=strong");
      const page = (await (await fetch(trio.url("n2", "/-/keys?limit=100&consistency=strong"))).json()) as {
        keys: { contentType: string }[];
      };
      assert.deepEqual(new Set(page.keys.map(({ contentType }) => contentType)), new Set(["text/plain"]));
      assert.equal(page.keys.length, 30);
      for (const id of Array.from(trio.nodes.keys())) await trio.stop(id);
      await Promise.all(["n1", "n2", "n3"].map((id) => trio.start(id)));
      await read("?consistency=strong");
      assert.deepEqual(trio.failures, []);
    } finally {
      await trio.end();
    }
  });
});
