// A disk in memory whose calls can be held up and let go, or made to fail, at will.

import { MemoryDisk } from "../disk/memory-disk.ts";
import type { CallName } from "../disk/memory-disk.ts";

export class Holds {
  readonly disk = new MemoryDisk({ delay: (name) => this.delay(name) });
  private held: CallName | undefined;
  private calls: { resolve: () => void; reject: (reason: Error) => void }[] = [];

  /** From now on calls of this kind wait. */
  start(name: CallName): void {
    this.held = name;
  }

  get waiting(): number {
    return this.calls.length;
  }

  /** Lets go of those that wait, and of later ones. */
  release(): void {
    for (const call of this.end()) call.resolve();
  }

  /** Those that wait fail, later ones do not. */
  fail(reason: Error): void {
    for (const call of this.end()) call.reject(reason);
  }

  private end(): { resolve: () => void; reject: (reason: Error) => void }[] {
    const { calls } = this;
    this.held = undefined;
    this.calls = [];
    return calls;
  }

  private delay(name: CallName): Promise<void> | undefined {
    if (name !== this.held) return undefined;
    return new Promise((resolve, reject) => this.calls.push({ resolve, reject }));
  }
}
