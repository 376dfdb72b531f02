// npm run bench:raft: what consensus costs without disk and network: bare cores, replicas on disks in memory, idle groups.

import { writeFileSync } from "node:fs";
import os from "node:os";
import { getHeapStatistics } from "node:v8";
import { runCommand, type Command } from "../../scripts/command-line.ts";
import { FigureTable, type RowSpec } from "./figures.ts";
import { BareCores } from "./raft-cores.ts";
import { BenchReplicas } from "./raft-replicas.ts";
import { median, renderRows } from "./row.ts";

interface Plan {
  readonly rounds: number;
  readonly coreProposals: number;
  readonly writes: number;
  readonly idleSeconds: number;
}

const fullPlan: Plan = { rounds: 3, coreProposals: 500_000, writes: 100_000, idleSeconds: 30 };
const quickPlan: Plan = { rounds: 1, coreProposals: 200_000, writes: 30_000, idleSeconds: 10 };
const valueBytes = 100;
const perTurn = 64;
const lanes = 256;
const idleGroups = 64;
const ticksPerSecond = 100;

const command: Command = {
  call: "npm run bench:raft --",
  what:
    `Measures three cores that call each other (${perTurn} proposals of ${valueBytes} B a turn), three replicas with log and engine on disks in\n` +
    `memory (strong writes of ${valueBytes} B, 1 and ${lanes} at once), what either allocates, and ${idleGroups} groups that do nothing.\n` +
    "All three sides run on one core here. Exit code 0 whatever the figures are.",
  flags: [
    { name: "quick", what: "one round, under a minute" },
    { name: "json", value: "FILE", what: "writes the table as {settings, limits, rows}" },
  ],
};

const perSecond = "1/s";
const rows: readonly RowSpec[] = [
  { name: "cores", work: `proposals through three bare cores, ${perTurn} a turn`, unit: perSecond },
  { name: "cores single", work: "proposals through three bare cores, one a turn", unit: perSecond },
  { name: "cores bytes", work: `heap for a proposal, three bare cores, ${perTurn} a turn`, unit: "B" },
  { name: "cores messages", work: `messages for a proposal, ${perTurn} a turn`, unit: "messages" },
  { name: "replicas", work: `strong writes through three replicas, ${lanes} at once`, unit: perSecond },
  { name: "replicas single", work: "strong writes through three replicas, one at once", unit: perSecond },
  { name: "replicas bytes", work: `heap for a write, three replicas, ${lanes} at once`, unit: "B" },
  {
    name: "idle",
    work: `${idleGroups} idle groups, of one core for each node`,
    unit: "%",
    target: { of: "figure", better: "below", atLeast: 3, aim: 1 },
  },
  { name: "idle messages", work: `messages of ${idleGroups} idle groups, all nodes`, unit: perSecond },
];

function benchCores(plan: Plan, figures: FigureTable): void {
  const cores = new BareCores(valueBytes);
  proposeAll(cores, plan.coreProposals / 10, perTurn);
  figures.add("cores", "trefoil", plan.coreProposals / secondsOf(() => proposeAll(cores, plan.coreProposals, perTurn)));
  const single = plan.coreProposals / 5;
  figures.add("cores single", "trefoil", single / secondsOf(() => proposeAll(cores, single, 1)));
  const before = cores.messages;
  figures.add("cores bytes", "trefoil", heapOfBursts(() => cores.propose(perTurn)) / perTurn);
  figures.add("cores messages", "trefoil", (cores.messages - before) / (bursts * perTurn));
  for (let ticks = 0; ticks < ticksPerSecond && !cores.isEven; ticks++) cores.tick();
  if (!cores.isEven) throw new Error("the followers of the benchmark have not applied what their leader has");
}

function proposeAll(cores: BareCores, count: number, atOnce: number): void {
  for (let done = 0; done < count; done += atOnce) cores.propose(atOnce);
}

async function benchReplicas(plan: Plan, figures: FigureTable): Promise<void> {
  const cluster = await BenchReplicas.open(1);
  await cluster.write(plan.writes / 5, lanes, valueBytes);
  const started = performance.now();
  await cluster.write(plan.writes, lanes, valueBytes);
  figures.add("replicas", "trefoil", (plan.writes / (performance.now() - started)) * 1000);
  const single = plan.writes / 10;
  const begun = performance.now();
  await cluster.write(single, 1, valueBytes);
  figures.add("replicas single", "trefoil", (single / (performance.now() - begun)) * 1000);
  const heap: number[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const before = heapBytes();
    await cluster.write(lanes, lanes, valueBytes);
    heap.push(heapBytes() - before);
  }
  figures.add("replicas bytes", "trefoil", (median(heap) ?? Number.NaN) / lanes);
  await cluster.close();
}

/** The time of the processor, not of the clock: what others do on the machine does not count. */
async function benchIdle(plan: Plan, figures: FigureTable): Promise<void> {
  const cluster = await BenchReplicas.open(idleGroups);
  for (let ticks = 0; ticks < 3 * ticksPerSecond; ticks++) await cluster.tick();
  const messages = cluster.messages;
  const before = process.cpuUsage();
  for (let ticks = 0; ticks < plan.idleSeconds * ticksPerSecond; ticks++) await cluster.tick();
  const { user, system } = process.cpuUsage(before);
  const nodes = 3;
  figures.add("idle", "trefoil", ((user + system) / 1e6 / plan.idleSeconds / nodes) * 100);
  figures.add("idle messages", "trefoil", (cluster.messages - messages) / plan.idleSeconds);
  await cluster.close();
}

const bursts = 401;

/** Of many equal bursts of work the median of what the heap grew by: the few that met a collection do not matter. */
function heapOfBursts(work: () => void): number {
  const grown: number[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const before = heapBytes();
    work();
    grown.push(heapBytes() - before);
  }
  return median(grown) ?? Number.NaN;
}

const heapBytes = (): number => {
  const { used_heap_size: onHeap, external_memory: outside } = getHeapStatistics();
  return onHeap + outside;
};

function secondsOf(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

await runCommand(command, async (given) => {
  const plan = given.has("quick") ? quickPlan : fullPlan;
  const figures = new FigureTable();
  const cores = os.cpus();
  const settings = [
    `${os.type()} ${os.release()}, ${cores.length} x ${cores[0]?.model ?? "?"}, Node ${process.versions.node}; ` +
      `load average at the start: ${os.loadavg()[0]?.toFixed(2)}`,
  ];
  for (let round = 1; round <= plan.rounds; round++) {
    console.log(`round ${round} of ${plan.rounds}`);
    benchCores(plan, figures);
    await benchReplicas(plan, figures);
    await benchIdle(plan, figures);
  }
  const table = rows.map((row) => figures.row(row));
  console.log(`\n${settings.join("\n")}\n\n${renderRows(table)}`);
  const json = given.text("json");
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ settings, limits: {}, rows: table }, null, 2)}\n`);
  }
  return true;
});
