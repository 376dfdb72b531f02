// One run of the simulator, from its seed: clients work while faults come, then everything heals and has to come to rest, then
// what happened is judged.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { decodeFate } from "../../internal/replica/fates.ts";
import { fateKey } from "../../internal/replica/group-state.ts";
import { checkCounter, checkFastReads, checkRegister } from "./checkers.ts";
import { Client } from "./clients.ts";
import type { ClientCounts, FastPromise } from "./clients.ts";
import { Faults } from "./faults.ts";
import { History } from "./history.ts";
import { Invariants, stateOf } from "./invariants.ts";
import { SimCluster } from "./sim-cluster.ts";
import type { SimNodeOptions } from "./sim-node.ts";

export interface RunResult extends ClientCounts {
  readonly seed: number;
  readonly virtualMilliseconds: number;
  readonly faults: number;
  readonly faultsByKind: ReadonlyMap<string, number>;
  readonly leaderChanges: number;
  readonly fates: ReadonlyMap<string, number>;
  /** Of everything that was seen: one seed has one. */
  readonly trace: number;
}

const faultMilliseconds = 90_000;
const healMilliseconds = 60_000;

export async function simRun(seed: number): Promise<RunResult> {
  const random = new Prng(seed).split("run");
  const cluster = new SimCluster(seed, tinyLimits(random.split("limits")));
  const invariants = new Invariants(cluster);
  const history = new History();
  const counts: ClientCounts = { completed: 0, succeeded: 0, refused: 0, unknown: 0 };
  const promises: FastPromise[] = [];
  const client = (id: number): Client =>
    new Client({ id, cluster, history, random: random.split(`client ${id}`), counts, promises });
  const clients = [1, 2, 3, 4, 5].map(client);
  const faults = new Faults(cluster, random.split("faults"));
  const run = async (until: number, isDone?: () => boolean): Promise<void> => {
    await cluster.time.runTo(until, () => {
      invariants.check();
      return isDone?.() ?? false;
    });
  };
  await cluster.start();
  const work = clients.map((each) => each.work(random.between(50, 400)));
  faults.begin(random.between(300, 2500));
  await run(faultMilliseconds);
  faults.heal();
  for (const each of clients) each.isStopped = true;
  let rested = false;
  const rest = Promise.all(work).then(async () => {
    const last = client(99);
    for (const key of history.keys) await last.readLast(key);
    rested = true;
  });
  rest.catch(() => undefined);
  await run(faultMilliseconds + healMilliseconds, () => rested && isLevel(cluster));
  assert(rested, "work that never ends after all was healed", { seed });
  await rest;
  assert(isLevel(cluster), "replicas that do not come level after all was healed", { seed, state: levels(cluster) });
  // What is looked at now is looked at outside of time.
  for (const node of cluster.nodes.values()) node.diskMilliseconds = 0;
  await compareStates(cluster);
  const fates = await fatesOf(cluster, promises);
  judge(history);
  const trace = traceOf(history, cluster);
  const { now } = cluster.time;
  return {
    ...counts,
    seed,
    virtualMilliseconds: now,
    faults: faults.total,
    faultsByKind: faults.counts,
    leaderChanges: invariants.leaderChanges,
    fates,
    trace,
  };
}

/** Small, so that a run meets full segments, flushes, merges, snapshots and full windows. */
function tinyLimits(random: Prng): SimNodeOptions {
  return {
    log: {
      segmentBytes: random.pick([16_384, 65_536]),
      batchBytesMax: 4096,
      cacheBytesMax: random.pick([16_384, 262_144]),
      flushWantedBytes: random.pick([20_000, 200_000]),
      logBytesMax: random.pick([100_000, 1_000_000]),
    },
    engine: { memtableBytes: 131_072, blockCacheBytes: 65_536, tableBytes: 16_384, levelBaseBytes: 65_536 },
    replica: {
      entriesKept: random.pick([10, 1000]),
      chunkBytes: random.pick([200, 4096]),
      snapshotTableBytes: random.pick([1000, 65_536]),
      awayMilliseconds: random.pick([500, 5000]),
      snapshotIdleMilliseconds: 5000,
      chunkRetryMilliseconds: 300,
      raft: {
        window: { messagesMax: random.pick([2, 64]), bytesMax: 65_536 },
        appendBytesMax: random.pick([300, 65_536]),
      },
    },
  };
}

function isLevel(cluster: SimCluster): boolean {
  const last = cluster.leader?.replica?.status.last;
  return [...cluster.nodes.values()].every(({ replica }) => {
    return replica !== undefined && replica.appliedIndex === last && !replica.hasSalvage;
  });
}

function levels(cluster: SimCluster): string {
  return Array.from(cluster.nodes.values(), ({ id, replica }) => {
    if (replica === undefined) return `${id} down`;
    const { role, term: present, last, commit } = replica.status;
    return `${id} ${role} term ${present} last ${last} commit ${commit} applied ${replica.appliedIndex} salvage ${replica.hasSalvage}`;
  }).join("; ");
}

async function compareStates(cluster: SimCluster): Promise<void> {
  const states: { readonly id: number; readonly lines: readonly string[] }[] = [];
  for (const node of cluster.nodes.values()) states.push({ id: node.id, lines: await stateOf(node) });
  const [first] = states;
  for (const { id, lines } of states) {
    const at = lines.findIndex((line, which) => line !== first?.lines[which]);
    if (at < 0 && lines.length === first?.lines.length) continue;
    throw new Error(`replicas differ: ${first?.id} has "${first?.lines[at]}", ${id} has "${lines[at]}"`);
  }
}

/** Every fast write that was answered was committed, or its fate is known. */
async function fatesOf(cluster: SimCluster, promises: readonly FastPromise[]): Promise<Map<string, number>> {
  const node = cluster.leader;
  assert(node?.replica !== undefined && node.engine !== undefined, "no leader in the end");
  const { replica, engine } = node;
  const fates = new Map<string, number>();
  for (const { version, key } of promises) {
    const [of, index] = [term(version.term), logIndex(version.index)];
    let fate: string | undefined = replica.state.holds(of, index) === true ? "committed" : undefined;
    if (fate === undefined) {
      const record = await engine.get(replica.incarnation, fateKey(of, index));
      fate = record === undefined ? undefined : decodeFate(record.payload).fate;
    }
    if (fate === undefined) throw new Error(`the fast write ${of}.${index} of ${key} was answered and has no fate`);
    fates.set(fate, (fates.get(fate) ?? 0) + 1);
  }
  return fates;
}

function judge(history: History): void {
  for (const key of history.keys) {
    const entries = history.of(key);
    const late = key.startsWith("c") ? undefined : checkFastReads(entries);
    if (late !== undefined) throw new Error(late);
    if (key.startsWith("c")) {
      const wrong = checkCounter(entries);
      if (wrong !== undefined) throw new Error(`${key}: ${wrong}`);
    }
    if (!key.startsWith("s")) continue;
    const verdict = checkRegister(entries);
    if (verdict.kind !== "linearizable") throw new Error(`${key} is ${verdict.kind} after ${verdict.steps} steps`);
  }
}

function traceOf(history: History, cluster: SimCluster): number {
  let trace = cluster.time.events;
  for (const { calledAt, returnedAt } of history.entries) {
    trace = (Math.imul(trace, 31) + Math.floor(calledAt * 100)) | 0;
    if (Number.isFinite(returnedAt)) trace = (Math.imul(trace, 31) + Math.floor(returnedAt * 100)) | 0;
  }
  return trace >>> 0;
}
