// What goes wrong, where, and when: rules that a FaultDisk asks before every call. A rule names calls and
// paths, and strikes from the nth call that fits, or by chance from a seed.

import { assert } from "../../internal/base/assert.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { DiskFailureKind } from "../../internal/platform/disk.ts";

/** Names of calls of both faces; write stands for write, writeVector and append. */
export type FaultCall =
  | "openFile"
  | "read"
  | "write"
  | "syncData"
  | "truncate"
  | "size"
  | "close"
  | "rename"
  | "link"
  | "remove"
  | "makeFolder"
  | "removeFolder"
  | "list"
  | "syncFolder"
  | "sizeOf"
  | "freeBytes"
  | "lockFolder";

export type Fault =
  /** The call does nothing and fails; with `after` it fails although it was done. */
  | { readonly kind: "fail"; readonly failure: DiskFailureKind; readonly after?: boolean }
  /** A read or write takes at most so many bytes; without a number, a seeded part of them. */
  | { readonly kind: "short"; readonly bytes?: number }
  /** An asynchronous call is made so much later; with Infinity it hangs. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** One seeded bit of what is read or written is wrong. */
  | { readonly kind: "flip" }
  /** A read answers from elsewhere: so many bytes behind. */
  | { readonly kind: "misdirect"; readonly bytes: number };

export interface FaultRule {
  readonly calls: readonly FaultCall[];
  /** Fits every path when left out. */
  readonly path?: RegExp;
  /** From the nth fitting call on, counted from 1; or by a chance of m in n at each. */
  readonly when: number | { readonly chance: readonly [parts: number, of: number] };
  /** How often it strikes at most: once when left out. */
  readonly times?: number;
  readonly fault: Fault;
}

/** A rule at work, for tests that want to know whether it struck. */
export class ArmedRule {
  readonly rule: FaultRule;
  /** Calls that fitted. */
  seen = 0;
  /** Calls that it made go wrong. */
  struck = 0;
  private isArmed = true;

  constructor(rule: FaultRule) {
    this.rule = rule;
  }

  disarm(): void {
    this.isArmed = false;
  }

  strikes(call: FaultCall, path: string, random: Prng): boolean {
    const { calls, path: pattern, when, times = 1 } = this.rule;
    if (!this.isArmed || !calls.includes(call) || (pattern !== undefined && !pattern.test(path))) return false;
    this.seen++;
    const isDue = typeof when === "number" ? this.seen >= when : random.chance(...when.chance);
    if (!isDue || this.struck >= times) return false;
    this.struck++;
    return true;
  }
}

/** The faults of one call. */
export interface Strike {
  readonly fail: Extract<Fault, { kind: "fail" }> | undefined;
  readonly delayMilliseconds: number;
  readonly isFlipped: boolean;
  readonly misdirectedBytes: number;
  /** At most so many bytes are taken; undefined when no rule says so. */
  readonly bytesMax: number | undefined;
}

const noStrike: Strike = {
  fail: undefined,
  delayMilliseconds: 0,
  isFlipped: false,
  misdirectedBytes: 0,
  bytesMax: undefined,
};

export class FaultRules {
  private readonly armed: ArmedRule[] = [];
  private readonly random: Prng;

  constructor(random: Prng) {
    this.random = random;
  }

  arm(rule: FaultRule): ArmedRule {
    assert(typeof rule.when !== "number" || rule.when >= 1, "the first call is number 1");
    const armed = new ArmedRule(rule);
    this.armed.push(armed);
    return armed;
  }

  /** `bytes` is how many a read or write is about. */
  strike(call: FaultCall, path: string, bytes = 0): Strike {
    let strike = noStrike;
    for (const armed of this.armed) {
      if (armed.strikes(call, path, this.random)) strike = { ...strike, ...this.effectOf(armed.rule.fault, bytes) };
    }
    return strike;
  }

  /** A copy of `bytes` with one bit turned. */
  flipped(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice();
    if (copy.length > 0) {
      const at = this.random.below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << this.random.below(8));
    }
    return copy;
  }

  private effectOf(fault: Fault, bytes: number): Partial<Strike> {
    switch (fault.kind) {
      case "fail":
        return { fail: fault };
      case "short":
        // A part that is neither nothing nor all, where there is one.
        return { bytesMax: fault.bytes ?? (bytes > 1 ? this.random.between(1, bytes - 1) : bytes) };
      case "delay":
        return { delayMilliseconds: fault.milliseconds };
      case "flip":
        return { isFlipped: true };
      case "misdirect":
        return { misdirectedBytes: fault.bytes };
      default:
        return fault;
    }
  }
}
