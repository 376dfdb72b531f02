import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestEvent } from "node:test/reporters";
import path from "node:path";
import { outputFolder } from "./root.ts";
import { readEvents, type FinishedTest, type RunEvent } from "./test-events.ts";

const file = path.join(outputFolder, "internal", "base", "bytes.test.js");

function started(name: string, nesting: number): TestEvent {
  return { type: "test:start", data: { name, nesting, file, line: 1, column: 1 } };
}

function passed(name: string, nesting: number, more: { skip?: boolean; type?: "suite" } = {}): TestEvent {
  const details = { duration_ms: 2, ...(more.type === undefined ? {} : { type: more.type }) };
  const skip = more.skip === undefined ? {} : { skip: more.skip };
  return { type: "test:pass", data: { name, nesting, file, line: 7, column: 1, testNumber: 1, details, ...skip } };
}

async function read(events: TestEvent[]): Promise<RunEvent[]> {
  async function* source(): AsyncGenerator<TestEvent> {
    for (const event of events) yield await Promise.resolve(event);
  }
  const found: RunEvent[] = [];
  for await (const event of readEvents(source())) found.push(event);
  return found;
}

async function finishedTests(events: TestEvent[]): Promise<FinishedTest[]> {
  const found = await read(events);
  return found.filter((event) => event.type === "finished").map((event) => event.test);
}

describe("reading Node's test events", () => {
  it("gives each test the names of the suites around it", async () => {
    const tests = await finishedTests([
      started("outer", 0),
      started("inner", 1),
      started("first", 2),
      passed("first", 2),
      started("second", 2),
      passed("second", 2),
      passed("inner", 1, { type: "suite" }),
      passed("outer", 0, { type: "suite" }),
      started("alone", 0),
      passed("alone", 0),
    ]);
    assert.deepEqual(
      tests.map((test) => [test.name, test.suite]),
      [
        ["outer › inner › first", false],
        ["outer › inner › second", false],
        ["outer › inner", true],
        ["outer", true],
        ["alone", false],
      ],
    );
    assert.equal(tests[0]?.file, "internal/base/bytes.test.ts");
  });

  it("calls a skipped test skipped, although Node calls it passed", async () => {
    const tests = await finishedTests([started("later", 0), passed("later", 0, { skip: true })]);
    assert.deepEqual(
      tests.map((test) => test.outcome),
      ["skip"],
    );
  });

  it("fails a file that defines no test", async () => {
    const tests = await finishedTests([started(file, 0), passed(file, 0)]);
    assert.deepEqual(
      tests.map((test) => test.outcome),
      ["fail"],
    );
    assert.match(String(tests[0]?.error), /defines no test/);
  });

  it("keeps the lines of Node's own summary", async () => {
    const events = await read([{ type: "test:diagnostic", data: { message: "tests 4", nesting: 0 } }]);
    assert.deepEqual(events, [{ type: "summary", line: "tests 4" }]);
  });
});
