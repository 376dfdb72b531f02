// Knows what a store has to hold, and finds out after a crash how far its history went.
//
//   writes  1 2 3 4 5 6 7 8 9
//           acknowledged|   |sent       what is found must be the state after 5, 6, 7, 8 or 9 writes
//
// Writes take effect in the order in which they were submitted, so there is no other possibility: a lost
// acknowledgement, a write that nobody sent, a batch in part, an older value come back all fit no state.

import { printableKey } from "../../internal/base/bytes.ts";
import { valueOf } from "./workload.ts";
import type { Workload, Write } from "./workload.ts";

/** When a write was submitted, in wall milliseconds: between these. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface FoundRecord {
  readonly value: Uint8Array;
  readonly term: number;
  readonly index: number;
}

/** By number of the key. */
export type Contents = ReadonlyMap<number, FoundRecord>;

/** A promise of the store was broken. */
export class Loss extends Error {
  override readonly name = "Loss";
}

interface Cell {
  readonly write: number;
  readonly at: number;
  readonly bytes: number;
  /** It may be gone from here on, and is gone from there on. */
  readonly expiresFrom: number;
  readonly expiresBy: number;
}

/** How far the clock that judges expiry may be from the test's. */
const clockToleranceMilliseconds = 100;
const differencesShown = 5;

/** What there is after some writes. */
export class Model {
  private readonly cells: Map<number, Cell>;

  constructor(cells: ReadonlyMap<number, Cell> = new Map()) {
    this.cells = new Map(cells);
  }

  clone(): Model {
    return new Model(this.cells);
  }

  apply(write: Write, span: Span): void {
    for (const [at, { kind, key, valueBytes, ttlMilliseconds }] of write.operations.entries()) {
      if (kind === "delete") {
        this.cells.delete(key);
        continue;
      }
      const ttl = ttlMilliseconds ?? Number.POSITIVE_INFINITY;
      this.cells.set(key, {
        write: write.number,
        at,
        bytes: valueBytes,
        expiresFrom: span.from + ttl - clockToleranceMilliseconds,
        expiresBy: span.to + ttl + clockToleranceMilliseconds,
      });
    }
  }

  /** Whether that is what should be found under a key. */
  fits(key: number, found: FoundRecord | undefined, now: Span): boolean {
    const cell = this.cells.get(key);
    if (cell === undefined) return found === undefined;
    if (found === undefined) return cell.expiresFrom <= now.to;
    return cell.expiresBy > now.from && hasValue(cell, found.value);
  }

  describe(key: number): string {
    const cell = this.cells.get(key);
    if (cell === undefined) return "nothing";
    const expires = cell.expiresBy === Number.POSITIVE_INFINITY ? "" : `, expiring at ${cell.expiresBy}`;
    return `${cell.bytes} bytes of write ${cell.write}.${cell.at}${expires}`;
  }
}

export class Oracle {
  readonly workload: Workload;
  /** Everything up to here is in `certain`. */
  private certainThrough = 0;
  private certain = new Model();
  /** Sent and not certain, in order. */
  private open: { readonly write: Write; readonly span: Span }[] = [];
  private answered = 0;
  /** Since the store was opened last. */
  private hasLostPower = false;
  /** Numbers are never used twice: what comes back of a lost write is not what was written later. */
  private lastNumber = 0;

  constructor(workload: Workload) {
    this.workload = workload;
  }

  /** What it knows now, to be judged by later. */
  fork(): Oracle {
    const copy = new Oracle(this.workload);
    copy.certainThrough = this.certainThrough;
    copy.certain = this.certain.clone();
    copy.open = [...this.open];
    copy.answered = this.answered;
    copy.hasLostPower = this.hasLostPower;
    copy.lastNumber = this.lastNumber;
    return copy;
  }

  get sent(): number {
    return this.lastNumber;
  }

  /** The next write is about to be submitted. */
  send(write: Write, span: Span): void {
    this.lastNumber = write.number;
    this.open.push({ write, span });
  }

  /** The writer was answered. What was called synced, and all before it, outlives whatever comes. */
  acknowledge(number: number, durability: "synced" | "buffered"): void {
    this.answered = Math.max(this.answered, number);
    if (durability === "synced") this.takeThrough(number);
  }

