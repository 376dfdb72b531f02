// What the tools read of a test run: one line of JSON for each finished test, `{"file", "name", "outcome"}`.
// `npm test` counts them, and the map in docs/testing.md is held against them.

import type { TestEvent } from "node:test/reporters";
import { readEvents } from "./test-events.ts";

export default async function* record(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of readEvents(source)) {
    if (event.type !== "finished" || event.test.suite) continue;
    const { file, name, outcome } = event.test;
    yield `${JSON.stringify({ file, name, outcome })}\n`;
  }
}
