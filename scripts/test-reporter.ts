// What a person sees of a test run: one line a file, every failure in full where it happens, then Node's own summary, and last, since
// of a long run often nothing else is looked at, every failure once more by name.

import { inspect } from "node:util";
import type { TestEvent } from "node:test/reporters";
import { readEvents, type FinishedTest } from "./test-events.ts";

interface FileTally {
  readonly file: string;
  tests: number;
  failed: number;
  durationMs: number;
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failed: FinishedTest[] = [];
  const cancelled = new CancelledTests();
  let current: FileTally | undefined;
  for await (const event of readEvents(source)) {
    if (event.type === "output") {
      yield event.text;
    } else if (event.type === "summary") {
      yield* tellFailures(cancelled.take(), failed);
      if (current !== undefined) yield fileLine(current);
      current = undefined;
      yield `ℹ ${event.line}\n`;
    } else {
      const { test } = event;
      if (current?.file !== test.file) {
        yield* tellFailures(cancelled.take(), failed);
        if (current !== undefined) yield fileLine(current);
        current = { file: test.file, tests: 0, failed: 0, durationMs: 0 };
      }
      tally(current, test);
      if (test.outcome !== "fail") continue;
      const kind = failureTypeOf(test);
      // A parent that failed only since its children did has nothing to add.
      if (kind === "subtestsFailed") continue;
      if (kind === "cancelledByParent") {
        cancelled.add(test);
        continue;
      }
      cancelled.explainedBy(test);
      yield* tellFailures([test], failed);
    }
  }
  yield* listFailures(failed);
}

/**
 * Tests of a file that Node gave up. One whose parent failed by itself, in a hook say, has nothing to add to that; any other is told
 * of by name: nothing else would say which test waits for what never comes.
 */
class CancelledTests {
  private tests: FinishedTest[] = [];

  add(test: FinishedTest): void {
    this.tests.push(test);
  }

  explainedBy({ name }: FinishedTest): void {
    this.tests = this.tests.filter((test) => !test.name.startsWith(`${name} › `));
  }

  take(): FinishedTest[] {
    return this.tests.splice(0);
  }
}

function failureTypeOf({ error }: FinishedTest): unknown {
  return error instanceof Error && "failureType" in error ? error.failureType : undefined;
}

function* tellFailures(tests: readonly FinishedTest[], failed: FinishedTest[]): Generator<string> {
  for (const test of tests) {
    failed.push(test);
    yield describeFailure(test);
  }
}

function tally(file: FileTally, test: FinishedTest): void {
  if (test.depth === 0) file.durationMs += test.durationMs;
  if (test.suite) return;
  file.tests++;
  if (test.outcome === "fail") file.failed++;
}

function fileLine(tally: FileTally): string {
  const mark = tally.failed === 0 ? "✔" : "✖";
  const count = `${tally.tests} ${tally.tests === 1 ? "test" : "tests"}`;
  const seconds = (tally.durationMs / 1000).toFixed(2);
  const failures = tally.failed === 0 ? "" : `, ${tally.failed} failed`;
  return `${mark} ${tally.file.padEnd(60)} ${count.padStart(10)} ${seconds.padStart(8)} s${failures}\n`;
}

function describeFailure(test: FinishedTest): string {
  const error = test.error instanceof Error && test.error.cause !== undefined ? test.error.cause : test.error;
  const text = typeof error === "string" ? error : inspect(error, { depth: 8 });
  return `✖ ${test.file}:${test.line} › ${test.name}\n${indent(text)}\n`;
}

function* listFailures(failed: readonly FinishedTest[]): Generator<string> {
  if (failed.length === 0) return;
  yield "\nFailed:\n";
  for (const test of failed) yield `  ${test.file}:${test.line} › ${test.name}\n`;
  yield "\n";
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ");
}
