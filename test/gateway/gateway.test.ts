// `trefoil gateway` as a process in front of three nodes: it serves every key over both protocols, follows its cluster, and ends in order.

import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { eventually, NodeProcesses } from "../daemon/node-processes.ts";
import { KvClient } from "../kv/client.ts";
import type { Asking } from "../kv/client.ts";
import { freePorts } from "../support/free-ports.ts";
import { RunningProcess } from "../support/running-process.ts";

const patient = (): Asking => ({ options: { deadline: Date.now() + 60_000 } });

describe("a gateway", () => {
  let cluster: NodeProcesses;
  let first: number;
  const nodes: RunningProcess[] = [];
  let gateway: RunningProcess;
  before(async () => {
    cluster = await NodeProcesses.make();
    first = await freePorts(6);
  });
  after(async () => {
    await gateway.kill();
    await cluster.remove();
  });

  const seeds = (): string => [1, 2].map((number) => `127.0.0.1:${cluster.port("peer", number)}`).join(",");
  const start = (at: number, ...flags: readonly string[]): RunningProcess =>
    new RunningProcess(process.execPath, [
      "dist/cmd/trefoil/main.js",
      "gateway",
      `--seeds=${seeds()}`,
      `--http=127.0.0.1:${at}`,
      `--grpc=127.0.0.1:${at + 1}`,
      `--admin=127.0.0.1:${at + 2}`,
      ...flags,
    ]);
  const url = (path: string, at = first): string => `http://127.0.0.1:${at}${path}`;
  const ready = (at: number): Promise<void> =>
    eventually(async () => {
      const answer = await fetch(url("/readyz?verbose", at + 2));
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(text);
    });

  it("says that it waits while there is no cluster", async () => {
    gateway = start(first);
    const early = await eventually(() => fetch(url("/hello?timeout=200ms")));
    const problem = (await early.json()) as { readonly code: string; readonly detail: string };
    assert.deepEqual([early.status, problem.code], [503, "starting"]);
    assert.match(
      problem.detail,
      /^none of the seeds has told of a cluster yet: 127\.0\.0\.1:\d+ \(.+\), 127\.0\.0\.1:\d+ \(.+\)$/,
    );
    const client = new KvClient(first + 1);
    assert.deepEqual(await client.call("grpc.health.v1.Health/Check", {}), { status: "NOT_SERVING" });
    client.close();
  });

  it("is ready when the cluster is, and takes any request over either protocol", async () => {
    nodes.push(...[1, 2, 3].map((number) => cluster.start(number)));
    await cluster.whenReady(1, 2, 3);
    await ready(first);
    const client = new KvClient(first + 1);
    for (let at = 0; at < 12; at++) {
      // A busy machine may take its time.
      const put = await fetch(url(`/key${at}?timeout=60s&consistency=${at % 2 === 0 ? "strong" : "fast"}`), {
        method: "PUT",
        body: `value ${at}`,
        headers: { "Idempotency-Key": `put-${at}` },
      });
      assert.equal(put.status, 200, await put.text());
      // Its own reads see what it was told of.
      const got = await client.call("Get", { key: Buffer.from(`key${at}`) }, patient());
      assert.equal(String(got["value"]), `value ${at}`);
      assert.match((got["served"] as { readonly node: string }).node, /^n[123]$/);
    }
    const page = (await (await fetch(url("/-/keys?consistency=strong&timeout=60s"))).json()) as {
      readonly keys: unknown[];
    };
    assert.equal(page.keys.length, 12);
    const view = (await (await fetch(url("/-/cluster"))).json()) as {
      readonly answeredBy: string;
      readonly nodes: readonly { readonly state: string }[];
      readonly groups: readonly { readonly leader: string | null }[];
    };
    assert.equal(view.answeredBy, "gateway");
    assert.deepEqual(
      view.nodes.map(({ state }) => state),
      ["connected", "connected", "connected"],
    );
    assert.ok(view.groups.every(({ leader }) => leader !== null));
    const explained = await fetch(url("/-/explain/key1"));
    assert.equal(explained.status, 200);
    await explained.text();
    const metrics = await (await fetch(url("/metrics", first + 2))).text();
    assert.match(
      metrics,
      /trefoil_request_duration_seconds_count\{op="get",mode="fast",protocol="grpc",outcome="ok"\} 12/,
    );
    client.close();
  });

  it("stands beside others of its name", async () => {
    const other = start(first + 3);
    await ready(first + 3);
    for (let at = 0; at < 12; at++) {
      for (const where of [first, first + 3]) {
        const read = await fetch(url(`/key${at}?consistency=strong&timeout=60s`, where));
        assert.equal(await read.text(), `value ${at}`);
      }
    }
    other.signal("SIGTERM");
    assert.deepEqual(await other.ended, { code: 0, signal: null });
  });

  it("goes on when a node dies, and comes back to it", async () => {
    await nodes[2]?.kill();
    for (let at = 0; at < 12; at++) {
      const written = await eventually(async () => {
        const put = await fetch(url(`/after${at}?consistency=strong`), { method: "PUT", body: "x" });
        if (put.status !== 200) throw new Error(await put.text());
        return put;
      });
      await written.text();
    }
    nodes[2] = cluster.start(3);
    await cluster.whenReady(3);
    await eventually(async () => {
      const view = (await (await fetch(url("/-/cluster"))).json()) as { readonly troubles: readonly string[] };
      assert.deepEqual(view.troubles, []);
    });
  });

  it("ends in order when it is told to", async () => {
    const client = new KvClient(first + 1);
    const news: unknown[] = [];
    const watch = client.stream("grpc.health.v1.Health/Watch", {});
    const ended = new Promise((resolve) => {
      watch.on("end", resolve);
    });
    watch.on("data", ({ status: told }: { readonly status: string }) => {
      news.push(told);
      if (news.length === 1) gateway.signal("SIGTERM");
    });
    await ended;
    assert.deepEqual(news, ["SERVING", "NOT_SERVING"]);
    assert.deepEqual(await gateway.ended, { code: 0, signal: null });
    assert.equal((await client.refused("Get", { key: Buffer.from("key1") })).code, status.UNAVAILABLE);
    client.close();
  });

  it("refuses to be called as a node is", async () => {
    const namesake = start(first, "--id=n1");
    assert.deepEqual(await namesake.ended, { code: 1, signal: null });
    assert.match(namesake.errors, /a node of the cluster is called n1 as this gateway is; choose another --id/);
  });

  it("ends when another cluster is in the place of its own", async () => {
    gateway = start(first);
    await ready(first);
    await Promise.all(nodes.map((node) => node.kill()));
    await eventually(async () => {
      const { code, detail } = (await (await fetch(url("/readyz", first + 2))).json()) as Record<string, string>;
      assert.equal(code, "no_leader");
      assert.equal(detail, "this gateway reaches no node of its cluster; nodes: none is connected");
    });
    for (const method of ["GET", "PUT"]) {
      const body = method === "PUT" ? "x" : null;
      const told = await fetch(url("/key1?timeout=300ms"), { method, body });
      const { code, detail } = (await told.json()) as Record<string, string>;
      assert.deepEqual([told.status, code], [503, "no_leader"]);
      assert.equal(detail, "this gateway reaches no node of its cluster; try again when one is back");
    }
    // Before they found the new one, they are of none: the gateway finds its way to them all the same.
    for (const number of [1, 2, 3]) cluster.start(number, `--data=${join(cluster.folder, `new${number}`)}`);
    assert.deepEqual(await gateway.ended, { code: 1, signal: null });
    assert.match(gateway.errors, /belong to another cluster than \w+, which this gateway has followed; start it again/);
  });

  it("tells all that is wrong with its settings", async () => {
    const wrong = new RunningProcess(process.execPath, [
      "dist/cmd/trefoil/main.js",
      "gateway",
      "--http=0.0.0.0:8080",
      "--data=x",
    ]);
    assert.deepEqual(await wrong.ended, { code: 2, signal: null });
    for (const flag of ["--seeds", "--insecure", "--data"]) assert.match(wrong.errors, new RegExp(flag));
  });
});
