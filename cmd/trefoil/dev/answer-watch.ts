// Whether the nodes that run answer. A process that is paused (SIGSTOP, a debugger), or has more to do than it can, does not end, and says
// nothing itself: whoever looks at the terminal is told here, once, and once more when it answers again.

import type { PlannedNode } from "./plan.ts";

/** Between two looks at all. */
const pauseMilliseconds = 1000;
/** One look may fall into a moment of much work. */
const missesMax = 2;

export interface WatchedNode {
  readonly plan: PlannedNode;
  readonly pid: number | undefined;
  /** Before, and once its process has ended, others tell of it. */
  readonly isReady: boolean;
}

export interface AnswerWatchParts {
  readonly nodes: readonly WatchedNode[];
  /** Whether it answers within a time. */
  answers(plan: PlannedNode): Promise<boolean>;
  say(words: string): void;
}

export class AnswerWatch {
  private readonly parts: AnswerWatchParts;
  /** Looks in a row that found no answer, by process. */
  private readonly misses = new Map<number, number>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(parts: AnswerWatchParts) {
    this.parts = parts;
  }

  start(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.look().then(() => this.start()), pauseMilliseconds);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  async look(): Promise<void> {
    await Promise.all(this.parts.nodes.map((node) => this.lookAt(node)));
  }

  private async lookAt(node: WatchedNode): Promise<void> {
    const { plan, pid } = node;
    if (pid === undefined || !node.isReady) return;
    const hasAnswered = await this.parts.answers(plan);
    // It ended meanwhile, and perhaps another process runs: nothing is known of that one.
    if (this.isStopped || !node.isReady || node.pid !== pid) return;
    const before = this.misses.get(pid) ?? 0;
    if (hasAnswered) {
      this.misses.delete(pid);
      if (before >= missesMax) this.parts.say(`${plan.id} answers again.`);
      return;
    }
    this.misses.set(pid, before + 1);
    if (before + 1 === missesMax) {
      this.parts.say(
        `${plan.id} does not answer: process ${pid} is paused (kill -CONT ${pid} lets it go on), or has too much to do.`,
      );
    }
  }
}
