// Judges of a history. Keys that are only written and read strongly have to be linearizable; counters too, and a request that
// was made more than once counts once; fast reads see nothing that was not written, nor anything from the future.

import type { Version } from "../../internal/engine/cell.ts";
import type { Done, HistoryEntry, Told } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Model, Operation, Verdict } from "./linearizability.ts";

/** The value under a key, and its version where that is known. */
interface Register {
  readonly value: string | undefined;
  readonly version: string | undefined;
}

const nameOf = (version: Version): string => `${version.term}.${version.index}`;

const register: Model<Register, Done, Told> = {
  first: { value: undefined, version: undefined },
  apply(state, done, told) {
    switch (done.kind) {
      case "put":
        return { value: done.value, version: told?.kind === "written" ? nameOf(told.version) : undefined };
      case "delete":
        return { value: undefined, version: undefined };
      case "swap": {
        const isAbsent = state.value === undefined;
        const fits = done.expected === undefined ? isAbsent : !isAbsent && mayBe(state, nameOf(done.expected));
        if (told?.kind === "refused") return fits && isCertain(state, done.expected) ? undefined : state;
        if (!fits) return told === undefined ? state : undefined;
        return { value: done.value, version: told?.kind === "written" ? nameOf(told.version) : undefined };
      }
      case "read":
        if (told?.kind !== "saw" || told.value !== state.value) return undefined;
        if (told.version === undefined || !mayBe(state, nameOf(told.version)))
          return told.value === undefined ? state : undefined;
        return { value: state.value, version: nameOf(told.version) };
      case "add":
      default:
        return undefined;
    }
  },
  nameOf: (state) => `${state.value ?? ""}@${state.version ?? ""}`,
};

/** A write of unknown outcome has a version that nobody was told. */
const mayBe = (state: Register, version: string): boolean => state.version === undefined || state.version === version;

const isCertain = (state: Register, expected: Version | undefined): boolean =>
  expected === undefined || state.version !== undefined;

export function checkRegister(entries: readonly HistoryEntry[]): Verdict {
  return checkLinearizable(operationsOf(entries), register);
}

/**
 * Why a counter that is only added to, by one each, cannot have been linearizable, or undefined. An addition that was
 * answered took the place that its sum says, a read saw the place of the last one before it; additions of unknown outcome
 * fill the places between, or never took effect. So no search is needed.
 */
export function checkCounter(entries: readonly HistoryEntry[]): string | undefined {
  const placed: Placed[] = [];
  const unknown: number[] = [];
  const sums = new Set<number>();
  for (const { done, told, calledAt, returnedAt } of entries) {
    if (done.kind === "add" && told === undefined) unknown.push(calledAt);
    if (done.kind === "add" && told?.kind === "written") {
      const place = told.sum ?? 0;
      if (sums.has(place)) return `two additions came to ${place}`;
      sums.add(place);
      placed.push({ place, rank: 0, calledAt, returnedAt });
    }
    if (done.kind === "read" && told?.kind === "saw") {
      placed.push({ place: Number(told.value ?? "0"), rank: 1, calledAt, returnedAt });
    }
  }
  placed.sort((left, right) => left.place - right.place || left.rank - right.rank);
  return orderFault(placed) ?? gapFault(placed, sums, unknown);
}

interface Placed {
  readonly place: number;
  /** Reads of a place come behind the addition that took it. */
  readonly rank: number;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** Nothing returns before something is called that is ordered before it. Reads of one place have no order. */
function orderFault(placed: readonly Placed[]): string | undefined {
  let latestCall = Number.NEGATIVE_INFINITY;
  let pending = Number.NEGATIVE_INFINITY;
  let before: Placed | undefined;
  for (const one of placed) {
    if (before === undefined || before.place !== one.place || before.rank !== one.rank)
      latestCall = Math.max(latestCall, pending);
    if (one.returnedAt < latestCall) return `${one.place} was answered before what comes before it was asked for`;
    pending = Math.max(pending, one.calledAt);
    before = one;
  }
  return undefined;
}

/** Each place that no answered addition took needs one of unknown outcome, asked for before anything behind it was answered. */
function gapFault(
  placed: readonly Placed[],
  sums: ReadonlySet<number>,
  unknown: readonly number[],
): string | undefined {
  const calls = [...unknown].sort((left, right) => left - right);
  const most = placed.at(-1)?.place ?? 0;
  const answeredBy = Array.from({ length: most + 2 }, () => Number.POSITIVE_INFINITY);
  for (const { place, returnedAt } of placed) {
    if (!Number.isInteger(place) || place < 0) return `a counter at ${place}`;
    answeredBy[place] = Math.min(answeredBy[place] as number, returnedAt);
  }
  for (let place = most; place >= 0; place--) {
    answeredBy[place] = Math.min(answeredBy[place] as number, answeredBy[place + 1] as number);
  }
  let used = 0;
  for (let place = 1; place <= most; place++) {
    if (sums.has(place)) continue;
    const call = calls[used++];
    if (call === undefined) return `nothing was added that came to ${place}`;
    if (call > (answeredBy[place] as number)) return `${place} was counted before it was added`;
  }
  return undefined;
}

/** Why a fast read cannot be, or undefined: its value was never written, or only later. */
export function checkFastReads(entries: readonly HistoryEntry[]): string | undefined {
  const writtenAt = new Map<string, number>();
  for (const { done, calledAt } of entries) {
    if (done.kind === "put" || done.kind === "swap") writtenAt.set(done.value, calledAt);
  }
  for (const { done, told, returnedAt } of entries) {
    if (done.kind !== "read" || told?.kind !== "saw" || told.value === undefined) continue;
    const written = writtenAt.get(told.value);
    if (written === undefined) return `${done.key} was seen with ${told.value}, which was never written`;
    if (written > returnedAt) return `${done.key} was seen with ${told.value} before that was written`;
  }
  return undefined;
}

function operationsOf(entries: readonly HistoryEntry[]): Operation<Done, Told>[] {
  const operations: Operation<Done, Told>[] = [];
  for (const { done, told, calledAt, returnedAt } of entries) {
    if (done.kind === "read" && told === undefined) continue;
    operations.push({ input: done, output: told, calledAt, returnedAt });
  }
  return operations;
}
