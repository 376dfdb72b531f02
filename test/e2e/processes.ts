// A cluster of real `trefoild` processes on this machine's loopback interface, each with a folder, ports and a file of what it said.
// Only processes that were started here are ever signalled, by their own handles.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ending, RunningProcess } from "../support/running-process.ts";
import { flagsOf, nodePlaces, trefoild } from "../support/trefoild.ts";
import type { NodePlace } from "../support/trefoild.ts";

export interface ProcessOptions {
  readonly nodes: number;
  readonly groups: number;
  /** More flags for each node. */
  readonly flags?: readonly string[];
  /** Flags of Node for each process. */
  readonly nodeFlags?: readonly string[];
}

export class ClusterProcesses {
  readonly places: readonly NodePlace[];
  readonly folder: string;
  private readonly options: ProcessOptions;
  private readonly running = new Map<string, RunningProcess>();
  /** How often each was started: a process that was killed and came back is another one. */
  private readonly lives = new Map<string, number>();

  private constructor(folder: string, places: readonly NodePlace[], options: ProcessOptions) {
    this.folder = folder;
    this.places = places;
    this.options = options;
  }

  static async make(options: ProcessOptions): Promise<ClusterProcesses> {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-e2e-"));
    return new ClusterProcesses(folder, await nodePlaces(folder, options.nodes), options);
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
    const { groups, flags = [], nodeFlags = [] } = this.options;
    const all = [...flagsOf(place, this.places), `--groups=${groups}`, ...flags];
    const running = trefoild(all, { log: this.logOf(id) }, nodeFlags);
    this.running.set(id, running);
    void running.ended.then(() => this.running.delete(id));
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

  /** Whatever still runs is killed, and all data removed. */
  async dispose(): Promise<void> {
    await Promise.all(Array.from(this.running.keys(), (id) => this.kill(id)));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The last lines that a node said, for a failure's report. */
  lastWordsOf(id: string, lines = 12): string {
    return readFileSync(this.logOf(id), "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  private async signal(id: string, signal: NodeJS.Signals): Promise<Ending> {
    const running = this.running.get(id);
    if (running === undefined) throw new Error(`${id} does not run`);
    running.signal(signal);
    return running.ended;
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
