// The disk of a simulated machine: it forgets what was not synced when the power goes, may be slow or hang, fill up, refuse a
// write or a sync, and read something else than was written. What is on it outlives the process; calls of a process that has
// ended never come back.

import type { Prng } from "../../internal/base/prng.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import type { ArmedRule, FaultRule } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { CallName, MemoryDiskOptions, OperationName } from "../disk/memory-disk.ts";
import type { Survival } from "../disk/power-cut.ts";
import type { NodeClock } from "./virtual-time.ts";

export class SimDisk {
  memory: MemoryDisk;
  /** Milliseconds that a call takes at most. */
  callMilliseconds = 1;
  /** What was read from it may not have been what was written. */
  isDamaged = false;
  /** The power went while writes were acknowledged that were not synced: the next start tells. */
  isTailAtRisk = false;
  private hungUntil = 0;
  private wasFull = false;
  private isCutDue = false;
  private spaceLeft = Number.POSITIVE_INFINITY;
  private faults: FaultDisk | undefined;
  private rules: ArmedRule[] = [];
  private clock: NodeClock | undefined;
  private readonly chance: Prng;
  private readonly hasFaults: boolean;
  private readonly delaysNames: boolean;
  private readonly options: MemoryDiskOptions = { delay: (name) => this.delay(name) };

  /**
   * `hasFaults`: calls may fail; otherwise nothing stands between the process and the disk. `delaysNames`: changes of names, and what
   * opens and closes files, take their time as well.
   */
  constructor(chance: Prng, hasFaults: boolean, delaysNames = false) {
    this.chance = chance;
    this.hasFaults = hasFaults;
    this.delaysNames = delaysNames;
    this.memory = new MemoryDisk(this.options);
  }

  /** The disk for a life of the process. */
  begin(clock: NodeClock): Disk {
    this.clock = clock;
    this.rules = [];
    this.isCutDue = false;
    this.wasFull = this.isFull;
    if (!this.hasFaults) return this.memory;
    const { memory, chance } = this;
    const onFailedSync = (path: string): void => memory.dropUnsynced(path);
    this.faults = new FaultDisk(memory, { random: chance, scheduler: clock, onFailedSync });
    this.faults.limitSpace(this.spaceLeft);
    return this.faults;
  }

  /** The process has ended, and with it, where there is a `survival`, the power. */
  end(survival: Survival | undefined): void {
    const { memory } = this;
    this.memory = survival === undefined ? memory.cloneAfterKill(this.options) : memory.clone(survival, this.options);
    memory.cutPower();
  }

  hang(untilMoment: number): void {
    this.hungUntil = untilMoment;
  }

  isHung(now: number): boolean {
    return now < this.hungUntil;
  }

  /** Files may grow by so many bytes together; false: this disk has no faults. */
  fill(bytes: number): boolean {
    this.spaceLeft = bytes;
    this.wasFull ||= this.isFull;
    this.faults?.limitSpace(bytes);
    return this.faults !== undefined;
  }

  get isIntact(): boolean {
    return !this.isDamaged && !this.isTailAtRisk;
  }

  get isFull(): boolean {
    return this.spaceLeft !== Number.POSITIVE_INFINITY;
  }

  arm(rule: FaultRule): boolean {
    if (this.faults === undefined) return false;
    this.rules.push(this.faults.arm(rule));
    return true;
  }

  /** One bit of a file that was written long ago turns. False: there is none. */
  rot(): boolean {
    // Of the newest segments the end may be torn, and nobody could tell one from the other.
    const segments = this.filesIn("/node/log", ".log").slice(0, -3);
    const path = this.chance.pick([...segments, ...this.filesIn("/node/engine", ".table"), undefined]);
    const file = path === undefined ? undefined : this.memory.tree.fileAt(path);
    if (file === undefined || file.size === 0) return false;
    file.flipBit(this.chance.below(file.size), this.chance.below(8));
    this.isDamaged = true;
    return true;
  }

  /** What the newest segments of the log hold. */
  glance(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    for (const path of this.filesIn("/node/log", ".log").slice(-3)) {
      const file = this.memory.tree.fileAt(path);
      if (file !== undefined) found.set(path, file.contents());
    }
    return found;
  }

  /** As rot, of the newest segments: where they had been written at an earlier glance, and went on since. */
  rotBehind(before: ReadonlyMap<string, Uint8Array>): boolean {
    for (const [path, now] of this.glance()) {
      const then = before.get(path);
      const file = this.memory.tree.fileAt(path);
      if (then === undefined || file === undefined) continue;
      const from = now.findIndex((byte, at) => byte !== then[at]);
      const last = now.findLastIndex((byte, at) => byte !== then[at]);
      if (from < 1024 || last - from < 300) continue;
      file.flipBit(this.chance.between(512, from - 1), this.chance.below(8));
      this.isDamaged = true;
      return true;
    }
    return false;
  }

  /** Cuts the power when so many operations more, of this name or of any, have begun, and tells before anything else happens. */
  cutPowerIn(operations: number, only: OperationName | undefined, onCut: (at: OperationName) => void): void {
    const { memory } = this;
    let left = operations;
    this.isCutDue = true;
    memory.onOperation((name) => {
      if (!this.isCutDue || memory !== this.memory || (only !== undefined && name !== only) || --left > 0) return;
      this.isCutDue = false;
      memory.cutPower();
      onCut(name);
    });
  }

  /** No more faults. What is damaged stays so. */
  heal(): void {
    this.callMilliseconds = 1;
    this.hungUntil = 0;
    this.fill(Number.POSITIVE_INFINITY);
    for (const rule of this.rules) rule.disarm();
    this.isCutDue = false;
  }

  /** Whether what was injected can have led to this failure, and how. */
  explains(failure: unknown): "damage" | "failure" | undefined {
    for (let reason = failure; reason instanceof Error; reason = reason.cause) {
      if (reason instanceof TrefoilError && reason.code === "corruption" && this.isDamaged) return "damage";
      if (!(reason instanceof DiskFailure)) continue;
      if (this.rules.some((rule) => rule.struck > 0 && rule.rule.fault.kind === "fail")) return "failure";
      if (this.wasFull && reason.kind === "full") return "failure";
    }
    return undefined;
  }

  private filesIn(folder: string, ending: string): string[] {
    const node = this.memory.tree.find(folder);
    const names = node?.kind === "folder" ? node.names() : [];
    return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
  }

  private delay(name: CallName): Promise<void> | undefined {
    const { clock } = this;
    if (clock === undefined) return undefined;
    const hung = this.hungUntil - clock.monotonicMilliseconds();
    if (hung > 0) return new Promise((resolve) => clock.after(hung + this.chance.below(10), resolve));
    const most = this.callMilliseconds;
    const isSlow = this.delaysNames || name === "write" || name === "syncData" || name === "read";
    if (most === 0 || !isSlow) return undefined;
    const milliseconds = this.chance.between(1, 100 * most) / 100;
    return new Promise((resolve) => clock.after(milliseconds, resolve));
  }
}
