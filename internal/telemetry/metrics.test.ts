// The page of metrics: read by a strict parser of the exposition format, with the names that users rely on.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EngineStats } from "../engine/engine-stats.ts";
import type { RequestObserver } from "../node/observer.ts";
import { LogCounters } from "../log/log-stats.ts";
import { labelsText, parseExposition } from "../../test/support/exposition.ts";
import type { ParsedFamily } from "../../test/support/exposition.ts";
import { gauge, openMetrics, single } from "./families.ts";
import type { Family } from "./families.ts";
import { nodeFamilies } from "./node-metrics.ts";
import type { NodeSources } from "./node-metrics.ts";
import { monitorLoop, processFamilies } from "./process-metrics.ts";
import { RequestMetrics } from "./request-metrics.ts";

const engine: EngineStats = {
  levels: [
    { tables: 2, bytes: 100, entries: 5, score: 0.5 },
    { tables: 3, bytes: 1000, entries: 50, score: 1.5 },
  ],
  tables: 5,
  tableBytes: 1100,
  entries: 55,
  memtableBytes: 4096,
  memtablesSealed: 1,
  lastSequence: 9,
  snapshots: 0,
  iterators: 0,
  tablesObsolete: 0,
  openTables: 5,
  tableCacheBytes: 1,
  flush: { flushes: 3, bytesWritten: 300 },
  compaction: {
    merges: 1,
    moves: 2,
    tablesDropped: 0,
    bytesRead: 10,
    bytesWritten: 20,
    versionsHidden: 0,
    tombstonesCollected: 0,
    expiredCollected: 0,
    deadCollected: 0,
  },
  manifest: {} as EngineStats["manifest"],
  blockCache: { hits: 7, misses: 8, evictions: 0 },
  reads: {
    blocksRead: 0,
    bytesRead: 0,
    readsNow: 0,
    readsPooled: 0,
    filterChecks: 30,
    filterAvoided: 20,
    filterFalsePositives: 1,
  },
  tableCache: { opened: 0, closed: 0 },
  trouble: undefined,
};

const counters = new LogCounters();
counters.commits = 4;
counters.syncDuration.add(0.07);
counters.syncDuration.add(5000);

const sources: Required<NodeSources> = {
  groups: () => [
    { group: 0, term: 3, isLeader: true, firstIndex: 9, commitIndex: 12, appliedIndex: 11 },
    { group: 1, term: 4, isLeader: false, firstIndex: 1, commitIndex: 22, appliedIndex: 22 },
  ],
  lags: () => [
    { group: 0, replica: 2, entries: 5, seconds: 0.25 },
    { group: 0, replica: 3, entries: 9, seconds: undefined },
  ],
  elections: () => 6,
  clocks: () => [{ node: "n2", aheadMilliseconds: -250 }],
  unfitness: () => "busy",
  log: () => ({
    counters,
    groups: 2,
    segments: 1,
    bytesOnDisk: 64,
    cacheBytes: 32,
    indexBytes: 16,
    salvageBytes: 0,
    bytesOverBound: 0,
    bytesSinceFlush: 8,
    bytesWaiting: 0,
  }),
  engine: () => engine,
  salvage: () => ({ salvaged: 1, superseded: 2, lost: 3 }),
  snapshots: () => [
    { group: 0, sending: 1, receiving: 0, sentBytes: 10, receivedBytes: 0, made: 3, installed: 2 },
    { group: 1, sending: 0, receiving: 1, sentBytes: 0, receivedBytes: 7, made: 0, installed: 4 },
  ],
  migration: () => ({ slotsMoving: 0, slotsMoved: 4, entries: 5 }),
};

const failing = (family: string, failure: unknown): void => {
  throw new Error(`the source of ${family} failed`, { cause: failure });
};

async function pageOf(families: readonly Family[]): Promise<ReadonlyMap<string, ParsedFamily>> {
  const { contentType, text } = await openMetrics(families, failing)();
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  return parseExposition(text);
}

function valueOf(page: ReadonlyMap<string, ParsedFamily>, name: string, labels: Record<string, string> = {}): number {
  const family = page.get(name);
  assert.ok(family !== undefined, `${name} is not on the page`);
  const wanted = labelsText(labels);
  const found = family.samples.filter((sample) => sample.name === name && labelsText(sample.labels) === wanted);
  assert.equal(found.length, 1, `${name} ${wanted}`);
  return found[0]?.value as number;
}

