// Rounds of SIGKILL on a real disk. Each round a child opens the store that the last one left, writes, and is
// killed: at a random moment by its parent, or by itself at a named step of a protocol. Then the parent opens
// the store and holds it against the workload. One folder lives through all rounds of a generation.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Prng } from "../../internal/base/prng.ts";
import { Store } from "../../internal/store/store.ts";
import { realSeams } from "../store/real-seams.ts";
import { killPoints } from "./kill-disk.ts";
import { killOptions } from "./kill-options.ts";
import { hear } from "./messages.ts";
import type { ChildOrder, Heard } from "./messages.ts";
import { examine, Workload } from "./workload.ts";

export interface KillResult {
  readonly rounds: number;
  readonly writes: number;
  /** By name: how often a child died there. "random moment" counts the parent's kills. */
  readonly kills: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
}

const childPath = fileURLToPath(new URL("./child.js", import.meta.url));
/** A fresh folder after so many rounds, so that beginnings are met as well. */
const roundsPerFolder = 10;
const writesPerRound = 4000;

export async function runKillRounds(rounds: number, random: Prng, tell: (line: string) => void): Promise<KillResult> {
  const kills = new Map<string, number>();
  const faults: string[] = [];
  let writes = 0;
  for (let round = 1; round <= rounds && faults.length === 0; round += roundsPerFolder) {
    const root = await mkdtemp(join(tmpdir(), "trefoil-crash-"));
    try {
      await mkdir(join(root, "checkpoints"));
      const last = Math.min(rounds, round + roundsPerFolder - 1);
      writes += await runGeneration({ root, first: round, last, random, kills, faults, tell });
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
  return { rounds, writes, kills, faults };
}

interface Generation {
  readonly root: string;
  readonly first: number;
  readonly last: number;
  readonly random: Prng;
  readonly kills: Map<string, number>;
  readonly faults: string[];
  readonly tell: (line: string) => void;
}

async function runGeneration({ root, first, last, random, kills, faults, tell }: Generation): Promise<number> {
  const seed = random.next();
  const workload = new Workload(seed);
  let held = 0;
  for (let round = first; round <= last && faults.length === 0; round++) {
    // In turn, so that fifty rounds meet every named point.
    const index = round % 2 === 0 ? undefined : ((round - 1) / 2) % killPoints.length;
    const order: ChildOrder = {
      folder: root,
      seed,
      first: held + 1,
      count: writesPerRound,
      fsync: random.chance(1, 4) ? "interval" : "always",
      point: index === undefined ? undefined : { index, number: random.between(1, 6) },
    };
    const heard: Heard = { opened: false, sent: held, acknowledged: held, ended: false };
    await runChild(order, heard, random);
    const where = index === undefined || heard.ended ? "random moment" : (killPoints[index]?.name ?? "");
    kills.set(where, (kills.get(where) ?? 0) + 1);
    const finding = await examineFolder(root, order, workload, heard);
    for (const fault of finding.faults) faults.push(`seed ${seed}, round ${round}, ${where}: ${fault}`);
    held = finding.writes;
    tell(`round ${round}: killed at ${where}; ${heard.acknowledged} acknowledged, ${heard.sent} sent, ${held} held`);
  }
  return held;
}

/** Runs a child until it is dead. */
function runChild(order: ChildOrder, heard: Heard, random: Prng): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [childPath, JSON.stringify(order)], { stdio: ["ignore", "pipe", "pipe"] });
    let rest = "";
    let complaint = "";
    let isKilled = false;
    const kill = () => {
      isKilled = true;
      child.kill("SIGKILL");
    };
    // The parent's kill: some time after the store was opened, or now and then while it is being opened.
    const patience = random.chance(1, 4) ? random.below(200) : undefined;
    const after = random.below(600);
    let timer = order.point === undefined && patience !== undefined ? setTimeout(kill, patience) : undefined;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const wasOpened = heard.opened;
      rest = hear(heard, rest + text);
      if (heard.ended) kill();
      else if (!wasOpened && heard.opened && order.point === undefined) timer ??= setTimeout(kill, after);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL" && (isKilled || order.point !== undefined)) resolve();
      else reject(new Error(`the child ended by itself (code ${code}, signal ${signal}): ${complaint}`));
    });
  });
}

async function examineFolder(root: string, order: ChildOrder, workload: Workload, heard: Heard) {
  const seams = realSeams();
  try {
    const store = await Store.open(seams, join(root, "store"), killOptions(order.fsync));
    const finding = await examine(store, workload, { atLeast: heard.acknowledged, atMost: heard.sent });
    await store.close();
    return finding;
  } finally {
    await seams.close();
  }
}
