// npm run bench:cluster: three trefoild processes under HTTP load, beside what HTTP alone costs, what three processes could do without an
// engine and without Raft, and three members of etcd; by turns, in one run.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runCommand, type Command, type Given } from "../../../scripts/command-line.ts";
import { ClusterProcesses } from "../../e2e/processes.ts";
import { endsWithThisProcess } from "../../support/children.ts";
import { freePortList } from "../../support/free-ports.ts";
import { machineLimits } from "../machine.ts";
import { renderRows, rowOf, type Row, type Target } from "../row.ts";
import { needProgram } from "../../support/programs.ts";
import { startEtcd } from "./etcd.ts";
import { partsOfProfiles } from "./profile-parts.ts";
import { load } from "./wrk.ts";
import type { LoadResult } from "./wrk.ts";

const connectionCounts = [64, 256] as const;
const keys = 10_000;
const valueBytes = 100;
const warmSeconds = 2;
/** Warming up goes on while a window is this much faster than all before it, or one of the two before it was. */
const windowSeconds = 3;
const stillFaster = 1.03;
const windowsMax = 40;
const readySeconds = 60;

const command: Command = {
  call: "npm run bench:cluster --",
  what: `Loads three trefoild processes (4 groups, fsync always) with wrk: values of ${valueBytes} B under ${keys} keys, ${connectionCounts.join(" and ")} connections
spread over the nodes; and, by turns in the same run, three bare hono processes, a prototype without engine and Raft, and three
members of etcd. wrk and etcd are Debian's, installed when they are not there and that is permitted. Exit code 0 whatever the
figures are, 1 when something could not be measured.`,
  flags: [
    { name: "rounds", value: "N", fallback: "3", what: "rounds; figures are medians" },
    { name: "seconds", value: "N", fallback: "5", what: "of each measurement" },
    { name: "quick", what: "one round of 3 seconds at 64 connections, without etcd" },
    { name: "json", value: "FILE", what: "writes the table as {limits, rows}" },
    { name: "profiles", value: "DIR", what: "and a CPU profile of the nodes under strong writes, split by part" },
  ],
};

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly hasEtcd: boolean;
}

type Side = "trefoil" | "hono" | "prototype" | "etcd";
type Work = "strong writes" | "fast writes" | "fast reads" | "strong reads";

const put = (query: string, path = "/k"): string => `
local body = string.rep("x", ${valueBytes})
local headers = { ["Content-Type"] = "application/octet-stream" }
function init(args) math.randomseed(os.time() + tonumber(args[1])) end
function request() return wrk.format("PUT", "${path}" .. math.random(${keys}) .. "${query}", headers, body) end
`;
const get = (query: string): string => `
function init(args) math.randomseed(os.time() + tonumber(args[1])) end
function request() return wrk.format("GET", "/k" .. math.random(${keys}) .. "${query}") end
`;
/** The gateway of etcd takes JSON with keys and values in base64: four letters are three bytes, which is enough for every key. */
const putEtcd = `
local value = "${Buffer.alloc(valueBytes, "x").toString("base64")}"
local headers = { ["Content-Type"] = "application/json" }
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function letter(at) return alphabet:sub(at % 64 + 1, at % 64 + 1) end
function init(args) math.randomseed(os.time() + tonumber(args[1])) end
function request()
  local at = math.random(${keys})
  local key = "a2V5" .. letter(at) .. letter(math.floor(at / 64)) .. letter(math.floor(at / 4096)) .. "A"
  return wrk.format("POST", "/v3/kv/put", headers, '{"key":"' .. key .. '","value":"' .. value .. '"}')
end
`;

class Figures {
  private readonly all = new Map<string, number[]>();

  add(name: string, value: number): void {
    const list = this.all.get(name) ?? [];
    list.push(value);
    this.all.set(name, list);
  }

  of(name: string): readonly number[] {
    return this.all.get(name) ?? [];
  }
}

const rest = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds));

async function untilAnswers(port: number, path: string): Promise<void> {
  const deadline = performance.now() + readySeconds * 1000;
  for (;;) {
    const isThere = await fetch(`http://127.0.0.1:${port}${path}`, { method: "PUT", body: "x" }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isThere) return;
    if (performance.now() > deadline) throw new Error(`nobody answers on port ${port} after ${readySeconds} s`);
    await rest(100);
  }
}

/** Three processes of a yardstick; nothing else than their handles ends them. */
class Yardstick {
  readonly ports: readonly number[];
  private readonly children: readonly ChildProcess[];

  constructor(ports: readonly number[], words: readonly (readonly string[])[]) {
    this.ports = ports;
    this.children = words.map((each) => spawn(process.execPath, each, { stdio: ["ignore", "inherit", "inherit"] }));
    for (const child of this.children) endsWithThisProcess(child);
  }

