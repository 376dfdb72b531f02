// A cluster of real `trefoild` processes on this machine's loopback interface, each with a folder, ports and a file of what it said.
// Only processes that were started here are ever signalled, by their own handles.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePortList } from "../support/free-ports.ts";

const daemon = fileURLToPath(new URL("../../cmd/trefoild/main.js", import.meta.url));
const listeners = ["peer", "http", "resp", "grpc", "admin"] as const;
type Listener = (typeof listeners)[number];

export interface NodePlace {
  readonly id: string;
  readonly folder: string;
  readonly ports: Readonly<Record<Listener, number>>;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

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
  private readonly running = new Map<string, Running>();
  /** How often each was started: a process that was killed and came back is another one. */
  private readonly lives = new Map<string, number>();

  private constructor(folder: string, places: readonly NodePlace[], options: ProcessOptions) {
    this.folder = folder;
    this.places = places;
    this.options = options;
  }

  static async make(options: ProcessOptions): Promise<ClusterProcesses> {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-e2e-"));
    const ports = await freePortList(options.nodes * listeners.length);
    const places = Array.from({ length: options.nodes }, (_, at) => {
      const id = `n${at + 1}`;
      const mine = listeners.map((name, which) => [name, ports[at * listeners.length + which]] as const);
      return { id, folder: join(folder, id), ports: Object.fromEntries(mine) as Record<Listener, number> };
    });
    return new ClusterProcesses(folder, places, options);
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
    const said = openSync(this.logOf(id), "a");
    const child = spawn(process.execPath, [...this.nodeFlags, daemon, ...this.flagsOf(place)], {
      stdio: ["ignore", said, said],
    });
    closeSync(said);
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        this.running.delete(id);
        resolve({ code, signal });
      });
    });
    this.running.set(id, { child, ended });
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

  private async signal(id: string, signal: NodeJS.Signals): Promise<{ readonly code: number | null }> {
    const running = this.running.get(id);
    if (running === undefined) throw new Error(`${id} does not run`);
    running.child.kill(signal);
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

  private get nodeFlags(): readonly string[] {
    return this.options.nodeFlags ?? [];
  }

  private flagsOf({ id, folder, ports }: NodePlace): string[] {
    const peers = this.places.map((each) => `${each.id}=127.0.0.1:${each.ports.peer}`).join(",");
    const listening = listeners.flatMap((name) => [`--${name}`, `127.0.0.1:${ports[name]}`]);
    const { groups, flags = [] } = this.options;
    return ["--id", id, "--data", folder, "--peers", peers, "--groups", String(groups), ...listening, ...flags];
  }
}
