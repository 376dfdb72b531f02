// What clients did and were told, with the moments in between: what the checkers judge. Moments are virtual milliseconds; stamps
// and expiries are told in the same unit, so that they compare.

import type { Version } from "../../internal/engine/cell.ts";
import type { Digest } from "./digest.ts";

/** Bounded: no older than the replica says; own: with what clients of the same node were answered. */
export type Mode = "fast" | "strong" | "session" | "bounded" | "own";

export type StepAction = "put" | "delete" | "increment" | "append" | "touch";
export type StepCondition = "none" | "absent" | "present" | Version;
/** A number: milliseconds to live. */
export type StepExpiry = "never" | "keep" | number;

/** One operation of a command, on one key. */
export interface Step {
  readonly key: string;
  readonly action: StepAction;
  readonly condition: StepCondition;
  readonly expiry: StepExpiry;
  /** Of a put the value, of an append what comes behind it, of an increment the decimal number that is added. */
  readonly body: string;
  readonly wantsPrevious: boolean;
}

/** One command: its steps take effect together or not at all, once, however often its request is made. */
export interface WriteDone {
  readonly kind: "write";
  readonly mode: "fast" | "strong";
  readonly steps: readonly Step[];
  readonly request: string | undefined;
}

export interface ReadDone {
  readonly kind: "read";
  readonly mode: Mode;
  readonly key: string;
}

export type Done = WriteDone | ReadDone;

/** What became of a command. */
export type Written =
  | {
      readonly kind: "done";
      readonly version: Version;
      /** The entry's stamp, where the answer is that of the entry itself. */
      readonly at: number | undefined;
      readonly values: readonly (string | undefined)[];
    }
  | {
      readonly kind: "refused";
      readonly why: string;
      readonly step: number;
      readonly present: Version | undefined;
    };

/** What a read saw; no value: absent. */
export interface Saw {
  readonly kind: "saw";
  readonly value: string | undefined;
  readonly version: Version | undefined;
  readonly expiresAt: number | undefined;
}

export type Told = Written | Saw;

export interface HistoryEntry {
  readonly client: number;
  readonly done: Done;
  readonly calledAt: number;
  returnedAt: number;
  /** Undefined: nobody knows what became of it. */
  told: Told | undefined;
  /** Known to have had no effect: it does not count. */
  isVoid: boolean;
  /** Of a read: the term in which the replica that served it led from the call to the answer. */
  ledTerm: number | undefined;
  /** Of a session read: what the replica said it had applied of this key; of a write: what its tries were, oldest first. */
  versions: Version[];
  /** Of a bounded read: nothing that the group had at this moment may be missing. */
  freshAt: number | undefined;
  /** The process by way of which a client was answered: of writes, and of reads that are held to it. */
  via: string | undefined;
}

export class History {
  readonly entries: HistoryEntry[] = [];
  private readonly onChange: ((entry: HistoryEntry, isEnd: boolean) => void) | undefined;

  constructor(onChange?: (entry: HistoryEntry, isEnd: boolean) => void) {
    this.onChange = onChange;
  }

  begin(client: number, done: Done, now: number): HistoryEntry {
    const entry: HistoryEntry = {
      client,
      done,
      calledAt: now,
      returnedAt: Number.POSITIVE_INFINITY,
      told: undefined,
      isVoid: false,
      ledTerm: undefined,
      versions: [],
      freshAt: undefined,
      via: undefined,
    };
    this.entries.push(entry);
    this.onChange?.(entry, false);
    return entry;
  }

  /** REQUIRES: once for each entry. */
  end(entry: HistoryEntry, told: Told | undefined, now: number): void {
    entry.told = told;
    entry.returnedAt = now;
    this.onChange?.(entry, true);
  }

  endVoid(entry: HistoryEntry, now: number): void {
    entry.isVoid = true;
    this.end(entry, undefined, now);
  }

  /** Of all that was not void: the entries on each partition, in the order of their calls. */
  byPartition(): Map<string, HistoryEntry[]> {
    const found = new Map<string, HistoryEntry[]>();
    for (const entry of this.entries) {
      if (entry.isVoid) continue;
      const name = partitionOf(firstKeyOf(entry.done));
      const known = found.get(name);
      if (known === undefined) found.set(name, [entry]);
      else known.push(entry);
    }
    return found;
  }

  get keys(): string[] {
    const all = this.entries.flatMap(({ done }) =>
      done.kind === "read" ? [done.key] : done.steps.map(({ key }) => key),
    );
    return [...new Set(all)].sort();
  }
}

const firstKeyOf = (done: Done): string => (done.kind === "read" ? done.key : (done.steps[0]?.key ?? ""));

/** Keys that one command may write together are one partition: `s0` of `s0/a` and `s0/b`. */
const partitionOf = (key: string): string => key.split("/")[0] ?? key;

/** All of it: what was asked, when, and what was told of it. */
export function addEntry(digest: Digest, entry: HistoryEntry): void {
  const { calledAt, returnedAt, ledTerm, versions, freshAt, via } = entry;
  digest
    .addTime(calledAt)
    .addTime(returnedAt)
    .addTime(freshAt ?? 0);
  digest.add(ledTerm ?? 0).addText(via ?? "");
  for (const { term, index } of versions) digest.add(term).add(index);
  digest.addText(entryInWords(entry));
  if (entry.told?.kind === "done") digest.addTime(entry.told.at ?? 0);
}

export const versionName = (version: Version): string => `${version.term}.${version.index}`;

/** Negative when the left is older; an undefined one is older than all. */
export function compareKnown(left: Version | undefined, right: Version | undefined): number {
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  return left.term - right.term || left.index - right.index;
}

export function entryInWords({ client, done, told, isVoid }: HistoryEntry): string {
  const what =
    done.kind === "read"
      ? `${done.mode} read of ${done.key}`
      : `${done.mode} ${done.steps.map(stepInWords).join(", ")}`;
  const request = done.kind === "write" && done.request !== undefined ? ` as request ${done.request}` : "";
  return `client ${client}: ${what}${request}${isVoid ? ": no effect" : toldInWords(told)}`;
}

function stepInWords({ key, action, condition, expiry, body }: Step): string {
  const when = condition === "none" ? "" : ` if ${typeof condition === "string" ? condition : versionName(condition)}`;
  const ttl = expiry === "never" ? "" : ` ttl ${expiry}`;
  return `${action} ${key}${body === "" ? "" : ` "${body}"`}${when}${ttl}`;
}

function toldInWords(told: Told | undefined): string {
  if (told === undefined) return "";
  if (told.kind === "saw") {
    const { value, version, expiresAt } = told;
    const ttl = expiresAt === undefined ? "" : ` until ${(expiresAt / 1000).toFixed(4)} s`;
    return value === undefined
      ? " -> absent"
      : ` -> "${value}" @${version === undefined ? "" : versionName(version)}${ttl}`;
  }
  if (told.kind === "refused") return ` -> refused: ${told.why}`;
  return ` -> ${versionName(told.version)}${told.values.some((value) => value !== undefined) ? ` (${told.values.join(", ")})` : ""}`;
}