  async ready(): Promise<this> {
    for (const port of this.ports) await untilAnswers(port, "/k1");
    return this;
  }

  close(): void {
    for (const child of this.children) child.kill("SIGKILL");
  }
}

const program = (name: string): string => fileURLToPath(new URL(`./${name}.main.js`, import.meta.url));

async function bareHono(): Promise<Yardstick> {
  const ports = await freePortList(3);
  return new Yardstick(
    ports,
    ports.map((port) => [program("bare-hono"), String(port)]),
  ).ready();
}

async function prototype(folder: string): Promise<Yardstick> {
  const ports = await freePortList(6);
  const [http, peer] = [ports.slice(0, 3), ports.slice(3)];
  const words = http.map((_, at) => {
    return [program("prototype"), String(at), http.join(","), peer.join(","), join(folder, `prototype-${at}`)];
  });
  return new Yardstick(http, words).ready();
}

class Bench {
  readonly figures = new Figures();
  private readonly plan: Plan;
  private readonly folder: string;

  constructor(plan: Plan, folder: string) {
    this.plan = plan;
    this.folder = folder;
  }

  async round(): Promise<void> {
    const { hasEtcd } = this.plan;
    const hono = await bareHono();
    try {
      await this.measure("hono", "fast reads", hono.ports, get(""));
    } finally {
      hono.close();
    }
    const bare = await prototype(this.folder);
    try {
      await this.measure("prototype", "strong writes", bare.ports, put(""));
    } finally {
      bare.close();
    }
    await this.trefoil();
    if (!hasEtcd) return;
    const etcd = await startEtcd(join(await mkdtemp(join(this.folder, "etcd-"))), await freePortList(6));
    try {
      await this.measure("etcd", "strong writes", etcd.ports, putEtcd);
    } finally {
      await etcd.close();
    }
  }

  /** A CPU profile of each node under strong writes. */
  async profile(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    const cluster = await ClusterProcesses.make({
      nodes: 3,
      groups: 4,
      nodeFlags: ["--cpu-prof", `--cpu-prof-dir=${folder}`],
    });
    try {
      const ports = await serving(cluster);
      await this.load(ports, put("?consistency=strong"), 256, 2 * this.plan.seconds);
      for (const { id } of cluster.places) await cluster.stop(id);
    } finally {
      await cluster.dispose();
    }
    const parts = partsOfProfiles(folder);
    const busy = [...parts].filter(([part]) => part !== "idle").reduce((sum, [, time]) => sum + time, 0);
    console.log("\nwhere three nodes spend their processor time under strong writes, 256 connections:");
    for (const [part, time] of [...parts].sort((left, right) => right[1] - left[1])) {
      if (part !== "idle" && time > busy / 200) console.log(`| ${part} | ${((100 * time) / busy).toFixed(1)} % |`);
    }
  }

  private async trefoil(): Promise<void> {
    const cluster = await ClusterProcesses.make({ nodes: 3, groups: 4 });
    try {
      const ports = await serving(cluster);
      // Reads first: behind a minute of writes they would share the processors with merges.
      await this.measure("trefoil", "fast reads", ports, get("?consistency=fast"));
      await this.measure("trefoil", "strong reads", ports, get("?consistency=strong"));
      await this.measure("trefoil", "strong writes", ports, put("?consistency=strong"));
      await this.measure("trefoil", "fast writes", ports, put("?consistency=fast"));
    } finally {
      await cluster.dispose();
    }
  }

  private async measure(side: Side, work: Work, ports: readonly number[], script: string): Promise<void> {
    await this.warmUp(side, work, ports, script);
    for (const connections of this.plan.connections) {
      await this.load(ports, script, connections, warmSeconds);
      const { perSecond, refused, p50Milliseconds, p99Milliseconds } = await this.load(
        ports,
        script,
        connections,
        this.plan.seconds,
      );
      this.figures.add(`${side} ${work} ${connections}`, perSecond);
      this.figures.add(`${side} ${work} ${connections} p99`, p99Milliseconds);
      const note = refused === 0 ? "" : `, ${refused} refused`;
      const times = `p50 ${p50Milliseconds.toFixed(1)} ms, p99 ${p99Milliseconds.toFixed(1)} ms${note}`;
      console.log(
        `    ${side.padEnd(10)} ${work.padEnd(14)} ${String(connections).padStart(4)} connections ${Math.round(perSecond)}/s, ${times}`,
      );
    }
  }