  /** The machine went down: what was only buffered may be lost. Otherwise what was answered is there. */
  losePower(): this {
    this.hasLostPower = true;
    return this;
  }

  /** The store said that the write did not take effect. */
  refuse(number: number): void {
    this.open = this.open.filter(({ write }) => write.number !== number);
  }

  /** What is there once every write has its answer. */
  present(): Model {
    const model = this.certain.clone();
    for (const { write, span } of this.open) model.apply(write, span);
    return model;
  }

  /** Throws unless the contents are what was written so far. */
  expect(contents: Contents, now: Span): void {
    expectModel(this.present(), contents, now, this.workload);
  }

  /** After a crash: finds how much of what was sent took effect, and goes on from there. Throws Loss. */
  settle(contents: Contents, now: Span): void {
    if (!this.hasLostPower) this.takeThrough(this.answered);
    this.hasLostPower = false;
    const differing = new Set(differences(this.certain, contents, now, this.workload));
    const model = this.certain.clone();
    let through = differing.size === 0 ? 0 : -1;
    let fitting = differing.size === 0 ? this.certain : undefined;
    for (const [at, { write, span }] of this.open.entries()) {
      model.apply(write, span);
      for (const { key } of write.operations) {
        if (model.fits(key, contents.get(key), now)) differing.delete(key);
        else differing.add(key);
      }
      if (differing.size > 0) continue;
      fitting = model.clone();
      through = at + 1;
    }
    if (fitting === undefined) {
      const range = `write ${this.certainThrough} is certain, ${this.sent} was sent`;
      throw new Loss(`${range}, and no state between is what is there. ${this.explain(contents, now)}`);
    }
    this.certain = fitting;
    this.certainThrough = through === 0 ? this.certainThrough : (this.open[through - 1]?.write.number ?? 0);
    this.open = [];
  }

  private takeThrough(number: number): void {
    const taken = this.open.findIndex(({ write }) => write.number > number);
    for (const { write, span } of this.open.splice(0, taken < 0 ? this.open.length : taken)) {
      this.certain.apply(write, span);
      this.certainThrough = write.number;
    }
  }

  private explain(contents: Contents, now: Span): string {
    const atLeast = differences(this.certain, contents, now, this.workload);
    return `After what is certain: ${describeDifferences(this.certain, contents, atLeast, this.workload)}`;
  }
}

/** Throws Loss unless the contents are the model's. */
export function expectModel(model: Model, contents: Contents, now: Span, workload: Workload): void {
  const differing = differences(model, contents, now, workload);
  if (differing.length === 0) return;
  throw new Loss(describeDifferences(model, contents, differing, workload));
}

function differences(model: Model, contents: Contents, now: Span, workload: Workload): number[] {
  return [...workload.keys.keys()].filter((key) => !model.fits(key, contents.get(key), now));
}

function describeDifferences(model: Model, contents: Contents, keys: readonly number[], workload: Workload): string {
  const lines = keys.slice(0, differencesShown).map((key) => {
    const name = printableKey((workload.keys[key] as Uint8Array).subarray(0, 20));
    return `key "${name}" should have ${model.describe(key)}, and has ${describeFound(contents.get(key))}`;
  });
  const rest = keys.length > lines.length ? `; and ${keys.length - lines.length} more` : "";
  return `${lines.join("; ")}${rest}`;
}

function describeFound(found: FoundRecord | undefined): string {
  if (found === undefined) return "nothing";
  const origin = /^\d+\.\d+(?=;)/.exec(new TextDecoder("latin1").decode(found.value.subarray(0, 20)))?.[0];
  return `${found.value.length} bytes${origin === undefined ? "" : ` of write ${origin}`}, version ${found.term}.${found.index}`;
}

function hasValue(cell: Cell, value: Uint8Array): boolean {
  if (value.length !== cell.bytes) return false;
  const wanted = valueOf(cell.write, cell.at, cell.bytes);
  for (let at = 0; at < value.length; at++) if (value[at] !== wanted[at]) return false;
  return true;
}
