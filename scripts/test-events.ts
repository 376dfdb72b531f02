// Node's stream of test events, told as finished tests.
//
// Node reports a file's tests in order and one file after the other, a parent's start before its children and its end
// after them, so a stack of names is enough to give each test the path of its parents: `suite › test`.
// A file that defines no test is reported by Node as a passing test that bears the file's own path: here it is a failure,
// since a test file that tests nothing is one whose tests were lost.

import path from "node:path";
import type { TestEvent } from "node:test/reporters";
import { sourceName } from "./test-files.ts";

export interface FinishedTest {
  /** Source file that defines the test, seen from the root: `internal/base/bytes.test.ts`. */
  readonly file: string;
  readonly line: number;
  /** The test's own name after those of the suites around it, joined by ` › `. */
  readonly name: string;
  /** Zero for a test at the top of its file. */
  readonly depth: number;
  readonly suite: boolean;
  readonly outcome: "pass" | "fail" | "skip";
  readonly durationMs: number;
  readonly error: unknown;
}

export type RunEvent =
  | { readonly type: "finished"; readonly test: FinishedTest }
  | { readonly type: "output"; readonly text: string }
  | { readonly type: "summary"; readonly line: string };

type EndEvent = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

export async function* readEvents(source: AsyncIterable<TestEvent>): AsyncGenerator<RunEvent> {
  const parents: string[] = [];
  for await (const event of source) {
    switch (event.type) {
      case "test:start":
        parents.length = event.data.nesting;
        parents.push(event.data.name);
        break;
      case "test:pass":
      case "test:fail":
        parents.length = event.data.nesting;
        yield { type: "finished", test: finishedTest(event, parents) };
        break;
      case "test:stdout":
      case "test:stderr":
        yield { type: "output", text: event.data.message };
        break;
      case "test:diagnostic":
        if (event.data.nesting === 0) yield { type: "summary", line: event.data.message };
        break;
      case "test:complete":
      case "test:coverage":
      case "test:dequeue":
      case "test:enqueue":
      case "test:plan":
      case "test:watch:drained":
        break;
      default:
        // Newer versions of Node have kinds of events that these types do not know.
        break;
    }
  }
}

function finishedTest(event: EndEvent, parents: readonly string[]): FinishedTest {
  const { data } = event;
  const base = {
    file: data.file === undefined ? "unknown" : sourceName(data.file),
    line: data.line ?? 0,
    depth: data.nesting,
    suite: data.details.type === "suite",
    durationMs: data.details.duration_ms,
  };
  if (data.nesting === 0 && path.isAbsolute(data.name) && event.type === "test:pass") {
    return { ...base, name: "the file", outcome: "fail", error: new Error("this test file defines no test") };
  }
  const name = [...parents, data.name].join(" › ");
  if (event.type === "test:fail") return { ...base, name, outcome: "fail", error: event.data.details.error };
  const skipped = data.skip !== undefined || data.todo !== undefined;
  return { ...base, name, outcome: skipped ? "skip" : "pass", error: undefined };
}
