// One node goes, misses much, and comes back: the steps, and what is measured in them.

import { HttpClient } from "../../e2e/http-client.ts";
import type { Arena } from "../../e2e/arena.ts";
import { now, rest } from "../../e2e/moments.ts";
import { parseExposition } from "../../support/exposition.ts";
import type { Listener, NodePlace } from "../../support/trefoild.ts";
import { seconds } from "../timing.ts";
import { checkSample, countOf, writeAll } from "./missed-data.ts";
import type { Checked } from "./missed-data.ts";
import { heldAtMost, isBeyondLogs, keepsPace, snapshotsOf, totalOf, totalOver } from "./snapshots-seen.ts";
import type { ClusterSeen, Page, Snapshots } from "./snapshots-seen.ts";
import { SteadyLoad } from "./steady-load.ts";
import type { Sample, Window } from "./steady-load.ts";

export const mebibyte = 1024 * 1024;
const silenceMilliseconds = 20_000;
/** A minute until the log is let go of, and as much for a slow machine. */
const letGoMilliseconds = 180_000;
const catchUpMilliseconds = 600_000;
/** Before clients count: connections and compiled code. */
const warmMilliseconds = 3000;
/** How far who comes back has come is told once in so many looks at whether it is there. */
const looksForProgress = 10;
const sampleCount = 500;

export interface Plan {
  /** Of values that are missed. */
  readonly bytes: number;
  readonly perSecond: number;
  /** Before the start, and behind the catch-up. */
  readonly seconds: number;
}

export interface Stage extends Window {
  /** Of the processors' time, what all nodes took. */
  readonly processorSeconds: number;
  /** For how long one of those who stayed did nothing else, at most. */
  readonly heldUpSeconds: number;
  /** Of all groups: elections, and leaderships that were handed over. */
  readonly newTerms: number;
}

export interface Measured {
  readonly bytes: number;
  readonly samples: readonly Sample[];
  readonly before: Stage;
  readonly during: Stage;
  readonly after: Stage;
  /** It starts again, and has missed next to nothing. */
  readonly startAlone: Stage;
  readonly snapshots: readonly Snapshots[];
  /** The greatest resident memory that was seen of who came back. */
  readonly memoryBytes: number;
  readonly checked: Checked;
}

export class CatchUp {
  private readonly arena: Arena;
  private readonly plan: Plan;
  private readonly http = new HttpClient(silenceMilliseconds);
  private readonly node: number;
  private readonly staying: readonly NodePlace[];
  private memoryBytes = 0;

  constructor(arena: Arena, plan: Plan) {
    this.arena = arena;
    this.plan = plan;
    this.node = arena.nodes.length - 1;
    this.staying = arena.nodes.filter((node) => node !== this.node).map((node) => arena.placeOf(node));
  }

  async run(): Promise<Measured> {
    const { arena, http, plan, node, staying } = this;
    const count = countOf(plan.bytes);
    for (const each of arena.nodes) arena.start(each);
    await arena.untilHealed();
    const lastWords = await this.pageOf(arena.placeOf(node));
    await arena.kill(node);
    const held = heldAtMost([lastWords, ...(await this.pagesOf(staying))]);
    const written = await writeAll(http, staying, count);
    console.log(
      `    ${count} values written in ${written.seconds.toFixed(1)} s, ${written.repeated} requests repeated`,
    );
    const waited = performance.now();
    await arena.until("the logs begin behind what the node has", () => this.isLogGone(held), letGoMilliseconds);
    console.log(`    the log behind it was let go of ${seconds(waited).toFixed(1)} s later`);
    const load = new SteadyLoad({ http, places: staying, perSecond: plan.perSecond, keys: count });
    try {
      return await this.comeBack(load, count);
    } finally {
      await load.stop();
    }
  }

  close(): void {
    this.http.close();
  }

  private async comeBack(load: SteadyLoad, count: number): Promise<Measured> {
    const { arena, http, plan, node, staying } = this;
    await rest(warmMilliseconds);
    const before = await this.stageUnder(load, () => rest(plan.seconds * 1000));
    const pagesBefore = await this.pagesOf(staying);
    const during = await this.stageUnder(load, () => this.startsAndKeepsPace());
    console.log(`    it kept pace ${((during.to - during.from) / 1000).toFixed(1)} s after its start`);
    const after = await this.stageUnder(load, () => rest(plan.seconds * 1000));
    const snapshots = await this.snapshotsSince(pagesBefore);
    const checked = await checkSample(http, arena.placeOf(node), { count, sample: sampleCount });
    console.log(`    sample read there: ${checked.asFollower} as a follower, ${checked.asLeader} as a leader`);
    const { memoryBytes } = this;
    await arena.stop(node);
    const startAlone = await this.stageUnder(load, () => this.startsAndKeepsPace());
    await load.stop();
    const { samples } = load;
    return { bytes: plan.bytes, samples, before, during, after, startAlone, snapshots, memoryBytes, checked };
  }

