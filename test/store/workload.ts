// Writes that follow from a seed and a number alone, so that whoever knows both knows what a store should
// hold: the process that writes and the one that judges it need not tell each other.
//
// Keys come in the shapes that break stores: prefixes of others, bytes 0 and 255, the longest there may be,
// an order that differs from that of strings. Values say which write they are from.

import { hex, utf8 } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";

export interface Operation {
  readonly kind: "put" | "delete";
  /** Which of the workload's keys. */
  readonly key: number;
  readonly valueBytes: number;
  readonly ttlMilliseconds: number | undefined;
}

/** Operations that take effect together. */
export interface Write {
  /** From 1, in the order in which they are submitted. */
  readonly number: number;
  readonly operations: readonly Operation[];
}

export interface WorkloadOptions {
  readonly keys: number;
  readonly valueBytesMax: number;
  /** What a ttl is drawn from. Empty: nothing expires. */
  readonly ttls: readonly number[];
}

const workloadDefaults: WorkloadOptions = { keys: 120, valueBytesMax: 3000, ttls: [40, 5000, 3_600_000] };

const operationsMax = 12;

export class Workload {
  readonly keys: readonly Uint8Array[];
  private readonly seed: number;
  private readonly options: WorkloadOptions;
  private readonly numbers: ReadonlyMap<string, number>;

  constructor(seed: number, options: Partial<WorkloadOptions> = {}) {
    this.seed = seed;
    this.options = { ...workloadDefaults, ...options };
    this.keys = makeKeys(this.options.keys);
    this.numbers = new Map(this.keys.map((key, number) => [hex(key), number]));
  }

  /** Undefined for a key that no write names. */
  numberOf(key: Uint8Array): number | undefined {
    return this.numbers.get(hex(key));
  }

  write(number: number): Write {
    const random = new Prng(this.seed, number);
    const count = random.chance(1, 4) ? random.between(2, operationsMax) : 1;
    return { number, operations: Array.from({ length: count }, () => this.operation(random)) };
  }

  private operation(random: Prng): Operation {
    const { ttls, valueBytesMax } = this.options;
    // Some keys are written far more often than others.
    const key = random.chance(1, 2) ? random.below(this.keys.length) : random.below(Math.ceil(this.keys.length / 8));
    if (random.chance(1, 4)) return { kind: "delete", key, valueBytes: 0, ttlMilliseconds: undefined };
    const ttlMilliseconds = ttls.length > 0 && random.chance(1, 5) ? random.pick(ttls) : undefined;
    return { kind: "put", key, valueBytes: drawLength(random, valueBytesMax), ttlMilliseconds };
  }
}

/** What the operation `at` of a write puts. */
export function valueOf(write: number, at: number, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes);
  let state = (Math.imul(write, 0x9e3779b1) ^ Math.imul(at + 1, 0x85ebca6b)) | 1;
  for (let position = 0; position < bytes; position++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    value[position] = state;
  }
  value.set(utf8(`${write}.${at};`).subarray(0, bytes));
  return value;
}

function drawLength(random: Prng, most: number): number {
  if (random.chance(1, 12)) return random.below(4);
  if (random.chance(1, 12)) return random.between(0, most);
  return random.between(0, Math.min(most, 300));
}

function makeKeys(count: number): Uint8Array[] {
  const longest = new Uint8Array(1024).fill(0x6d);
  const odd = [
    Uint8Array.of(0),
    Uint8Array.of(0, 0),
    Uint8Array.of(0, 255),
    Uint8Array.of(255),
    Uint8Array.of(255, 0),
    Uint8Array.of(255, 255),
    utf8("a"),
    utf8("aa"),
    utf8("aaa"),
    utf8("\u{ffee}"),
    utf8("\u{1f340}"),
    longest,
    longest.subarray(0, 1023),
    longest.subarray(0, 300),
  ];
  const plain = Array.from({ length: Math.max(0, count - odd.length) }, (_, at) =>
    utf8(`user:${(at * 7919) % 10_007}`),
  );
  return [...odd, ...plain].slice(0, count);
}
