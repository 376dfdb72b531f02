// A program of ours as a process, as a test sees it: what it has written, when it has ended and how. What a test forgets is killed when
// the process of the test ends, or is told to.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { endsWithThisProcess } from "./children.ts";

export interface ProcessOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Makes it the leader of a group of its own, as a shell does with what is typed: `signalGroup` reaches all that it starts. */
  readonly isGroup?: boolean;
  /** It is told by the end of a channel that this process is no more. */
  readonly hasChannel?: boolean;
  /** What it writes goes to the end of this file, and nowhere else. */
  readonly log?: string;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const waitMilliseconds = 60_000;

export class RunningProcess {
  output = "";
  errors = "";
  readonly ended: Promise<Ending>;
  /** Undefined: it runs. */
  ending: Ending | undefined;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  constructor(command: string, commandArguments: readonly string[], options: ProcessOptions = {}) {
    const { cwd = process.cwd(), environment = {}, isGroup = false, hasChannel = false, log } = options;
    const said = log === undefined ? "pipe" : openSync(log, "a");
    this.child = spawn(command, [...commandArguments], {
      cwd,
      env: { ...withoutSettings(), ...environment },
      stdio: ["ignore", said, said, ...(hasChannel ? (["ipc"] as const) : [])],
      detached: isGroup,
    });
    if (typeof said === "number") closeSync(said);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.told("output", text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => this.told("errors", text));
    endsWithThisProcess(this.child, isGroup ? () => this.signalGroup("SIGKILL") : undefined);
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        this.ending = { code, signal };
        this.wake();
        resolve(this.ending);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  /** As a terminal does on ctrl-c. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.pid, name);
  }

  /** Resolves when it has written something that matches; rejects when it ends before. */
  async says(words: RegExp, milliseconds = waitMilliseconds): Promise<RegExpExecArray> {
    const until = Date.now() + milliseconds;
    for (;;) {
      const found = words.exec(this.output) ?? words.exec(this.errors);
      if (found !== null) return found;
      if (this.ending !== undefined || Date.now() > until) {
        const state =
          this.ending === undefined ? "runs and has not said" : `ended (${JSON.stringify(this.ending)}) without saying`;
        throw new Error(`the process ${state} ${String(words)}; it said:\n${this.output}\n${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  private told(where: "output" | "errors", text: string): void {
    this[where] += text;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

/** What somebody has set for programs of his own is not for those of a test. */
function withoutSettings(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TREFOIL_")));
}
