// What strong operations on a few keys come to, one after the other: the model that histories of strongly used keys are
// compared with. It knows conditions, counters, appends, batches, previous values, and time to live.
//
// Expiry is judged by clocks that are off by at most `clockError`: a record that expires at E may be gone for an operation that
// returns at E - clockError or later, and may be there for one that is called before E + clockError. Once it was seen to be
// gone, it is gone. An operation of unknown outcome may have more than one result: the model tells all of them.

import type { Version } from "../../internal/engine/cell.ts";
import { compareKnown, versionName } from "./history.ts";
import type { Done, Saw, Step, Told, WriteDone, Written } from "./history.ts";
import type { Model, Operation } from "./linearizability.ts";

interface Cell {
  readonly value: string;
  /** Undefined: of a write of unknown outcome; nobody was told. */
  readonly version: Version | undefined;
  readonly expiry: Expiry | undefined;
}

/** Somewhere between the two: nobody was told when a write of unknown outcome was stamped. */
interface Expiry {
  readonly least: number;
  readonly most: number;
}

export interface Registers {
  /** Of keys that are not absent, as far as is known. */
  readonly cells: ReadonlyMap<string, Cell>;
  /** The greatest version that anybody was told. */
  readonly floor: Version | undefined;
  /** The moment before which the last operation cannot have taken effect. */
  readonly moment: number;
}

type Op = Operation<Done, Told>;

const conditionHolds = (step: Step, cell: Cell | undefined): "yes" | "no" | "either" => {
  if (step.action === "touch" && cell === undefined) return "no";
  if (step.condition === "none") return "yes";
  if (step.condition === "absent") return cell === undefined ? "yes" : "no";
  if (cell === undefined) return "no";
  if (step.condition === "present") return "yes";
  if (cell.version === undefined) return "either";
  return compareKnown(step.condition, cell.version) === 0 ? "yes" : "no";
};

const counterPattern = /^(?:0|-?[1-9][0-9]{0,18})$/;

export function registerModel(clockError: number): Model<Registers, Done, Told> {
  const judge = new Judge(clockError);
  return {
    first: { cells: new Map(), floor: undefined, moment: Number.NEGATIVE_INFINITY },
    apply: (state, operation) =>
      operation.input.kind === "read" ? judge.read(state, operation) : judge.write(state, operation.input, operation),
    nameOf: ({ cells, moment }) => {
      const names = Array.from(cells, ([key, { value, version, expiry }]) => {
        const until = expiry === undefined ? "" : `${expiry.least}-${expiry.most}`;
        return `${key}=${value}@${version === undefined ? "" : versionName(version)}~${until}`;
      });
      return `${moment} ${names.sort().join(" ")}`;
    },
    // Writes that took effect, by their versions: the floor of what was told refuses one that comes late.
    inOrder: (operations) => {
      const done = operations.flatMap(({ input, output }, at) =>
        input.kind === "write" && output?.kind === "done" ? [{ at, version: output.version }] : [],
      );
      return done.sort((left, right) => compareKnown(left.version, right.version)).map(({ at }) => at);
    },
  };
}

class Judge {
  private readonly clockError: number;

  constructor(clockError: number) {
    this.clockError = clockError;
  }

  read(state: Registers, { input, output, calledAt, returnedAt }: Op): Registers[] {
    if (input.kind !== "read" || output?.kind !== "saw") return [];
    const found: Registers[] = [];
    for (const before of this.options(state, input.key, [calledAt, returnedAt])) {
      const seen = matches(before.cells.get(input.key), output);
      if (seen === "no") continue;
      const next = withCell(before, input.key, seen);
      found.push({ ...next, floor: greater(next.floor, output.version) });
    }
    return found;
  }

  write(state: Registers, done: WriteDone, { output, calledAt, returnedAt }: Op): Registers[] {
    const told = output?.kind === "saw" ? undefined : output;
    // A new write is newer than all that anybody was told before.
    if (told?.kind === "done" && compareKnown(told.version, state.floor) <= 0) return [];
    let states: Registers[] = [state];
    for (const [which, step] of done.steps.entries()) {
      const isRefusedHere = told?.kind === "refused" && told.step === which;
      states = states.flatMap((one) => this.options(one, step.key, [calledAt, returnedAt]));
      if (isRefusedHere) {
        // What came before it in its batch had no effect.
        const fitting = states.filter(({ cells }) => explains(told, step, cells.get(step.key)));
        return fitting.map(({ cells, moment }) => withCell({ ...state, moment }, step.key, cells.get(step.key)));
      }
      states = states.flatMap((one) => {
        const next = this.act(step, one.cells.get(step.key), { told, which, calledAt });
        return next === "no" ? [] : [withCell(one, step.key, next)];
      });
    }
    if (told?.kind === "refused") return [];
    return states.map((one) => ({ ...one, floor: greater(one.floor, told?.version) }));
  }