describe("metrics of a node", () => {
  test("are told under the names that users rely on", async () => {
    const page = await pageOf(nodeFamilies(sources));
    assert.equal(valueOf(page, "trefoil_raft_term", { group: "1" }), 4);
    assert.equal(valueOf(page, "trefoil_raft_leader", { group: "0" }), 1);
    assert.equal(valueOf(page, "trefoil_raft_leader", { group: "1" }), 0);
    assert.equal(valueOf(page, "trefoil_raft_first_index", { group: "0" }), 9);
    assert.equal(valueOf(page, "trefoil_raft_commit_index", { group: "0" }), 12);
    assert.equal(valueOf(page, "trefoil_raft_applied_index", { group: "0" }), 11);
    assert.equal(valueOf(page, "trefoil_replication_lag_entries", { group: "0", replica: "3" }), 9);
    assert.equal(valueOf(page, "trefoil_replication_lag_seconds", { group: "0", replica: "2" }), 0.25);
    assert.equal(page.get("trefoil_replication_lag_seconds")?.samples.length, 1, "nobody guesses a lag");
    assert.equal(valueOf(page, "trefoil_elections_total"), 6);
    assert.equal(valueOf(page, "trefoil_clock_ahead_seconds", { node: "n2" }), -0.25);
    assert.equal(valueOf(page, "trefoil_log_bytes"), 64);
    assert.equal(valueOf(page, "trefoil_memtable_bytes"), 4096);
    assert.equal(valueOf(page, "trefoil_sstable_count", { level: "1" }), 3);
    assert.equal(valueOf(page, "trefoil_sstable_bytes", { level: "0" }), 100);
    assert.equal(valueOf(page, "trefoil_compaction_written_bytes_total"), 20);
    assert.equal(valueOf(page, "trefoil_cache_hits_total"), 7);
    assert.equal(valueOf(page, "trefoil_cache_misses_total"), 8);
    assert.equal(valueOf(page, "trefoil_bloom_avoided_total"), 20);
    assert.equal(valueOf(page, "trefoil_snapshot_receiving", { group: "1" }), 1);
    assert.equal(valueOf(page, "trefoil_snapshot_received_bytes_total", { group: "1" }), 7);
    assert.equal(valueOf(page, "trefoil_snapshot_made_total", { group: "0" }), 3);
    assert.equal(valueOf(page, "trefoil_snapshot_installed_total", { group: "0" }), 2);
    assert.equal(valueOf(page, "trefoil_salvage_total", { outcome: "superseded" }), 2);
    assert.equal(valueOf(page, "trefoil_migration_slots_moved_total"), 4);
  });

  test("a node that cannot write says why, and every reason that there may be is there before it is", async () => {
    const told = async (unfitness: NodeSources["unfitness"]) => {
      const page = await pageOf(nodeFamilies(unfitness === undefined ? {} : { unfitness }));
      const samples = page.get("trefoil_unfit")?.samples ?? [];
      return samples.map(({ labels, value }) => `${labels["reason"]} ${value}`);
    };
    assert.deepEqual(await told(() => undefined), ["storage_full 0", "busy 0", "corruption 0"]);
    assert.deepEqual(await told(() => "storage_full"), ["storage_full 1", "busy 0", "corruption 0"]);
    assert.deepEqual(await told(() => "internal"), ["storage_full 0", "busy 0", "corruption 0", "internal 1"]);
    assert.deepEqual(await told(undefined), [], "a gateway writes nothing");
  });

  test("the time of syncs is a histogram in seconds", async () => {
    const family = (await pageOf(nodeFamilies(sources))).get("trefoil_log_fsync_seconds");
    const bucket = (le: string) => family?.samples.find(({ labels }) => labels["le"] === le)?.value;
    assert.deepEqual([bucket("0.00005"), bucket("0.0001"), bucket("1.6384"), bucket("+Inf")], [0, 1, 1, 2]);
    assert.equal(family?.samples.find(({ name }) => name.endsWith("_sum"))?.value, 5.00007);
  });

  test("are read when somebody looks, and not kept", async () => {
    let elections = 1;
    const read = openMetrics(nodeFamilies({ elections: () => elections }), failing);
    await read();
    elections = 2;
    assert.equal(valueOf(parseExposition((await read()).text), "trefoil_elections_total"), 2);
  });

  test("a gateway has none of what it has not", async () => {
    assert.deepEqual([...(await pageOf(nodeFamilies({}))).keys()], ["trefoil_metrics_failures_total"]);
  });

  test("a source that fails leaves the others, and is counted on the same page", async () => {
    const failed: string[] = [];
    const broken = () => {
      throw new Error("gone");
    };
    const families = [gauge("trefoil_one", "One.", broken), gauge("trefoil_two", "Two.", () => single(2))];
    const page = parseExposition((await openMetrics(families, (family) => failed.push(family))()).text);
    assert.equal(page.get("trefoil_one")?.samples.length, 0);
    assert.equal(valueOf(page, "trefoil_two"), 2);
    assert.equal(valueOf(page, "trefoil_metrics_failures_total"), 1);
    assert.deepEqual(failed, ["trefoil_one"]);
  });

  test("two families of one name are a mistake that shows at the start", () => {
    const one = gauge("trefoil_one", "One.", () => []);
    assert.throws(() => openMetrics([one, { ...one }], failing), /already been registered/);
  });
});

