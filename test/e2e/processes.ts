// A cluster of real `trefoild` processes on this machine's loopback interface, each with a folder, ports and a file of what it said.
// Only processes that were started here are ever signalled, by their own handles.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ending, RunningProcess } from "../support/running-process.ts";
import { flagsOf, nodePlaces, trefoild } from "../support/trefoild.ts";
import type { NodePlace } from "../support/trefoild.ts";
import { now } from "./moments.ts";
import type { Wires } from "./wires/wires.ts";

export interface ProcessOptions {
  readonly nodes: number;
  readonly groups: number;
  /** More flags for each node. */
  readonly flags?: readonly string[];
  /** Flags of Node for each process. */
  readonly nodeFlags?: readonly string[];
  /** What lies between them. */
  readonly wires?: Wires;
  /** Of each node's process. */
  readonly environmentOf?: (node: number) => Readonly<Record<string, string>>;
  /** Where their folders are; else in a new one. */
  readonly folder?: string;
}

export class ClusterProcesses {
  readonly places: readonly NodePlace[];
  readonly folder: string;
  private readonly options: ProcessOptions;
  private readonly running = new Map<string, RunningProcess>();
  private readonly paused = new Set<string>();
  private readonly resumedAt = new Map<string, number>();
  private readonly endings = new Map<string, Ending>();
  /** How often each was started: a process that was killed and came back is another one. */
  private readonly lives = new Map<string, number>();

  private constructor(folder: string, places: readonly NodePlace[], options: ProcessOptions) {
    this.folder = folder;
    this.places = places;
    this.options = options;
  }

  static async make(options: ProcessOptions): Promise<ClusterProcesses> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "trefoil-e2e-")));
    return new ClusterProcesses(folder, await nodePlaces(folder, options.nodes, options.wires), options);
  }

  /** Names the process: the node, and how often it was started. */
  lifeOf(id: string): string {
    return `${id}/${this.lives.get(id) ?? 0}`;
  }

  isRunning(id: string): boolean {
    return this.running.has(id);
  }

  start(id: string): void {
    const place = this.placeOf(id);
    if (this.running.has(id)) throw new Error(`${id} runs already`);
    this.lives.set(id, (this.lives.get(id) ?? 0) + 1);
    const { groups, flags = [], nodeFlags = [], wires, environmentOf } = this.options;
    const all = [...flagsOf(place, this.places), `--groups=${groups}`, ...flags];
    const node = this.places.indexOf(place);
    const options = { log: this.logOf(id), environment: environmentOf?.(node) ?? {} };
    const running = trefoild(all, options, { more: nodeFlags, before: wires?.before(node) ?? [] });
    wires?.started(node, running.pid);
    this.running.set(id, running);
    void running.ended.then((ending) => {
      this.running.delete(id);
      this.endings.set(id, ending);
    });
  }

  startAll(): void {
    for (const { id } of this.places) this.start(id);
  }

  /** Resolves when the process is gone. */
  async kill(id: string): Promise<void> {
    await this.signal(id, "SIGKILL");
  }

  /** As an operator stops it. Resolves with its exit code. */
  async stop(id: string): Promise<number | null> {
    const { code } = await this.signal(id, "SIGTERM");
    return code;
  }

  async killAll(): Promise<void> {
    await Promise.all(Array.from(this.running.keys(), (id) => this.kill(id)));
  }

  /** Whatever still runs is killed, and all data removed. */
  async dispose(): Promise<void> {
    await this.killAll();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The last lines that a node said, for a failure's report. */
  lastWordsOf(id: string, lines = 12): string {
    return readFileSync(this.logOf(id), "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** It stands still. */
  pause(id: string): void {
    this.runningOf(id).signal("SIGSTOP");
    this.paused.add(id);
  }

  resume(id: string): void {
    this.runningOf(id).signal("SIGCONT");
    this.paused.delete(id);
    this.resumedAt.set(id, now());
  }

  /** At some time since then, on the clock of `now`. */
  stoodStill(id: string, since: number): boolean {
    return this.paused.has(id) || (this.resumedAt.get(id) ?? 0) > since;
  }

  /** Of its last life, once that is over. */
  exitCodeOf(id: string): number | null | undefined {
    return this.endings.get(id)?.code;
  }

  private async signal(id: string, signal: NodeJS.Signals): Promise<Ending> {
    const running = this.runningOf(id);
    running.signal(signal);
    return running.ended;
  }

  private runningOf(id: string): RunningProcess {
    const running = this.running.get(id);
    if (running === undefined) throw new Error(`${id} does not run`);
    return running;
  }

  private placeOf(id: string): NodePlace {
    const place = this.places.find((each) => each.id === id);
    if (place === undefined) throw new Error(`there is no node ${id}`);
    return place;
  }

  private logOf(id: string): string {
    return join(this.folder, `${id}.log`);
  }
}
