// Assertions stay on in production: a broken invariant stops the process before it can do harm.
// They are for bugs only. Bad bytes, full disks and wrong arguments are failures of the world and
// throw TrefoilError instead.

export type AssertValues = Readonly<Record<string, unknown>>;

export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
  readonly values: AssertValues;

  constructor(message: string, values: AssertValues) {
    super(describe(message, values));
    this.values = values;
  }
}

/** Throws when `condition` is false. Pass primitive `values` only: they are read on failure, built on every call. */
export function assert(condition: boolean, message: string, values: AssertValues = noValues): asserts condition {
  if (!condition) throw new AssertionFailure(message, values);
}

/** The end of an exhaustive switch: the compiler proves that it is never reached with a well-typed value. */
export function unreachable(value: never, message: string): never {
  throw new AssertionFailure(message, { value });
}

const noValues: AssertValues = Object.freeze({});

function describe(message: string, values: AssertValues): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  return parts.length === 0 ? message : `${message} (${parts.join(", ")})`;
}

/** The code noticed it itself, or the language did. */
export const isBug = (reason: unknown): boolean =>
  [AssertionFailure, TypeError, RangeError, ReferenceError].some((kind) => reason instanceof kind);