describe("metrics of requests", () => {
  const rig = () => {
    const time = { milliseconds: 0 };
    const metrics = new RequestMetrics(() => time.milliseconds);
    return { time, metrics, page: () => pageOf(metrics.families(() => ({ http: 3, resp: 0 }))) };
  };

  test("durations by operation, mode, protocol and outcome, of what there was", async () => {
    const { metrics, page } = rig();
    const http: RequestObserver = metrics.observerOf("http");
    http.answered("get", "fast", "ok", 0.3);
    http.answered("get", "fast", "ok", 70_000);
    http.answered("put", undefined, "refused", 1);
    metrics.observerOf("resp").answered("incr", "strong", "unknown", 1);
    const family = (await page()).get("trefoil_request_duration_seconds");
    const counts = family?.samples
      .filter(({ name }) => name.endsWith("_count"))
      .map(({ labels, value }) => [labels, value]);
    assert.deepEqual(counts, [
      [{ op: "get", mode: "fast", protocol: "http", outcome: "ok" }, 2],
      [{ op: "put", mode: "none", protocol: "http", outcome: "refused" }, 1],
      [{ op: "incr", mode: "strong", protocol: "resp", outcome: "unknown" }, 1],
    ]);
    const ofGet =
      family?.samples.filter(({ name, labels }) => name.endsWith("_bucket") && labels["op"] === "get") ?? [];
    assert.deepEqual(
      ["0.00025", "0.0005", "60", "+Inf"].map((le) => ofGet.find(({ labels }) => labels["le"] === le)?.value),
      [0, 1, 1, 2],
    );
  });

  test("every series comes back under its own labels", async () => {
    const { metrics, page } = rig();
    const seen = new Set<string>();
    for (const op of ["get", "put", "delete", "incr", "batch", "scan", "watch"] as const) {
      for (const mode of ["fast", "strong", "session", "bounded"] as const) {
        for (const protocol of ["http", "grpc", "resp"] as const) {
          for (const outcome of ["ok", "not_found", "refused", "failed", "unknown"] as const) {
            metrics.observerOf(protocol).answered(op, mode, outcome, 1);
            seen.add(JSON.stringify({ op, mode, protocol, outcome }));
          }
        }
      }
    }
    for (const { name, labels, value } of (await page()).get("trefoil_request_duration_seconds")?.samples ?? []) {
      if (!name.endsWith("_count")) continue;
      assert.equal(value, 1);
      assert.ok(seen.delete(JSON.stringify(labels)), JSON.stringify(labels));
    }
    assert.equal(seen.size, 0);
  });

  test("quantiles of the last minute, of what was answered, and then no more", async () => {
    const { time, metrics, page } = rig();
    const http = metrics.observerOf("http");
    for (let at = 1; at <= 100; at++) http.answered("get", "strong", at % 2 === 0 ? "ok" : "not_found", at);
    http.answered("get", "strong", "failed", 5000);
    const told = await page();
    const quantile = (which: string) =>
      valueOf(told, "trefoil_request_latency_seconds", { op: "get", mode: "strong", quantile: which });
    assert.ok(Math.abs(quantile("0.5") - 0.05) < 0.005, `${quantile("0.5")}`);
    assert.ok(Math.abs(quantile("0.95") - 0.095) < 0.008, `${quantile("0.95")}`);
    assert.ok(Math.abs(quantile("0.99") - 0.099) < 0.008, `${quantile("0.99")}`);
    time.milliseconds += 70_000;
    assert.equal((await page()).get("trefoil_request_latency_seconds")?.samples.length, 0);
  });

  test("in flight, by protocol", async () =>
    assert.equal(valueOf(await rig().page(), "trefoil_requests_in_flight", { protocol: "http" }), 3));
});

describe("metrics of the process", () => {
  test("say what runs, and how late its loop is", async () => {
    const lag = { p50: 0.001, p95: 0.002, p99: 0.003, max: 0.004 };
    const page = await pageOf(processFamilies({ version: '1.0"\\\n', format: 1 }, () => lag));
    assert.equal(valueOf(page, "trefoil_event_loop_lag_seconds", { quantile: "0.99" }), 0.003);
    assert.equal(valueOf(page, "trefoil_event_loop_lag_seconds", { quantile: "1" }), 0.004);
    const build = { version: '1.0"\\\n', format: "1", node: process.version };
    assert.equal(valueOf(page, "trefoil_build_info", build), 1);
    assert.ok(valueOf(page, "trefoil_process_resident_memory_bytes") > 1_000_000);
    assert.ok(valueOf(page, "trefoil_process_cpu_seconds_total") > 0);
  });

  test("a loop that was blocked was late by as much, once", async () => {
    const monitor = monitorLoop();
    try {
      const turn = () => new Promise<void>((resolve) => void setTimeout(resolve, 0));
      const blockedSeconds = 0.08;
      // It measures from one tick of its own to the next: the first block brings the first tick.
      for (let block = 0; block < 4; block++) {
        const until = performance.now() + blockedSeconds * 1000;
        while (performance.now() < until);
        await turn();
      }
      const lag = monitor.take();
      assert.ok(lag.max >= blockedSeconds / 2, `${lag.max}`);
      assert.ok(lag.p50 <= lag.p95 && lag.p95 <= lag.p99 && lag.p99 <= lag.max + 0.001, JSON.stringify(lag));
      assert.deepEqual(monitor.take(), { p50: 0, p95: 0, p99: 0, max: 0 });
    } finally {
      monitor.close();
    }
  });
});
