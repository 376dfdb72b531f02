// npm run bench:engine: the engine and the small store against LevelDB, in one run, by turns.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { runCommand, WrongUse, type Command, type Given } from "../../scripts/command-line.ts";
import { calibrate } from "./calibrate.ts";
import { dataRound, type Contestant } from "./data-round.ts";
import { fullPlan, groups, quickPlan, type EnginePlan, type Group } from "./engine-plan.ts";
import { engineRows } from "./engine-rows.ts";
import { FigureTable } from "./figures.ts";
import { memtablePlan, memtableQuickPlan, memtableRows } from "./memtable.ts";
import { measureLimits, medianLimits, type Limits } from "./limits.ts";
import { figure, renderRows, type Row } from "./row.ts";
import { SideProcess, sideFlags, type DataCall } from "./side.ts";
import { recoveryRound, upkeepRound } from "./upkeep-round.ts";
import { writersRound } from "./writers-round.ts";

interface Wanted {
  readonly plan: EnginePlan;
  readonly only: ReadonlySet<Group>;
  readonly json: string | undefined;
  readonly folder: string;
  readonly profiles: string | undefined;
}

const peerModule = "peer-side.main.js";
const trefoilModule = "trefoil-side.main.js";

const command: Command = {
  call: "npm run bench:engine --",
  what:
    "Measures the engine and the small store against LevelDB, in one run, by turns, and holds the figures against their targets.\n" +
    "Exit code 0 whatever the figures are: they depend on the machine and on what else it does.",
  flags: [
    { name: "quick", what: "less data and one round, under a minute" },
    { name: "rounds", value: "N", what: "how often everything is measured (default: 3, quick: 1)" },
    { name: "keys", value: "N", what: "how many keys (default: 1000000, quick: 150000)" },
    { name: "only", value: "A,B", fallback: groups.join(","), what: "some of them" },
    { name: "json", value: "FILE", what: "writes the table as {settings, limits, rows}" },
    { name: "folder", value: "DIR", fallback: os.tmpdir(), what: "where the data goes while it runs" },
    { name: "profiles", value: "DIR", what: "writes a CPU profile of Trefoil's side for each work of the first round" },
  ],
};

function wantedOf(given: Given): Wanted {
  const only = (given.text("only") ?? "").split(",");
  const unknown = only.filter((name) => !(groups as readonly string[]).includes(name));
  if (unknown.length > 0) throw new WrongUse(`--only ${unknown.join(",")}: choose from ${groups.join(", ")}`);
  const keys = given.has("keys") ? given.wholeNumber("keys", 1) : undefined;
  const rounds = given.has("rounds") ? given.wholeNumber("rounds", 1) : undefined;
  return {
    plan: given.has("quick") ? quickPlan(keys, rounds) : fullPlan(keys, rounds),
    only: new Set(only as Group[]),
    json: given.text("json"),
    folder: given.text("folder") ?? os.tmpdir(),
    profiles: given.text("profiles"),
  };
}

