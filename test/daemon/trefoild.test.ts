// The node as a process: what it says of wrong settings and taken ports, what it answers before there is a cluster, what it measures,
// and how it ends.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { sealJson, unsealJson } from "../../internal/cluster/sealed-json.ts";
import { KvClient } from "../kv/client.ts";
import { parseExposition } from "../support/exposition.ts";
import type { ParsedSample } from "../support/exposition.ts";
import { freePorts } from "../support/free-ports.ts";
import type { RunningProcess } from "../support/running-process.ts";
import { trefoild } from "../support/trefoild.ts";
import { answerAsAnnounced } from "./announced.ts";
import { refuseBadInput } from "./bad-input.ts";
import { eventually, NodeProcesses } from "./node-processes.ts";

/** A module that has a process say when it first listens for signals. */
const tellsOfListening = `data:text/javascript,${encodeURIComponent(`
  const { on } = process;
  process.on = function (name, listener) {
    const self = on.call(this, name, listener);
    // To all of them: they are named in one go.
    if (name === "SIGTERM") queueMicrotask(() => console.error("listens for signals"));
    return self;
  };
`)}`;

describe("trefoild, before it is a node", () => {
  it("ends with 0 when it is told to stop while it is being loaded, and has made no folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-early-"));
    const data = join(folder, "data");
    const flags = ["--id=n1", `--data=${data}`, "--join=127.0.0.1:1", "--http=127.0.0.1:0", "--admin=127.0.0.1:0"];
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const node = trefoild(flags, {}, { more: ["--import", tellsOfListening] });
      await node.says(/listens for signals/);
      node.signal(signal);
      assert.deepEqual(await node.ended, { code: 0, signal: null }, node.errors);
    }
    assert.ok(!existsSync(data), "the data folder was made");
    await rm(folder, { recursive: true });
  });

  it("tells everything that is wrong with its settings at once, and opens nothing", async () => {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-settings-"));
    const data = join(folder, "data");
    const node = trefoild([`--data=${data}`, "--http=0.0.0.0:8080", "--election-timeout=100ms", "--zome=a"]);
    assert.deepEqual(await node.ended, { code: 2, signal: null });
    for (const flag of ["--id", "--peers", "--http", "--election-timeout", "--zome"]) {
      assert.match(node.errors, new RegExp(`${flag}\\b`));
    }
    assert.match(node.errors, /--insecure/);
    assert.ok(!existsSync(data), "the data folder was made");
    await rm(folder, { recursive: true });
  });

  it("tells its version, its settings, and where each comes from", async () => {
    const help = trefoild(["--help"]);
    const version = trefoild(["--version"]);
    const config = trefoild(["config", "print", "--origin", "--id=n1", "--data=./x", "--join=h:1"]);
    for (const each of [help, version, config]) assert.equal((await each.ended).code, 0, each.errors);
    assert.match(help.output, /--election-timeout DURATION/);
    assert.match(version.output, /^\d+\.\d+\.\d+\n$/);
    assert.match(config.output, /^id +n1 +flag --id$/m);
    assert.match(config.output, /^zone +default +default$/m);
  });

  it("names the flag of a port that is taken, and leaves the data folder alone when it is one of its edges", async () => {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-taken-"));
    const first = await freePorts(4);
    for (const [at, flag] of ["http", "admin", "grpc", "peer"].entries()) {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(first + at, "127.0.0.1", resolve));
      const data = join(folder, flag);
      const node = trefoild([
        "--id=n1",
        `--data=${data}`,
        "--join=127.0.0.1:1",
        `--http=127.0.0.1:${first}`,
        `--admin=127.0.0.1:${first + 1}`,
        `--grpc=127.0.0.1:${first + 2}`,
        `--peer=127.0.0.1:${first + 3}`,
      ]);
      assert.deepEqual(await node.ended, { code: 1, signal: null });
      assert.match(node.output, new RegExp(`--${flag} 127.0.0.1:${first + at}: another process listens there`));
      assert.equal(existsSync(data), flag === "peer");
      await new Promise((resolve) => taken.close(resolve));
    }
    await rm(folder, { recursive: true });
  });
});