  private async startsAndKeepsPace(): Promise<void> {
    const { arena, node } = this;
    arena.start(node);
    await arena.until(`${arena.idOf(node)} keeps pace`, this.caughtUp(), catchUpMilliseconds);
  }

  private async snapshotsSince(before: readonly Page[]): Promise<readonly Snapshots[]> {
    const { arena, node, staying } = this;
    const seen = await this.cluster(staying[0] as NodePlace);
    const after = await this.pagesOf(staying);
    const snapshots = snapshotsOf(seen, { before, after, filled: await this.pageOf(arena.placeOf(node)) });
    for (const { group, made, installed, sentBytes } of snapshots)
      console.log(`    group ${group}: ${made} snapshots made, ${installed} taken in, ${sentBytes} bytes sent`);
    return snapshots;
  }

  private async stageUnder(load: SteadyLoad, work: () => Promise<void>): Promise<Stage> {
    const stage = await this.stage(work);
    load.check();
    return stage;
  }

  private async stage(work: () => Promise<void>): Promise<Stage> {
    const pagesBefore = await this.pagesOf(this.runningPlaces());
    const from = now();
    await work();
    const to = now();
    // Those who stayed are the first ones. Whoever was not there before has begun to count since.
    const pages = await this.pagesOf(this.runningPlaces());
    const taken = (each: readonly Page[]): number => totalOver(each, "trefoil_process_cpu_seconds_total");
    const terms = (each: readonly Page[]): number => totalOver(each.slice(0, 1), "trefoil_raft_term");
    const lags = pages
      .slice(0, this.staying.length)
      .map((page) => totalOf(page, "trefoil_event_loop_lag_seconds", { quantile: "1" }));
    return {
      from,
      to,
      processorSeconds: taken(pages) - taken(pagesBefore),
      heldUpSeconds: Math.max(...lags),
      newTerms: terms(pages) - terms(pagesBefore),
    };
  }

  private runningPlaces(): readonly NodePlace[] {
    const { arena, node, staying } = this;
    const place = arena.placeOf(node);
    return arena.processes.isRunning(place.id) ? [...staying, place] : staying;
  }

  private async isLogGone(held: ReadonlyMap<string, number>): Promise<true | undefined> {
    const seen = await this.cluster(this.staying[0] as NodePlace);
    const pages = await this.pagesOf(this.staying);
    const byNode = new Map(pages.map((page, at) => [this.staying[at]?.id ?? "", page]));
    return isBeyondLogs(seen, byNode, held) ? true : undefined;
  }

  /** It says that it has had what its leaders had, and lacks less than clients write in a second. */
  private caughtUp(): () => Promise<true | undefined> {
    const { arena, plan, node, staying } = this;
    const place = arena.placeOf(node);
    const entriesMax = SteadyLoad.writesPerSecond(plan.perSecond);
    const started = performance.now();
    let looks = 0;
    return async () => {
      if (++looks % looksForProgress === 0) await this.tellProgress(place, seconds(started));
      if ((await this.ask(place, "admin", "/readyz")) === undefined) return undefined;
      const seen = await this.cluster(staying[0] as NodePlace);
      return keepsPace(seen, place.id, entriesMax) ? true : undefined;
    };
  }

  private async tellProgress(place: NodePlace, secondsPassed: number): Promise<void> {
    const text = await this.ask(place, "admin", "/metrics");
    if (text === undefined) return;
    const page = parseExposition(text);
    const received = totalOf(page, "trefoil_snapshot_received_bytes_total");
    const installed = totalOf(page, "trefoil_snapshot_installed_total");
    const resident = totalOf(page, "trefoil_process_resident_memory_bytes");
    this.memoryBytes = Math.max(this.memoryBytes, resident);
    const [got, used] = [received, resident].map((bytes) => (bytes / mebibyte).toFixed(0));
    console.log(
      `    ${secondsPassed.toFixed(1)} s: ${got} MiB received, ${installed} snapshots taken in, ${used} MiB resident`,
    );
  }

  private pagesOf(places: readonly NodePlace[]): Promise<Page[]> {
    return Promise.all(places.map((place) => this.pageOf(place)));
  }

  private async pageOf(place: NodePlace): Promise<Page> {
    return parseExposition(await this.answerOf(place, "/metrics"));
  }

  private async cluster(place: NodePlace): Promise<ClusterSeen> {
    return JSON.parse(await this.answerOf(place, "/-/cluster")) as ClusterSeen;
  }

  private async answerOf(place: NodePlace, path: string): Promise<string> {
    const text = await this.ask(place, "admin", path);
    if (text === undefined) throw new Error(`${place.id} does not answer ${path}`);
    return text;
  }

  /** Undefined: nobody is there, or it says no. */
  private async ask({ host, ports }: NodePlace, listener: Listener, path: string): Promise<string | undefined> {
    const said = await this.http.ask({ host, port: ports[listener], method: "GET", path });
    return said.kind === "answered" && said.status === 200 ? said.body : undefined;
  }
}