  /** Until its code is compiled as well as it ever will be: servers run for longer than that, whichever they are. */
  private async warmUp(side: Side, work: Work, ports: readonly number[], script: string): Promise<void> {
    const connections = Math.max(...this.plan.connections);
    let best = 0;
    let windows = 0;
    for (let sinceBest = 0; sinceBest <= 2 && windows < windowsMax; windows++) {
      const { perSecond } = await this.load(ports, script, connections, windowSeconds);
      sinceBest = perSecond > stillFaster * best ? 0 : sinceBest + 1;
      best = Math.max(best, perSecond);
    }
    console.log(`    ${side.padEnd(10)} ${work.padEnd(14)} warm after ${windows * windowSeconds} s`);
  }

  private load(ports: readonly number[], script: string, connections: number, seconds: number): Promise<LoadResult> {
    return load({ ports, connections, seconds, script, folder: this.folder });
  }
}

/** Its HTTP ports, once every node answers and every key is there. */
async function serving(cluster: ClusterProcesses): Promise<readonly number[]> {
  cluster.startAll();
  const ports = cluster.places.map(({ ports: { http } }) => http);
  for (const port of ports) await untilAnswers(port, "/k1?consistency=strong");
  for (let first = 1; first <= keys; first += 200) {
    const some = Array.from({ length: 200 }, (_, at) => first + at);
    await Promise.all(some.map((at) => putKey(ports[at % ports.length] as number, at)));
  }
  return ports;
}

/** A machine that stands still for a second leaves some without an answer: made again, a put does the same. */
async function putKey(port: number, at: number): Promise<void> {
  const deadline = performance.now() + readySeconds * 1000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/k${at}`, { method: "PUT", body: "x".repeat(valueBytes) });
    const said = await answer.text();
    if (answer.ok) return;
    if (answer.status < 500 || performance.now() > deadline) throw new Error(`key ${at} could not be put: ${said}`);
    await rest(100);
  }
}

function rowsOf({ figures, plan }: { readonly figures: Figures; readonly plan: Plan }): Row[] {
  const rows: Row[] = [];
  const compare = (work: string, left: string, right: string, target: Target): void => {
    for (const connections of plan.connections) {
      const [trefoil, peer] = [figures.of(`${left} ${connections}`), figures.of(`${right} ${connections}`)];
      rows.push(rowOf({ work: `${work}, ${connections} connections`, unit: "1/s", trefoil, peer, target }));
    }
  };
  const above = (atLeast: number, aim: number): Target => ({ of: "ratio", better: "above", atLeast, aim });
  compare("strong writes against the prototype", "trefoil strong writes", "prototype strong writes", above(0.5, 0.75));
  if (plan.hasEtcd) compare("strong writes against etcd", "trefoil strong writes", "etcd strong writes", above(3, 5));
  compare("fast writes against strong ones", "trefoil fast writes", "trefoil strong writes", above(1.3, 1.6));
  compare("fast reads against bare hono", "trefoil fast reads", "hono fast reads", above(0.8, 1.2));
  compare("strong reads against fast ones", "trefoil strong reads", "trefoil fast reads", above(0.5, 0.8));
  for (const connections of plan.connections) {
    const name = `strong writes ${connections} p99`;
    const [trefoil, peer] = [figures.of(`trefoil ${name}`), figures.of(`etcd ${name}`)];
    const target: Target = { of: "ratio", better: "below", atLeast: 1 };
    const work = `strong writes: p99, peer etcd, ${connections} connections`;
    rows.push(rowOf({ work, unit: "ms", trefoil, peer, ...(plan.hasEtcd ? { target } : {}) }));
  }
  return rows;
}

async function bench(given: Given): Promise<boolean> {
  const isQuick = given.has("quick");
  const plan: Plan = isQuick
    ? { rounds: 1, seconds: 3, connections: [64], hasEtcd: false }
    : {
        rounds: given.wholeNumber("rounds", 1),
        seconds: given.wholeNumber("seconds", 1),
        connections: connectionCounts,
        hasEtcd: true,
      };
  needProgram("wrk", "wrk");
  if (plan.hasEtcd) needProgram("etcd", "etcd-server");
  const limits = machineLimits();
  const folder = await mkdtemp(join(tmpdir(), "trefoil-bench-cluster-"));
  try {
    const run = new Bench(plan, folder);
    for (let round = 1; round <= plan.rounds; round++) {
      console.log(`round ${round} of ${plan.rounds}`);
      await run.round();
    }
    const rows = rowsOf({ figures: run.figures, plan });
    console.log(`\n${limits.machine}; load average at the start: ${limits.loadAverage.toFixed(2)}\n`);
    console.log(renderRows(rows));
    const json = given.text("json");
    if (json !== undefined) writeFileSync(json, JSON.stringify({ limits, rows }, undefined, 2));
    const profiles = given.text("profiles");
    if (profiles !== undefined) await run.profile(profiles);
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await runCommand(command, bench);
