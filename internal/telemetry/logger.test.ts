// Lines for programs and for people; what must never be on one.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { logFormOf, openLogger } from "./logger.ts";
import type { LoggerOptions } from "./logger.ts";
import { prettyLine } from "./pretty-line.ts";

function rig(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (text: string) => void lines.push(text) };
  return { lines, logger: openLogger({ level: "info", form: "json", node: "n1", destination, ...options }) };
}

const parsed = (line: string | undefined) => JSON.parse(line ?? "") as Record<string, unknown>;

describe("log lines as JSON", () => {
  test("hold level, time, node, message and fields, one to a line", () => {
    const { lines, logger } = rig();
    logger.warn("a peer is gone\nfor now", { peer: "n2", tries: 3, isLast: false, group: undefined });
    assert.equal(lines.length, 1);
    assert.match(lines[0] as string, /^[^\n]+\n$/);
    const { time, ...line } = parsed(lines[0]);
    assert.match(time as string, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(line, {
      level: "warn",
      node: "n1",
      message: "a peer is gone\nfor now",
      peer: "n2",
      tries: 3,
      isLast: false,
    });
  });

  test("below the level nothing is written; the level can be changed", () => {
    const { lines, logger } = rig({ level: "warn" });
    logger.info("one");
    logger.error("two");
    logger.setLevel("silent");
    logger.error("three");
    logger.setLevel("info");
    logger.info("four");
    assert.deepEqual(
      lines.map((line) => parsed(line)["message"]),
      ["two", "four"],
    );
  });

  test("a field is a word or a number; bytes and objects are withheld, whatever a caller's types let pass", () => {
    const { lines, logger } = rig();
    const value = Buffer.from("what a user stored");
    const fields = { value, record: { value: "what a user stored" }, list: ["what a user stored"], far: Infinity };
    logger.info("a record", fields as unknown as Record<string, string>);
    assert.doesNotMatch(lines[0] as string, /what a user stored|119,104/);
    const { value: first, record, list, far } = parsed(lines[0]);
    assert.deepEqual([first, record, list, far], ["(withheld)", "(withheld)", "(withheld)", "Infinity"]);
  });

  test("text is bounded, and so is the number of fields", () => {
    const { lines, logger } = rig();
    const long = "x".repeat(100_000);
    logger.info(long, Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}`, long])));
    assert.ok((lines[0] as string).length < 40_000, `${lines[0]?.length} characters`);
  });

  test("a field does not take the place of level, time, node or message", () => {
    const { lines, logger } = rig();
    logger.info("hello", { level: "error", message: "bye", time: "never", node: "n9" });
    const line = parsed(lines[0]);
    assert.deepEqual([line["level"], line["message"], line["node"]], ["info", "hello", "n1"]);
    assert.deepEqual([line["level_"], line["message_"], line["time_"], line["node_"]], ["error", "bye", "never", "n9"]);
    assert.equal((lines[0] as string).match(/"level"/g)?.length, 1);
  });

  test("the last words of a process are written, though it ends at once", () => {
    const url = new URL("./logger.js", import.meta.url).href;
    const program = `
      import { openLogger } from ${JSON.stringify(url)};
      const logger = openLogger({ level: "info", form: "json", node: "n1" });
      for (let at = 0; at < 5000; at++) logger.info("word", { at });
      process.exit(3);`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    assert.equal(child.status, 3, child.stderr);
    const lines = child.stdout.trimEnd().split("\n");
    assert.equal(lines.length, 5000);
    assert.equal(parsed(lines.at(-1))["at"], 4999);
  });
});

describe("a process whose lines cannot be written", () => {
  const url = new URL("./logger.js", import.meta.url).href;
  const program = `
    import { openLogger } from ${JSON.stringify(url)};
    const logger = openLogger({ level: "info", form: "json", node: "n1" });
    process.stdin.on("data", () => undefined);
    process.stdin.on("end", () => {
      for (let at = 0; at < 100; at++) logger.info("word", { at });
      setImmediate(() => process.exit(4));
    });
    process.stderr.write("up");`;

  async function exitCode(stdout: "pipe" | number): Promise<unknown> {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", stdout, "pipe"] });
    const ended = once(child, "exit") as Promise<unknown[]>;
    try {
      await once(child.stderr as NodeJS.ReadableStream, "data");
      child.stdout?.destroy();
      child.stdin?.end();
      return (await ended)[0];
    } finally {
      child.kill("SIGKILL");
    }
  }

  test("goes on when nobody reads them", async () => assert.equal(await exitCode("pipe"), 4));

  test("goes on when the system refuses them", async () => {
    const readOnly = openSync(fileURLToPath(import.meta.url), "r");
    try {
      assert.equal(await exitCode(readOnly), 4);
    } finally {
      closeSync(readOnly);
    }
  });
});

describe("log lines for people", () => {
  const line = JSON.stringify({
    level: "warn",
    time: "2026-05-01T12:00:00.123Z",
    node: "n1",
    message: "a peer is gone",
    peer: "n2",
    after: "3 tries",
    count: 4,
  });

  test("time, level, message, fields", () =>
    assert.equal(
      prettyLine(`${line}\n`, false),
      '12:00:00.123 warn  a peer is gone  peer=n2 after="3 tries" count=4\n',
    ));

  test("with colours, and nothing else added", () => {
    const painted = prettyLine(line, true);
    assert.ok(painted.includes("\u001b[33mwarn "), JSON.stringify(painted));
    assert.equal(painted.replaceAll(/\p{Cc}\[\d+m/gu, ""), prettyLine(line, false));
  });

  test("nothing that a terminal obeys comes from what is logged", () => {
    const nasty = "a\u001b[2J\u009b31m\nb\u2028c\u202ed\u0007";
    const { lines, logger } = rig({ form: "pretty" });
    logger.error(nasty, { field: nasty, [nasty]: 1 });
    assert.equal(lines.length, 1);
    assert.doesNotMatch((lines[0] as string).slice(0, -1), /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.match(lines[0] as string, /error a\\u\{1b\}\[2J/);
  });

  test("a line that is no record is passed on, made harmless", () => {
    assert.equal(prettyLine("not\tJSON\n", false), "not\\u{9}JSON\n");
    assert.equal(prettyLine("null", false), "null\n");
  });

  test("auto looks at where lines go", () => {
    assert.equal(logFormOf("auto", true), "pretty");
    assert.equal(logFormOf("auto", false), "json");
    assert.equal(logFormOf("json", true), "json");
    assert.equal(logFormOf("pretty", false), "pretty");
  });
});
