// Processes that write to one store after the other and are killed: at random moments, and at every step of
// every protocol. After each death a copy of what is left is opened and judged; the next process takes over
// the folder itself, as the dead one left it.

import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import { Store } from "../../internal/store/store.ts";
import { readContents } from "../store/contents.ts";
import { expectModel, Loss, Oracle } from "../store/oracle.ts";
import type { Model } from "../store/oracle.ts";
import { realSeams } from "../store/real-seams.ts";
import type { RealSeams } from "../store/real-seams.ts";
import { Workload } from "../store/workload.ts";
import { killPoints, planFor } from "./kill-points.ts";
import type { KillPhase, KillPlan, KillPoint } from "./kill-points.ts";
import type { Message, Orders } from "./messages.ts";
import { killOptions, killWorkload } from "./settings.ts";

/** Deaths in one round, all of them over one folder. */
export const deathsPerRound = 5;
const writesMax = 4000;
/** Bounds of a process, and of the look at what it left: nothing here waits without end. */
const lifeMillisecondsMax = 60_000;
const judgementMillisecondsMax = 60_000;

export interface KillCounts {
  rounds: number;
  /** By the signal of the judge, and by the process's own at a point. */
  randomKills: number;
  pointKills: number;
  /** Kills before the store was open. */
  killsWhileOpening: number;
  /** Processes that had done all their writes before their point came. */
  pointsMissed: number;
  sent: number;
  acknowledged: number;
  checkpointsOpened: number;
  checkpointsUnfinished: number;
  readonly byPoint: Map<string, number>;
}

function noKills(): KillCounts {
  return {
    rounds: 0,
    randomKills: 0,
    pointKills: 0,
    killsWhileOpening: 0,
    pointsMissed: 0,
    sent: 0,
    acknowledged: 0,
    checkpointsOpened: 0,
    checkpointsUnfinished: 0,
    byPoint: new Map(killPoints.map((point) => [point.name, 0])),
  };
}

/** Runs rounds; throws when a store holds what it should not. */
export class KillRun {
  readonly counts = noKills();
  private readonly seed: number;
  private readonly seams: RealSeams = realSeams();
  private readonly root: Promise<string> = mkdtemp(join(tmpdir(), "trefoil-crash-"));

  /** Of the points only those whose names contain a word; all by default. */
  private readonly points: readonly KillPoint[];

  constructor(seed: number, word = "") {
    this.seed = seed;
    this.points = killPoints.filter(({ name }) => name.includes(word));
  }

  async round(): Promise<void> {
    const seed = this.seed + this.counts.rounds;
    this.counts.rounds++;
    const folder = join(await this.root, `round-${this.counts.rounds}`);
    const round = new Round({ folder, seed, seams: this.seams, counts: this.counts, points: this.points });
    try {
      for (let death = 1; death <= deathsPerRound; death++) await round.liveAndDie(death);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.seams.close();
    await rm(await this.root, { recursive: true, force: true });
  }
}

/** What became of a process. */
interface Life {
  wasOpen: boolean;
  reachedPoint: boolean;
  ended: boolean;
  failure: string | undefined;
  /** What the checkpoint that was begun last has to hold. */
  checkpoint: { readonly model: Model; readonly from: number } | undefined;
}

interface RoundOptions {
  readonly folder: string;
  readonly seed: number;
  readonly seams: RealSeams;
  readonly counts: KillCounts;
  readonly points: readonly KillPoint[];
}

class Round {
  private readonly folder: string;
  private readonly seed: number;
  private readonly seams: RealSeams;
  private readonly counts: KillCounts;
  private readonly points: readonly KillPoint[];
  private readonly random: Prng;
  private readonly oracle: Oracle;

  constructor({ folder, seed, seams, counts, points }: RoundOptions) {
    this.folder = folder;
    this.seed = seed;
    this.seams = seams;
    this.counts = counts;
    this.points = points;
    this.random = new Prng(seed, 1);
    this.oracle = new Oracle(new Workload(seed, killWorkload));
  }

  async liveAndDie(death: number): Promise<void> {
    const plan = this.plan(death);
    const orders: Orders = {
      folder: join(this.folder, "store"),
      copies: join(this.folder, "copies"),
      seed: this.seed,
      chores: this.random.next(),
      firstWrite: this.oracle.sent + 1,
      writesMax,
      plan,
    };
    const life = await this.live(orders);
    if (life.failure !== undefined) throw new Loss(`${this.where(plan)}: the process failed: ${life.failure}`);
    this.count(life, plan);
    await this.judge(orders, life);
  }

  /** Points in turn, so that each is met; now and then none, for a random moment. */
  private plan(death: number): KillPlan | undefined {
    const { byPoint, rounds } = this.counts;
    const phases: KillPhase[] = ["running", "opening", "running"];
    const phase = death === 1 && rounds % 2 === 1 ? "making" : phases[death - 2];
    const choices = this.points.filter((point) => point.phase === phase);
    if (choices.length === 0) return undefined;
    const least = Math.min(...choices.map((point) => byPoint.get(point.name) ?? 0));
    return planFor(this.random.pick(choices.filter((point) => byPoint.get(point.name) === least)), this.random);
  }

