// Runs the processes of a cluster for development:
//
//   start all --> all ready: what runs where is shown --> until told to stop --> all told, waited for, and killed when they take too long
//        │                                        │
//        └ one that cannot start: all end         ├ one that dies is started again, after a pause that grows while it goes on dying
//                                                 └ one that does not answer is told of

import { isStopSignal } from "../../stop-signals.ts";
import { exitCodes } from "../failure.ts";
import { AnswerWatch } from "./answer-watch.ts";
import { Child } from "./child.ts";
import type { ChildEnd } from "./child.ts";
import { answers, clusterSeenBy, waitsFor } from "./health.ts";
import type { Plan } from "./plan.ts";
import type { Printer } from "./printer.ts";
import { showCluster } from "./screen.ts";

const lookMilliseconds = 100;
/** After so long without all being ready it is said what is waited for; and again. */
const patienceMilliseconds = 10_000;
const restartMillisecondsLeast = 500;
const restartMillisecondsMost = 10_000;
/** Who lived for so long begins anew with the shortest pause. */
const healthyMilliseconds = 10_000;
/** A node's own time to end in, beside that which requests under way may take. */
const stopMilliseconds = 5000;

export class Supervisor {
  private readonly plan: Plan;
  private readonly printer: Printer;
  private readonly children: readonly Child[];
  private readonly watch: AnswerWatch;
  private readonly restarts = new Set<NodeJS.Timeout>();
  private isReady = false;
  private isStopping = false;
  private isKilling = false;
  private hasFailed = false;
  private wake: () => void = () => undefined;

  constructor(plan: Plan, printer: Printer) {
    this.plan = plan;
    this.printer = printer;
    this.children = plan.nodes.map(
      (node) =>
        new Child(node, {
          line: (child, line) => this.line(child, line),
          ready: (child) => this.ready(child),
          ended: (child, end) => this.ended(child, end),
        }),
    );
    this.watch = new AnswerWatch({ nodes: this.children, answers, say: (words) => printer.say(words) });
  }

  /** Resolves with the exit code, when no process is left. */
  async run(): Promise<number> {
    const { children, plan, printer } = this;
    const { nodes, groups, data } = plan.values;
    printer.say(`Starting ${nodes} nodes with ${groups} groups, data in ${data} …`);
    for (const child of children) child.start();
    await this.whenReady();
    this.watch.start();
    await this.until(() => this.isStopping);
    await this.endAll();
    if (!this.hasFailed) printer.say("Stopped.");
    return this.hasFailed ? exitCodes.failure : exitCodes.ok;
  }

  /** Ends all in order. */
  stop(): void {
    if (this.isStopping) return;
    this.printer.say("Stopping …");
    this.end();
  }

  stopAtOnce(): void {
    const left = this.children.filter(({ isRunning }) => isRunning);
    if (this.isKilling || left.length === 0) return;
    this.isKilling = true;
    this.hasFailed = true;
    this.printer.say(`Told to stop again: killing ${left.map(({ plan }) => plan.id).join(", ")} …`);
    for (const child of left) child.signal("SIGKILL");
    this.end();
  }

  private end(): void {
    this.isStopping = true;
    this.watch.stop();
    for (const timer of this.restarts) clearTimeout(timer);
    this.wake();
  }

  private async whenReady(): Promise<void> {
    const reminder = setInterval(() => void this.remind(), patienceMilliseconds);
    for (;;) {
      await this.until(() => this.isStopping || this.children.every(({ isReady }) => isReady));
      if (this.isStopping || (await this.show())) break;
      await new Promise((resolve) => {
        setTimeout(resolve, lookMilliseconds);
      });
    }
    clearInterval(reminder);
  }

  private async remind(): Promise<void> {
    const missing = this.children.filter(({ isReady }) => !isReady);
    const words = await Promise.all(missing.map(async ({ plan }) => `  ${plan.id}: ${await waitsFor(plan)}`));
    if (!this.isStopping) this.printer.say(["Not all nodes are ready yet:", ...words].join("\n"));
  }

  /** False: the node that was asked has gone meanwhile. */
  private async show(): Promise<boolean> {
    const { plan, printer } = this;
    const [first] = plan.nodes;
    const view = first && (await clusterSeenBy(first).catch(() => undefined));
    if (view === undefined || this.isStopping) return false;
    this.isReady = true;
    showCluster(printer, { plan, view, pids: this.children.map(({ pid }) => pid) });
    return true;
  }

  private line({ plan }: Child, line: string): void {
    // While all end, each misses the others.
    const isWarning = line.startsWith('{"level":"warn"');
    if (!this.isStopping || !isWarning) this.printer.nodeLine(plan.id, line);
  }

  private ready({ plan, pid }: Child): void {
    this.wake();
    if (this.isReady && !this.isStopping) this.printer.say(`${plan.id} is ready again, as process ${pid}.`);
  }

  private ended(child: Child, end: ChildEnd): void {
    this.wake();
    if (this.isStopping) return;
    const { id } = child.plan;
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was ended by ${end.signal}`;
    if (!this.isReady && end.signal === null) {
      this.printer.say(`${id} ${how} before the cluster was there: nothing is started again, all nodes are stopped.`);
      this.fail();
    } else if (!this.plan.values.restart) {
      this.printer.say(`${id} ${how}, and stays dead (--no-restart).`);
      if (this.children.some(({ isRunning }) => isRunning)) return;
      this.printer.say("No node is left: this ends.");
      this.fail();
    } else {
      this.startAgain(child, how);
    }
  }

  private fail(): void {
    this.hasFailed = true;
    this.end();
  }

  private startAgain(child: Child, how: string): void {
    const { id } = child.plan;
    const lived = performance.now() - child.startedAt;
    child.deaths = lived > healthyMilliseconds ? 1 : child.deaths + 1;
    const milliseconds = Math.min(restartMillisecondsMost, restartMillisecondsLeast * 2 ** (child.deaths - 1));
    this.printer.say(`${id} ${how}; it is started again in ${milliseconds / 1000} s.`);
    const timer = setTimeout(() => {
      this.restarts.delete(timer);
      child.start();
    }, milliseconds);
    this.restarts.add(timer);
  }

  private async endAll(): Promise<void> {
    // Once for handing over, once for what clients asked.
    const milliseconds = 2 * this.plan.values["drain-timeout"] + stopMilliseconds;
    // Who died before was told of then.
    const ending = this.children.filter(({ isRunning }) => isRunning);
    for (const child of ending) child.signal("SIGTERM");
    const timer = setTimeout(() => {
      for (const child of this.children.filter(({ isRunning }) => isRunning)) {
        this.printer.say(`${child.plan.id} has not ended in ${milliseconds / 1000} s, and is killed.`);
        this.hasFailed = true;
        child.signal("SIGKILL");
      }
    }, milliseconds);
    await this.until(() => this.children.every(({ isRunning }) => !isRunning));
    clearTimeout(timer);
    for (const { plan, end } of ending) {
      if (this.hasFailed || end === undefined || isInOrder(end)) continue;
      this.printer.say(`${plan.id} did not end in order: ${end.signal ?? `exit code ${end.code}`}.`);
      this.hasFailed = true;
    }
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/**
 * Of a node that was told to end. It listens to signals as soon as Node has started, and long before it is ready: till then nothing is
 * open. Before a process has a session of its own, ctrl-c reaches it from the terminal.
 */
function isInOrder({ code, signal, wasReady }: ChildEnd): boolean {
  return code === 0 || (isStopSignal(signal) && !wasReady);
}