describe("three processes", () => {
  let cluster: NodeProcesses;
  const nodes: RunningProcess[] = [];

  before(async () => {
    cluster = await NodeProcesses.make();
  });
  after(() => cluster.remove());

  it("say for whom they wait while the cluster has not begun, and that it may be asked again", async () => {
    nodes.push(cluster.start(1));
    // It listens before it has opened its folder, and says that as long as it has not.
    const { early, problem } = await eventually(async () => {
      const answer = await fetch(cluster.url("http", 1, "/hello?timeout=2s"), { method: "PUT", body: "world" });
      const said = (await answer.json()) as { code: string; detail: string; outcome: string };
      assert.match(said.detail, /^the cluster is founded when n1, n2, n3 are there; waiting for n2 \(.*\), n3 \(.*\)$/);
      return { early: answer, problem: said };
    });
    assert.equal(early.status, 503);
    assert.equal(early.headers.get("retry-after"), "1");
    assert.equal(problem.code, "starting");
    assert.equal(problem.outcome, "not_applied");
    assert.equal((await fetch(cluster.url("admin", 1, "/livez"))).status, 200);
    assert.equal((await fetch(cluster.url("admin", 1, "/readyz"))).status, 503);
    // Whoever waits long enough is served as soon as the others have come.
    const patient = fetch(cluster.url("http", 1, "/hello?timeout=60s&consistency=strong"), {
      method: "PUT",
      body: "world",
      // Where connections between nodes are lost because the machine stood still, it is tried again.
      headers: { "idempotency-key": "hello" },
    });
    nodes.push(cluster.start(2), cluster.start(3));
    const answer = await patient;
    assert.equal(answer.status, 200, await answer.text());
    await cluster.whenReady(1, 2, 3);
  });

  it("answer as their OpenAPI document says", () => answerAsAnnounced(cluster));

  it("measure what they do", async () => {
    const read = await fetch(cluster.url("http", 2, "/hello?consistency=strong&timeout=60s"));
    assert.equal(await read.text(), "world");
    const page = await (await fetch(cluster.url("admin", 2, "/metrics"))).text();
    const metrics = samplesOf(page);
    const valueOf = (name: string, labels: Readonly<Record<string, string>>): number => {
      const found = metrics.find(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      assert.ok(found !== undefined, `${name} ${JSON.stringify(labels)} is not on the page`);
      return found.value;
    };
    const asked = { op: "get", mode: "strong", protocol: "http", outcome: "ok" };
    assert.equal(valueOf("trefoil_request_duration_seconds_count", asked), 1);
    for (const quantile of ["0.5", "0.95", "0.99"]) {
      assert.ok(valueOf("trefoil_request_latency_seconds", { op: "get", mode: "strong", quantile }) > 0);
    }
    for (const group of ["0", "1", "2", "3", "4"]) {
      assert.ok(valueOf("trefoil_raft_term", { group }) >= 1);
      assert.ok(valueOf("trefoil_raft_applied_index", { group }) >= 1);
      assert.ok(valueOf("trefoil_raft_first_index", { group }) >= 1);
      assert.equal(valueOf("trefoil_snapshot_made_total", { group }), 0);
      assert.equal(valueOf("trefoil_snapshot_installed_total", { group }), 0);
    }
    assert.ok(valueOf("trefoil_log_bytes", {}) > 0);
    assert.ok(valueOf("trefoil_log_fsync_seconds_count", {}) > 0);
    assert.ok(valueOf("trefoil_memtable_bytes", {}) > 0);
    for (const outcome of ["salvaged", "superseded", "lost"]) {
      assert.equal(valueOf("trefoil_salvage_total", { outcome }), 0);
    }
    assert.equal(valueOf("trefoil_build_info", {}), 1);
    assert.equal(valueOf("trefoil_metrics_failures_total", {}), 0);
    assert.ok(metrics.some(({ name }) => name === "trefoil_event_loop_lag_seconds"));
    await eventually(async () => {
      const pages = await Promise.all(
        [1, 2, 3].map(async (number) => (await fetch(cluster.url("admin", number, "/metrics"))).text()),
      );
      const lags = pages.flatMap(samplesOf).filter(({ name }) => name === "trefoil_replication_lag_entries");
      // Each of five groups has a leader on one node, which knows of two followers: unless it changes just now.
      assert.equal(lags.length, 10);
    });
  });

  it("refuse what nobody should send, store nothing of it, and lose nothing", () => refuseBadInput(cluster));

  it("say how far their clocks are from the others'", async () => {
    await eventually(async () => {
      const metrics = samplesOf(await (await fetch(cluster.url("admin", 2, "/metrics"))).text());
      const asked = metrics.filter(({ name }) => name === "trefoil_clock_ahead_seconds");
      assert.deepEqual(new Set(asked.map(({ labels }) => labels["node"])), new Set(["n1", "n3"]));
      const health = await (await fetch(cluster.url("admin", 2, "/readyz?verbose"))).text();
      assert.match(health, /^ok   clock: within --max-clock-skew of n[13], n[13]$/m);
    });
  });

  it("serve what was written over gRPC at one of them at any, over either protocol", async () => {
    const clients = [1, 2, 3].map((number) => new KvClient(cluster.port("grpc", number)));
    const [first, second, third] = clients as [KvClient, KvClient, KvClient];
    const at = (number: number): Buffer => Buffer.from(`grpc/${number}`);
    for (let number = 0; number < 10; number++) {
      const put = { key: at(number), value: Buffer.from(`value ${number}`), consistency: "CONSISTENCY_STRONG" };
      const { acks, replicas } = await first.call("Put", put);
      assert.ok((acks as number) >= 2 && replicas === 3);
    }
    for (const client of clients) {
      const got = await client.call("Get", { key: at(7), consistency: "CONSISTENCY_STRONG" });
      assert.equal(String(got["value"]), "value 7");
      assert.deepEqual(await client.call("grpc.health.v1.Health/Check", {}), { status: "SERVING" });
    }
    const read = await fetch(cluster.url("http", 2, "/grpc/3?consistency=strong"));
    assert.equal(await read.text(), "value 3");
    await second.call("Delete", { key: at(3) });
    const scan = { prefix: Buffer.from("grpc/"), consistency: "CONSISTENCY_STRONG", limit: 4 };
    const keys: string[] = [];
    for await (const page of third.stream("Scan", scan)) {
      const { records } = page as { readonly records?: readonly { readonly key: Buffer }[] };
      keys.push(...(records ?? []).map(({ key }) => String(key)));
    }
    assert.deepEqual(keys, ["grpc/0", "grpc/1", "grpc/2", "grpc/4"]);
    const metrics = samplesOf(await (await fetch(cluster.url("admin", 1, "/metrics"))).text());
    const puts = metrics.find(
      ({ name, labels }) =>
        name === "trefoil_request_duration_seconds_count" && labels["op"] === "put" && labels["protocol"] === "grpc",
    );
    assert.equal(puts?.value, 10);
    for (const client of clients) client.close();
  });

  it("share the leading of groups", async () => {
    await eventually(async () => {
      const leaders = await cluster.leaders(1);
      for (const id of ["n1", "n2", "n3"]) assert.ok(leaders.includes(id), `${id} leads none of ${leaders.join(", ")}`);
    });
  });

  it("take in a fourth that knows one of them, which takes any request, and is known to all", async () => {
    const fourth = cluster.start(4);
    await cluster.whenReady(4);
    const read = await fetch(cluster.url("http", 4, "/hello?consistency=strong"));
    assert.equal(await read.text(), "world");
    const address = `127.0.0.1:${cluster.port("http", 4)}`;
    await eventually(async () => {
      const view = (await (await fetch(cluster.url("admin", 3, "/-/cluster"))).json()) as {
        nodes: readonly { node: string; addresses: { http: string } }[];
      };
      const known = view.nodes.find(({ node }) => node === "n4");
      assert.equal(known?.addresses.http, address);
    });
    fourth.signal("SIGTERM");
    assert.deepEqual(await fourth.ended, { code: 0, signal: null });
  });

  it("hand their leaderships over before they leave, so that no write fails or waits for an election, and end with 0", async () => {
    const leaving = (await cluster.leaders(1)).find((leader) => leader !== null);
    assert.ok(typeof leaving === "string", "nobody leads anything");
    const number = Number(leaving.slice(1));
    const through = (number % 3) + 1;
    const failed: string[] = [];
    const end = new AbortController();
    let written = 0;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let at = 0; !end.signal.aborted; at++) {
        const key = `w${writer}-${at % 50}`;
        const answer = await fetch(cluster.url("http", through, `/${key}?consistency=strong&timeout=60s`), {
          method: "PUT",
          body: `value ${at}`,
        });
        const text = await answer.text();
        if (answer.status === 200) written++;
        else failed.push(text);
      }
    });
    await eventually(() => Promise.resolve(assert.ok(written > 50)));
    nodes[number - 1]?.signal("SIGTERM");
    assert.deepEqual(await nodes[number - 1]?.ended, { code: 0, signal: null });
    const after = written;
    await eventually(() => Promise.resolve(assert.ok(written > after + 50)));
    end.abort();
    await Promise.all(writers);
    assert.deepEqual(failed, []);
    await eventually(async () => assert.ok(!(await cluster.leaders(through)).includes(leaving)));
    nodes[number - 1] = cluster.start(number, "--groups=9");
    await nodes[number - 1]?.says(/--groups 9 counts when a cluster is founded, and this one has 4; leave it out/);
    await cluster.whenReady(number);
    const read = await fetch(cluster.url("http", number, "/w0-0"));
    assert.equal(read.status, 200);
    await read.text();
  });

  it("refuse a data folder that belongs to another node", async () => {
    nodes[2]?.signal("SIGINT");
    assert.deepEqual(await nodes[2]?.ended, { code: 0, signal: null });
    const stranger = cluster.start(
      2,
      "--id=n3",
      `--peer=127.0.0.1:${cluster.port("peer", 3)}`,
      "--http=127.0.0.1:0",
      "--admin=127.0.0.1:0",
      "--grpc=127.0.0.1:0",
      `--data=${join(cluster.folder, "n2")}`,
    );
    assert.deepEqual(await stranger.ended, { code: 1, signal: null });
    assert.match(stranger.output, /in use by another process/);
    // Whose folder it is goes on.
    await cluster.whenReady(2);
    const anywhere = ["peer", "http", "admin", "grpc"].map((flag) => `--${flag}=127.0.0.1:0`);
    const other = cluster.start(3, "--id=n2", ...anywhere);
    assert.deepEqual(await other.ended, { code: 1, signal: null });
    assert.match(other.output, /belongs to node n3, and this is n2; start it with --id n3/);
  });

  it("refuse a data folder that belongs to another cluster", async () => {
    const foreign = join(cluster.folder, "foreign");
    await mkdir(foreign);
    for (const name of ["trefoil-node", "map"]) {
      const text = utf8Text(unsealJson(await readFile(join(cluster.folder, "n3", name)), name));
      const told = text.replace(/"cluster":"[0-9a-f]{16}"/g, `"cluster":"0123456789abcdef"`);
      // As of a node that has stored nothing yet: it has no log.
      await writeFile(join(foreign, name), sealJson(utf8(told.replace(/"seats":\[[^\]]*\]/, `"seats":[]`))));
    }
    const stranger = cluster.start(3, `--data=${foreign}`);
    assert.deepEqual(await stranger.ended, { code: 1, signal: null });
    assert.match(
      stranger.output,
      // Those that it has met by then are named.
      /(n[124], )+n[124] belong to another cluster than the data folder of this node, which is of cluster 0123456789abcdef; give it/,
    );
    const write = await fetch(cluster.url("http", 1, "/still?consistency=strong&timeout=60s"), {
      method: "PUT",
      body: "there",
    });
    assert.equal(write.status, 200);
    await write.text();
  });

  it("end at once when they are told twice", async () => {
    nodes[0]?.signal("SIGKILL");
    await nodes[0]?.ended;
    // It alone is left, and its request waits for a majority.
    const waiting = fetch(cluster.url("http", 2, "/hello?consistency=strong&timeout=60s")).catch(() => undefined);
    nodes[1]?.signal("SIGTERM");
    await nodes[1]?.says(/stopping/);
    const ended = nodes[1]?.ended;
    // What comes at once is taken for the same wish.
    const again = setInterval(() => nodes[1]?.signal("SIGTERM"), 100);
    assert.deepEqual(await ended, { code: 1, signal: null });
    clearInterval(again);
    await waiting;
  });
});

const samplesOf = (page: string): readonly ParsedSample[] =>
  [...parseExposition(page).values()].flatMap(({ samples }) => samples);