  /** What may be under a key at some moment between call and return, and not before what happened before. */
  private options(state: Registers, key: string, [calledAt, returnedAt]: readonly [number, number]): Registers[] {
    const moment = Math.max(state.moment, calledAt);
    if (moment > returnedAt) return [];
    const cell = state.cells.get(key);
    if (cell?.expiry === undefined) return [{ ...state, moment }];
    const { least, most } = cell.expiry;
    const found: Registers[] = [];
    if (moment - this.clockError < most) found.push({ ...state, moment });
    const gone = Math.max(moment, least - this.clockError);
    if (returnedAt >= gone) found.push(withCell({ ...state, moment: gone }, key, undefined));
    return found;
  }

  private act(
    step: Step,
    cell: Cell | undefined,
    { told, which, calledAt }: { told: Written | undefined; which: number; calledAt: number },
  ): Cell | undefined | "no" {
    if (conditionHolds(step, cell) === "no") return "no";
    const answer =
      told?.kind === "done" ? { value: told.values[which], version: told.version, at: told.at } : undefined;
    const version = answer?.version;
    const expiry = this.expiryOf(step, cell, { at: answer?.at, calledAt });
    const isPrevious = step.action === "put" || step.action === "delete" || step.action === "touch";
    if (answer !== undefined && isPrevious && step.wantsPrevious && answer.value !== cell?.value) return "no";
    switch (step.action) {
      case "put":
        return { value: step.body, version, expiry };
      case "delete":
        return undefined;
      case "touch":
        return { value: cell?.value ?? "", version, expiry };
      case "increment": {
        const sum = sumOf(cell?.value ?? "0", step.body);
        if (sum === undefined || (answer !== undefined && answer.value !== sum)) return "no";
        return { value: sum, version, expiry };
      }
      case "append": {
        const value = `${cell?.value ?? ""}${step.body}`;
        if (answer !== undefined && answer.value !== String(value.length)) return "no";
        return { value, version, expiry };
      }
      default:
        return "no";
    }
  }

  private expiryOf(
    step: Step,
    cell: Cell | undefined,
    { at, calledAt }: { at: number | undefined; calledAt: number },
  ): Expiry | undefined {
    if (step.expiry === "never") return undefined;
    if (step.expiry === "keep") return cell?.expiry;
    if (at !== undefined) return { least: at + step.expiry, most: at + step.expiry };
    return { least: calledAt + step.expiry - this.clockError, most: Number.POSITIVE_INFINITY };
  }
}

/** What is known of the cell after a read saw it so; "no": it cannot have. */
function matches(cell: Cell | undefined, { value, version, expiresAt }: Saw): Cell | undefined | "no" {
  if (cell === undefined || value === undefined) return cell === undefined && value === undefined ? undefined : "no";
  if (cell.value !== value) return "no";
  if (cell.version !== undefined && compareKnown(cell.version, version) !== 0) return "no";
  const expiry = cell.expiry ?? never;
  const seen = expiresAt ?? Number.POSITIVE_INFINITY;
  if (cell.expiry === undefined ? expiresAt !== undefined : expiresAt === undefined) return "no";
  if (seen < expiry.least - roundingMilliseconds || seen > expiry.most + roundingMilliseconds) return "no";
  return { value, version, expiry: expiresAt === undefined ? undefined : { least: expiresAt, most: expiresAt } };
}

const never: Expiry = { least: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
/** Stamps are counted in fractions of a millisecond. */
const roundingMilliseconds = 0.01;

/** Whether the step could be refused so. */
function explains(told: Written & { kind: "refused" }, step: Step, cell: Cell | undefined): boolean {
  const { why, present } = told;
  if ((present === undefined) !== (cell === undefined)) return false;
  if (cell?.version !== undefined && compareKnown(cell.version, present) !== 0) return false;
  // The present version is told: a condition on just that version would have held.
  const isNamed = typeof step.condition !== "string" && compareKnown(step.condition, present) === 0;
  if (why === "condition") return !isNamed && conditionHolds(step, cell) !== "yes";
  if (why !== "conflict" || step.action !== "increment" || conditionHolds(step, cell) === "no") return false;
  return sumOf(cell?.value ?? "0", step.body) === undefined;
}

function sumOf(left: string, right: string): string | undefined {
  if (!counterPattern.test(left)) return undefined;
  const sum = BigInt(left) + BigInt(right);
  return sum === BigInt.asIntN(64, sum) ? sum.toString() : undefined;
}

function withCell(state: Registers, key: string, cell: Cell | undefined): Registers {
  if (state.cells.get(key) === cell) return state;
  const cells = new Map(state.cells);
  if (cell === undefined) cells.delete(key);
  else cells.set(key, cell);
  return { ...state, cells };
}

const greater = (left: Version | undefined, right: Version | undefined): Version | undefined =>
  compareKnown(left, right) >= 0 ? left : right;