  private live(orders: Orders): Promise<Life> {
    const life: Life = { wasOpen: false, reachedPoint: false, ended: false, failure: undefined, checkpoint: undefined };
    const born = Date.now();
    const script = fileURLToPath(new URL("./child.js", import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(orders)], { stdio: ["ignore", "pipe", "inherit"] });
    const kill = (): void => void child.kill("SIGKILL");
    const isRandom = orders.plan === undefined;
    if (isRandom && this.random.chance(1, 4)) setTimeout(kill, this.random.between(30, 200)).unref();
    const hung = setTimeout(() => {
      life.failure = `it has not ended after ${lifeMillisecondsMax} ms`;
      kill();
    }, lifeMillisecondsMax);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as Message;
      if (message.kind === "open" && isRandom) setTimeout(kill, this.random.between(0, 500)).unref();
      this.hear(message, life, born);
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(hung);
        if (!life.ended && signal !== "SIGKILL") life.failure ??= `it ended with ${signal ?? `exit code ${code}`}`;
        resolve(life);
      });
    });
  }

  private hear(message: Message, life: Life, born: number): void {
    const { oracle, counts } = this;
    switch (message.kind) {
      case "open":
        life.wasOpen = true;
        return;
      case "sent":
        while (oracle.sent < message.number) {
          oracle.send(oracle.workload.write(oracle.sent + 1), { from: born, to: Date.now() });
          counts.sent++;
        }
        return;
      case "answered":
        oracle.acknowledge(message.number, message.durability);
        counts.acknowledged++;
        return;
      case "checkpoint":
        life.checkpoint = { model: oracle.present(), from: Date.now() };
        return;
      case "dying":
        life.reachedPoint = true;
        return;
      case "failed":
        life.failure = message.why;
        return;
      case "ended":
        life.ended = true;
        return;
    }
  }

  private count(life: Life, plan: KillPlan | undefined): void {
    const { counts } = this;
    if (life.ended) {
      if (plan !== undefined) counts.pointsMissed++;
      return;
    }
    if (!life.wasOpen) counts.killsWhileOpening++;
    if (plan === undefined || !life.reachedPoint) {
      counts.randomKills++;
      return;
    }
    counts.pointKills++;
    counts.byPoint.set(plan.point.name, (counts.byPoint.get(plan.point.name) ?? 0) + 1);
  }

  private async judge(orders: Orders, life: Life): Promise<void> {
    const copy = `${this.folder}-judged`;
    const before = Date.now();
    await cp(this.folder, copy, { recursive: true, filter: (source) => !source.includes(".lock-") }).catch(
      (failure: NodeJS.ErrnoException) => {
        // It died before there was a folder.
        if (failure.code !== "ENOENT") throw failure;
      },
    );
    await rm(orders.copies, { recursive: true, force: true });
    try {
      await withinBound(this.look(copy, life, before));
    } catch (failure) {
      const what = failure instanceof Error ? failure.message : String(failure);
      throw new Loss(`${this.where(orders.plan)}: ${what}`, { cause: failure });
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }

  private async look(copy: string, life: Life, before: number): Promise<void> {
    const store = await Store.open(this.seams, join(copy, "store"), killOptions(this.seed));
    const contents = await readContents(store, this.oracle.workload);
    await store.close();
    this.oracle.settle(contents, { from: before, to: Date.now() });
    if (life.checkpoint !== undefined) await this.judgeCheckpoint(join(copy, "copies"), life.checkpoint);
  }

  private where(plan: KillPlan | undefined): string {
    return `seed ${this.seed}, killed at "${plan === undefined ? "a random moment" : plan.point.name}"`;
  }

  /** The newest copy is whole, or says that it was not finished. */
  private async judgeCheckpoint(copies: string, wanted: { model: Model; from: number }): Promise<void> {
    const names = await readdir(copies).catch(() => []);
    const newest = names.toSorted((a, b) => Number(b) - Number(a))[0];
    if (newest === undefined) return;
    let store: Store;
    try {
      store = await Store.open(this.seams, join(copies, newest), { createIfMissing: false });
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      if (failure.code !== "not_found" && !failure.message.includes("not finished")) throw failure;
      this.counts.checkpointsUnfinished++;
      return;
    }
    const { workload } = this.oracle;
    const contents = await readContents(store, workload);
    await store.close();
    this.counts.checkpointsOpened++;
    expectModel(wanted.model, contents, { from: wanted.from, to: Date.now() }, workload);
  }
}

async function withinBound(judgement: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    const late = new Loss(`what is left is not open and read after ${judgementMillisecondsMax} ms`);
    timer = setTimeout(() => reject(late), judgementMillisecondsMax);
  });
  try {
    await Promise.race([judgement, bound]);
  } finally {
    clearTimeout(timer);
  }
}
