// npm run bench:failover: for how long nobody answers strong writes of a group when its leader is killed, and when it is told to stop.
//
// Writers that ask the two other nodes, a write each few milliseconds, whatever became of the last: each moment is covered by some.

import { writeFileSync } from "node:fs";
import { Prng } from "../../internal/base/prng.ts";
import { runCommand, type Command, type Given } from "../../scripts/command-line.ts";
import { Arena } from "../e2e/arena.ts";
import { HttpClient } from "../e2e/http-client.ts";
import { now, rest } from "../e2e/moments.ts";
import { loopbackWires } from "../e2e/wires/loopback.ts";
import { machineLimits } from "./machine.ts";
import { renderRows, rowOf, median, type Row, type Target } from "./row.ts";

const everyMilliseconds = 5;
const askMilliseconds = 10_000;
const beforeMilliseconds = 500;
const afterMilliseconds = 1500;
const key = "failover";

const command: Command = {
  call: "npm run bench:failover --",
  what: `Starts three trefoild processes, kills (SIGKILL) the leader of a group again and again, and measures the time to the next answered
strong write of a key of that group at the other nodes; then tells leaders to stop (SIGTERM), and measures the longest time between two
answers, and who was refused. Exit code 0 whatever the figures are, 1 when something could not be measured.`,
  flags: [
    { name: "rounds", value: "N", fallback: "20", what: "of each kind" },
    { name: "quick", what: "three rounds of each kind" },
    { name: "json", value: "FILE", what: "writes the table as {limits, rows}" },
  ],
};

interface Write {
  readonly from: number;
  readonly to: number;
  readonly isAnswered: boolean;
  readonly why: string;
}

class Prober {
  readonly writes: Write[] = [];
  private readonly arena: Arena;
  private readonly http = new HttpClient(askMilliseconds);
  private readonly pending = new Set<Promise<void>>();
  private isStopped = false;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Asks these nodes by turns. */
  async run(nodes: readonly number[]): Promise<void> {
    this.isStopped = false;
    for (let turn = 0; !this.isStopped; turn++) {
      const asked = this.ask(nodes[turn % nodes.length] as number).finally(() => this.pending.delete(asked));
      this.pending.add(asked);
      await rest(everyMilliseconds);
    }
    await Promise.all(this.pending);
  }

  stop(): void {
    this.isStopped = true;
  }

  close(): void {
    this.http.close();
  }

  private async ask(node: number): Promise<void> {
    const { host, ports } = this.arena.placeOf(node);
    const from = now();
    const path = `/${key}?consistency=strong&timeout=5s`;
    const said = await this.http.ask({ host, port: ports.http, method: "PUT", path, body: "x" });
    // Where nobody listens a client goes elsewhere.
    if (said.kind === "not_sent") return;
    const isAnswered = said.kind === "answered" && said.status < 300;
    const why =
      said.kind === "answered"
        ? `${said.status} ${said.body.slice(0, 300)}`
        : `${said.kind} ${said.kind === "broken_off" ? said.why : ""}`;
    this.writes.push({ from, to: now(), isAnswered, why });
  }
}

interface Measured {
  /** To the next answer. */
  readonly next: number;
  /** The longest time between two answers. */
  readonly gap: number;
  /** When that began. */
  readonly gapFrom: number;
  readonly failed: readonly Write[];
}

async function round(arena: Arena, how: "killed" | "stopped"): Promise<Measured> {
  await arena.untilHealed();
  const leader = await arena.leaderOf(key);
  const others = arena.nodes.filter((node) => node !== leader);
  const prober = new Prober(arena);
  // Clients of a node that stops are served to its end; those of one that is killed cannot be.
  const probing = prober.run(how === "killed" ? others : arena.nodes);
  try {
    await rest(beforeMilliseconds);
    const at = now();
    const ended = how === "killed" ? arena.kill(leader) : arena.stop(leader);
    await rest(afterMilliseconds);
    await ended;
    prober.stop();
    await probing;
    return measured(prober.writes, at);
  } finally {
    prober.stop();
    prober.close();
    arena.start(leader);
  }
}

function measured(writes: readonly Write[], at: number): Measured {
  const answers = writes
    .filter(({ isAnswered }) => isAnswered)
    .map(({ to }) => to)
    .toSorted((left, right) => left - right);
  // An answer that was on its way when the leader died is none of the next one's.
  const next = writes.filter(({ isAnswered, from }) => isAnswered && from > at).map(({ to }) => to);
  if (next.length === 0) throw new Error(`no strong write was answered within ${afterMilliseconds} ms`);
  const gaps = answers.map((moment, which) => moment - (answers[which - 1] ?? moment));
  const gap = Math.max(...gaps);
  const gapFrom = (answers[gaps.indexOf(gap) - 1] ?? at) - at;
  return { next: Math.min(...next) - at, gap, gapFrom, failed: writes.filter(({ isAnswered }) => !isAnswered) };
}

async function rounds(arena: Arena, how: "killed" | "stopped", count: number): Promise<readonly Measured[]> {
  const all: Measured[] = [];
  for (let at = 0; at < count; at++) {
    const one = await round(arena, how);
    all.push(one);
    const said =
      how === "killed"
        ? `answered again after ${one.next.toFixed(0)} ms`
        : `longest gap ${one.gap.toFixed(0)} ms, from ${one.gapFrom.toFixed(0)} ms on`;
    console.log(`    leader ${how} ${String(at + 1).padStart(3)}: ${said}, ${one.failed.length} writes failed`);
    for (const { why } of one.failed.slice(0, 3)) console.log(`        ${why}`);
  }
  return all;
}

async function bench(given: Given): Promise<boolean> {
  const count = given.has("quick") ? 3 : given.wholeNumber("rounds", 1);
  const limits = machineLimits();
  const arena = await Arena.open(loopbackWires, new Prng(1), {});
  try {
    for (const node of arena.nodes) arena.start(node);
    const killed = await rounds(arena, "killed", count);
    const stopped = await rounds(arena, "stopped", count);
    const rows = rowsOf(killed, stopped);
    console.log(`\n${limits.machine}; load average at the start: ${limits.loadAverage.toFixed(2)}\n`);
    console.log(renderRows(rows));
    const json = given.text("json");
    if (json !== undefined) writeFileSync(json, JSON.stringify({ limits, rows }, undefined, 2));
    return true;
  } finally {
    await arena.close();
  }
}

function rowsOf(killed: readonly Measured[], stopped: readonly Measured[]): readonly Row[] {
  const figure = (work: string, unit: string, value: number | undefined, target: Target): Row =>
    rowOf({ work, unit, trefoil: value === undefined ? [] : [value], target });
  const below = (atLeast: number, aim?: number): Target => ({
    of: "figure",
    better: "below",
    atLeast,
    ...(aim === undefined ? {} : { aim }),
  });
  const next = killed.map((each) => each.next);
  const gaps = stopped.map(({ gap }) => gap);
  const failed = stopped.reduce((sum, each) => sum + each.failed.length, 0);
  return [
    figure("SIGKILL of a leader to the next strong write: median", "ms", median(next), below(150, 80)),
    figure(`the same: worst of ${killed.length}`, "ms", Math.max(...next), below(550, 300)),
    figure(`SIGTERM of a leader: longest gap of ${stopped.length}`, "ms", Math.max(...gaps), below(100)),
    figure("the same: writes that failed", "writes", failed, below(0)),
  ];
}

await runCommand(command, bench);
