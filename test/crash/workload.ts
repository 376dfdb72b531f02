// Writes that a crash test makes, decided by seed and number alone, and the state that they lead to. Every
// write also sets the record "!last" to its own number, so that a reopened store says itself how far it
// came; the rest must then be exactly the state after that many writes: no write lost before it, none
// there behind it, none there in part.

import { compareBytes, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Store, StoreBatch } from "../../internal/store/store.ts";

const keyCount = 160;
const lastKey = utf8("!last");

interface Operation {
  readonly key: string;
  /** undefined: a delete. */
  readonly value: string | undefined;
}

export class Workload {
  private readonly seed: number;
  private readonly state = new Map<string, string>();
  private at = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Puts write `number` into a batch. */
  fill(batch: StoreBatch, number: number): StoreBatch {
    batch.clear();
    for (const { key, value } of this.operations(number)) {
      if (value === undefined) batch.delete(utf8(key));
      else batch.put(utf8(key), utf8(value));
    }
    return batch.put(lastKey, utf8(String(number)));
  }

  /** The state after `number` writes; good until it is asked again. */
  stateAfter(number: number): ReadonlyMap<string, string> {
    if (number < this.at) {
      this.state.clear();
      this.at = 0;
    }
    for (; this.at < number; this.at++) {
      for (const { key, value } of this.operations(this.at + 1)) {
        if (value === undefined) this.state.delete(key);
        else this.state.set(key, value);
      }
    }
    return this.state;
  }

  private operations(number: number): Operation[] {
    const random = new Prng(this.seed, number);
    return Array.from({ length: random.between(1, 8) }, (_, at) => {
      const key = `key-${random.below(keyCount) ** 2}`;
      if (random.chance(1, 4)) return { key, value: undefined };
      const bytes = random.chance(1, 20) ? random.below(9000) : random.below(300);
      return { key, value: `${number}.${at}.`.padEnd(bytes, "abcdefgh") };
    });
  }
}

export interface Expectation {
  /** Writes up to here were acknowledged as durable, or seen after an earlier crash. */
  readonly atLeast: number;
  /** Writes up to here were sent. */
  readonly atMost: number;
}

export interface Finding {
  /** How many writes the store holds. */
  readonly writes: number;
  /** What is wrong; empty when all is well. */
  readonly faults: readonly string[];
}

/** How many writes the store says that it holds. */
export async function writesHeld(store: Store): Promise<number> {
  const last = await store.get(lastKey);
  return last === undefined ? 0 : Number(utf8Text(last.value));
}

/** Holds a reopened store against the workload. */
export async function examine(store: Store, workload: Workload, expected: Expectation): Promise<Finding> {
  const writes = await writesHeld(store);
  const faults: string[] = [];
  if (writes < expected.atLeast)
    faults.push(`write ${expected.atLeast} was acknowledged, but the store ends at ${writes}`);
  if (writes > expected.atMost) faults.push(`the store holds write ${writes}, but only ${expected.atMost} were sent`);
  if (faults.length > 0) return { writes, faults };
  const state = workload.stateAfter(writes);
  const seen = new Set<string>();
  const scan = store.scan();
  let previous: Uint8Array | undefined;
  while (await scan.next()) {
    const bytes = scan.key();
    if (previous !== undefined && compareBytes(previous, bytes) >= 0) faults.push("the scan is out of order");
    previous = bytes;
    const key = utf8Text(bytes);
    if (compareBytes(bytes, lastKey) === 0) continue;
    seen.add(key);
    const want = state.get(key);
    const got = utf8Text(scan.value());
    if (want !== got) faults.push(`after ${writes} writes ${key} is ${brief(got)} instead of ${brief(want)}`);
  }
  scan.close();
  for (const [key, want] of state) {
    if (!seen.has(key)) faults.push(`after ${writes} writes ${key} is missing; it should be ${brief(want)}`);
    const found = await store.get(utf8(key));
    if (found === undefined || utf8Text(found.value) !== want)
      faults.push(`after ${writes} writes a lookup of ${key} differs`);
  }
  return { writes, faults: faults.slice(0, 10) };
}

function brief(text: string | undefined): string {
  return text === undefined ? "absent" : JSON.stringify(text.slice(0, 24));
}
