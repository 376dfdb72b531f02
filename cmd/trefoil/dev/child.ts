// One node's process: started, started again when it has died, told to end. A process of its own session, so that ctrl-c reaches the
// supervisor alone, which then ends all in order; the channel to it closes with the supervisor, however that ends, and a
// node without its channel stops.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../trefoild/node-flags.ts";
import type { PlannedNode } from "./plan.ts";

const script = fileURLToPath(new URL("../../trefoild/main.js", import.meta.url));

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It might have been given work by then. */
  readonly wasReady: boolean;
}

export interface ChildEvents {
  line(child: Child, line: string): void;
  /** It may be given work. */
  ready(child: Child): void;
  ended(child: Child, end: ChildEnd): void;
}

export class Child {
  readonly plan: PlannedNode;
  /** How it ended; undefined: it runs, or was never started. */
  end: ChildEnd | undefined;
  startedAt = 0;
  isReady = false;
  /** Deaths that followed one another closely. */
  deaths = 0;
  private readonly events: ChildEvents;
  private running: ChildProcess | undefined;

  constructor(plan: PlannedNode, events: ChildEvents) {
    this.plan = plan;
    this.events = events;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  get pid(): number | undefined {
    return this.running?.pid;
  }

  start(): void {
    this.startedAt = performance.now();
    this.end = undefined;
    const child = spawn(process.execPath, [...nodeFlags, script, ...this.plan.flags], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      env: withoutSettings(),
    });
    this.running = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => this.events.line(this, line));
    }
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (this.running !== child) return;
      this.running = undefined;
      this.end = { code, signal, wasReady: this.isReady };
      this.isReady = false;
      this.events.ended(this, this.end);
    };
    child.on("message", (said) => {
      if (said !== "ready" || this.running !== child) return;
      this.isReady = true;
      this.events.ready(this);
    });
    child.once("close", ended);
    child.once("error", (failure) => {
      this.events.line(this, `it could not be started: ${failure.message}`);
      ended(1, null);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.running?.kill(name);
  }
}

/** Settings of this process came in by flags; its variables mean something else to a node. */
function withoutSettings(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TREFOIL_")));
}
