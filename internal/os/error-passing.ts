// Errors on their way between threads. The structured clone knows only the classes of the language: a
// DiskFailure would arrive as an Error without its kind. So errors travel as plain data and are built
// again on the other side, with the stack of where they were thrown.

import { AssertionFailure, unreachable } from "../base/assert.ts";
import { TrefoilError, type ErrorCode, type Outcome } from "../base/errors.ts";
import { DiskFailure, type DiskFailureKind } from "../platform/disk.ts";

interface PassedCommon {
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: PassedError | undefined;
}

export type PassedError =
  | (PassedCommon & {
      readonly type: "disk";
      readonly kind: DiskFailureKind;
      readonly operation: string;
      readonly path: string;
    })
  | (PassedCommon & { readonly type: "trefoil"; readonly code: ErrorCode; readonly outcome: Outcome })
  | (PassedCommon & { readonly type: "assertion"; readonly values: Readonly<Record<string, string>> })
  | (PassedCommon & { readonly type: "other"; readonly name: string; readonly code: string | undefined });

/** Causes of causes beyond this many are left out. */
const causesMax = 8;

export function packError(reason: unknown, causesLeft = causesMax): PassedError {
  if (!(reason instanceof Error)) {
    const message = typeof reason === "string" ? reason : `thrown: ${String(reason)}`;
    return { type: "other", name: "Error", code: undefined, message, stack: undefined, cause: undefined };
  }
  const hasCause = reason.cause !== undefined && causesLeft > 0;
  const common: PassedCommon = {
    message: reason.message,
    stack: reason.stack,
    cause: hasCause ? packError(reason.cause, causesLeft - 1) : undefined,
  };
  if (reason instanceof DiskFailure) {
    return { ...common, type: "disk", kind: reason.kind, operation: reason.operation, path: reason.path };
  }
  if (reason instanceof TrefoilError) {
    return { ...common, type: "trefoil", code: reason.code, outcome: reason.outcome };
  }
  if (reason instanceof AssertionFailure) {
    const values = Object.entries(reason.values).map(([name, value]) => [name, String(value)]);
    return { ...common, type: "assertion", values: Object.fromEntries(values) as Record<string, string> };
  }
  const code = "code" in reason && typeof reason.code === "string" ? reason.code : undefined;
  return { ...common, type: "other", name: reason.name, code };
}

export function unpackError(passed: PassedError): Error {
  const error = build(passed);
  // The constructors compose messages of their own; what was thrown counts.
  Object.defineProperty(error, "message", { value: passed.message });
  if (passed.stack !== undefined) Object.defineProperty(error, "stack", { value: passed.stack });
  return error;
}

function build(passed: PassedError): Error {
  const cause = passed.cause === undefined ? undefined : unpackError(passed.cause);
  switch (passed.type) {
    case "disk":
      return new DiskFailure(passed.kind, passed.operation, passed.path, cause);
    case "trefoil":
      return new TrefoilError(passed.code, passed.message, { cause, outcome: passed.outcome });
    case "assertion":
      return new AssertionFailure(passed.message, passed.values);
    case "other":
      return buildOther(passed, cause);
    default:
      return unreachable(passed, "a kind of error that nobody packs");
  }
}

function buildOther(passed: Extract<PassedError, { type: "other" }>, cause: Error | undefined): Error {
  const error = new Error(passed.message, cause === undefined ? undefined : { cause });
  Object.defineProperty(error, "name", { value: passed.name });
  return passed.code === undefined ? error : Object.assign(error, { code: passed.code });
}