async function bench(wanted: Wanted): Promise<void> {
  const folder = mkdtempSync(path.join(wanted.folder, "trefoil-bench-"));
  try {
    if (wanted.profiles !== undefined) mkdirSync(wanted.profiles, { recursive: true });
    await measure(wanted, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(wanted: Wanted, folder: string): Promise<void> {
  const figures = new FigureTable();
  const limits: Limits[] = [];
  const started = performance.now();
  const settings = await runRounds(wanted, folder, figures, limits);
  const rows: Row[] = engineRows.filter((spec) => figures.has(spec.name)).map((spec) => figures.row(spec));
  if (wanted.only.has("memtable")) {
    console.log("memtable against Map plus sort");
    rows.push(...(await memtableRows(wanted.plan.quick ? memtableQuickPlan : memtablePlan)));
  }
  const machine = limits.length === 0 ? undefined : medianLimits(limits);
  console.log(`\n${settings.join("\n")}\n`);
  if (machine !== undefined) console.log(`${renderLimits(machine)}\n`);
  console.log(renderRows(rows));
  const judged = rows.filter((row) => row.met !== undefined);
  const missed = judged.filter((row) => row.met === false);
  console.log(`\n${judged.length - missed.length} of ${judged.length} targets met, ${seconds(started)} s`);
  for (const row of missed) console.log(`  missed: ${row.work}: ${row.target}`);
  if (wanted.json === undefined) return;
  writeFileSync(wanted.json, `${JSON.stringify({ settings, limits: machine ?? {}, rows }, null, 2)}\n`);
}

async function runRounds(wanted: Wanted, folder: string, figures: FigureTable, limits: Limits[]): Promise<string[]> {
  const { plan, only } = wanted;
  const wantsRounds = only.has("data") || only.has("writers");
  const settings = [machineLine()];
  const ways = wantsRounds ? await calibrated(wanted, path.join(folder, "calibration"), settings) : undefined;
  for (let round = 0; round < plan.rounds; round++) {
    console.log(`round ${round + 1} of ${plan.rounds}`);
    const own = path.join(folder, `round-${round}`);
    mkdirSync(own);
    if (only.has("limits")) limits.push(measureLimits(own, plan.limitSeconds, plan.sequentialBytes));
    if (ways !== undefined) {
      await withSides({ keys: plan.keys, lean: false }, async (contestants) => {
        const context = { plan, ways, figures, contestants, folder: own, round, profiles: wanted.profiles };
        if (only.has("data")) await dataRound(context);
        if (only.has("writers")) await withCrowdedPeer(plan.keys, (crowded) => writersRound(context, crowded));
      });
    }
    if (only.has("upkeep")) {
      await withSides({ keys: plan.keys, lean: true }, (sides) => upkeepRound(plan, figures, sides, own));
    }
    if (only.has("recovery")) {
      const data = { keys: plan.recoveryRecords, lean: true };
      await withSides(data, (sides) => recoveryRound(plan, figures, sides, own));
    }
    rmSync(own, { recursive: true });
  }
  settings.push(`load average at the end: ${loadAverage()}`);
  return settings;
}

async function calibrated(wanted: Wanted, folder: string, settings: string[]) {
  console.log("finding each side's fastest way");
  mkdirSync(folder);
  const { plan } = wanted;
  return withSides({ keys: plan.keys, lean: false }, async (contestants, described) => {
    const [peer, trefoil] = contestants as [Contestant, Contestant];
    const ways = await calibrate(plan, folder, { peer: peer.process, trefoil: trefoil.process });
    rmSync(folder, { recursive: true });
    settings.push(...described, describePlan(plan));
    settings.push(
      `fastest ways found: peer fills with ${ways.peerFill.style} batches, ${ways.peerFill.lanes} in flight, reads with keys as ` +
        `${ways.readKeysAs} by getSync, scans with keys as ${ways.scanKeysAs}, nextv(${ways.scanChunk}); ` +
        `Trefoil fills with ${ways.trefoilFill.lanes} batches in flight`,
    );
    return ways;
  });
}

async function withSides<Result>(
  data: DataCall,
  run: (contestants: readonly Contestant[], settings: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const peer = new SideProcess("peer", peerModule);
  const trefoil = new SideProcess("trefoil", trefoilModule);
  try {
    const settings = [await peer.call("prepare", data), await trefoil.call("prepare", data)];
    const contestants: Contestant[] = [
      { name: "peer", process: peer },
      { name: "trefoil", process: trefoil },
    ];
    return await run(
      contestants,
      settings.map((side) => side.settings),
    );
  } finally {
    await Promise.all([peer.end(), trefoil.end()]);
  }
}

async function withCrowdedPeer(keys: number, run: (crowded: SideProcess) => Promise<void>): Promise<void> {
  const crowded = new SideProcess("peer, 64 threads", peerModule, { UV_THREADPOOL_SIZE: "64" });
  try {
    await crowded.call("prepare", { keys, lean: false });
    await run(crowded);
  } finally {
    await crowded.end();
  }
}

function describePlan(plan: EnginePlan): string {
  const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  return (
    `both: ${plan.keys} random keys of 20 B, random values of 100 B, memtable (write buffer) ${mebibytes(plan.memtableBytes)}, ` +
    `block cache ${mebibytes(plan.largeCacheBytes)}, or ${mebibytes(plan.smallCacheBytes)} where the data is ten times the cache; ` +
    `no compression; fills are timed to the last acknowledgement, settling apart; node ${sideFlags.join(" ")}`
  );
}

function machineLine(): string {
  const cores = os.cpus();
  return (
    `${os.type()} ${os.release()}, ${cores.length} x ${cores[0]?.model ?? "?"}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ` +
    `Node ${process.versions.node}; load average at the start: ${loadAverage()}`
  );
}

function loadAverage(): string {
  return os
    .loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
}

function renderLimits(limits: Limits): string {
  const lines = Object.entries(limits).map(([name, value]) => `| ${name} | ${figure(value as number)} |`);
  return ["| limit of the machine | figure |", "| --- | --- |", ...lines].join("\n");
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}

await runCommand(command, async (given) => {
  await bench(wantedOf(given));
  return true;
});
