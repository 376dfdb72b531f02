// Judges of a whole history. Keys that are only used strongly are linearizable; the others keep what fast writes and fast
// reads promise (key-promises.ts); and of all keys, a version is one write and a request takes effect once.

import { checkKeyPromises } from "./key-promises.ts";
import { compareKnown, versionName } from "./history.ts";
import type { Done, History, HistoryEntry, Told } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Operation, Verdict } from "./linearizability.ts";
import { registerModel } from "./register-model.ts";
import { Violation } from "./violation.ts";

export interface JudgedBy {
  /** Milliseconds by which any node's clock was off, at most. */
  readonly clockError: number;
  /** What became of fast writes that were answered, by version. */
  readonly fates: ReadonlyMap<string, string>;
  /** When each leader was first seen. */
  readonly leaders: readonly { readonly term: number; readonly since: number }[];
  /** Nodes promise to show what they have shown, too (rule 16), and not only what was written by way of them. */
  readonly remembersReads?: boolean;
}

/** Throws a Violation. */
export function judgeHistory(history: History, by: JudgedBy): void {
  for (const [partition, entries] of history.byPartition()) {
    checkVersions(entries);
    checkRequests(entries);
    for (const key of new Set(entries.flatMap(keysOf))) {
      checkKeyPromises(
        key,
        entries.filter((entry) => keysOf(entry).includes(key)),
        by,
      );
    }
    if (!isStrongOnly(entries)) continue;
    const verdict = checkRegisters(entries, by.clockError);
    if (verdict.kind === "linearizable") continue;
    const detail = verdict.kind === "violated" ? `, ${verdict.longest} of ${entries.length} have an order` : "";
    throw new Violation("linearizability", `${partition} is ${verdict.kind} after ${verdict.steps} steps${detail}`);
  }
}

const keysOf = ({ done }: HistoryEntry): readonly string[] =>
  done.kind === "read" ? [done.key] : done.steps.map(({ key }) => key);

const isStrongOnly = (entries: readonly HistoryEntry[]): boolean =>
  entries.every(({ done }) => done.kind === "read" || done.mode === "strong");

/** Of the strong operations among these. */
export function checkRegisters(entries: readonly HistoryEntry[], clockError: number, stepsMax?: number): Verdict {
  const operations: Operation<Done, Told>[] = [];
  for (const { done, told, calledAt, returnedAt } of entries) {
    if (done.mode !== "strong" || (done.kind === "read" && told === undefined)) continue;
    const end = told === undefined ? Number.POSITIVE_INFINITY : returnedAt;
    operations.push({ input: done, output: told, calledAt, returnedAt: end });
  }
  return checkLinearizable(operations, registerModel(clockError), stepsMax);
}

/** One version is one write, with one value and one expiry of each key that it wrote. */
function checkVersions(entries: readonly HistoryEntry[]): void {
  const writers = new Map<string, HistoryEntry>();
  const values = new Map<string, string>();
  const note = (name: string, value: string): void => {
    const known = values.get(name) ?? value;
    if (known !== value) throw new Violation("one write a version", `${name} is ${known} and ${value}`);
    values.set(name, value);
  };
  for (const entry of entries) {
    const { done, told } = entry;
    if (told?.kind === "done") {
      const name = versionName(told.version);
      const writer = writers.get(name) ?? entry;
      if (writer !== entry) throw new Violation("one write a version", `${name} was told to two writers`);
      writers.set(name, entry);
      if (done.kind !== "write") continue;
      for (const { action, key, body } of done.steps) if (action === "put") note(`${key} @${name}`, `"${body}"`);
    } else if (told?.kind === "saw" && told.version !== undefined) {
      const name = `${done.kind === "read" ? done.key : ""} @${versionName(told.version)}`;
      note(name, `"${told.value ?? ""}"`);
      note(`${name} expiry`, String(told.expiresAt));
    }
  }
}

/**
 * A value that one request put was seen under one version only: by strong reads, for a leader that is cut off may show a try
 * that is given up for a later one.
 */
function checkRequests(entries: readonly HistoryEntry[]): void {
  const requests = new Map<string, string>();
  for (const { done } of entries) {
    if (done.kind !== "write" || done.request === undefined) continue;
    for (const { action, key, body } of done.steps) if (action === "put") requests.set(`${key}=${body}`, done.request);
  }
  // A touch gives a value another version.
  for (const { done } of entries) {
    if (done.kind === "write" && done.steps.some(({ action }) => action === "touch")) return;
  }
  const versions = new Map<string, HistoryEntry & { told: { kind: "saw" } }>();
  for (const entry of entries) {
    const { done, told } = entry;
    if (done.kind !== "read" || done.mode !== "strong" || told?.kind !== "saw" || told.value === undefined) continue;
    const request = requests.get(`${done.key}=${told.value}`);
    if (request === undefined) continue;
    const seen = { ...entry, told };
    const known = versions.get(request);
    if (known === undefined) versions.set(request, seen);
    else if (compareKnown(known.told.version, told.version) !== 0) {
      const both = [known.told, told].map(({ version }) => (version === undefined ? "" : versionName(version)));
      throw new Violation("once a request", `the put of request ${request} was seen as ${both.join(" and as ")}`);
    }
  }
}
