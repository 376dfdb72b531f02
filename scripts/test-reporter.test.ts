// The reporters decide whether a run is believed, so they are run by Node itself over files that pass, fail, skip, break in
// a hook, and test nothing.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { outputFolder } from "./root.ts";

const samples: Readonly<Record<string, string>> = {
  "fine.test.mjs": 'describe("fine", () => { it("adds", () => {}); it("counts", () => {}); });',
  "broken.test.mjs": 'it("breaks", () => { throw new Error("the cause of it"); });',
  "hook.test.mjs":
    'describe("hooked", () => { before(() => { throw new Error("the hook broke"); }); it("never runs", () => {}); });',
  "waiting.test.mjs":
    'describe("waiting", () => { it("for ever", () => new Promise(() => {})); }); it("alone", () => new Promise(() => {}));',
  "stray.test.mjs":
    'describe("stray", () => { it("throws", () => new Promise(() => void setTimeout(() => { throw new Error("by itself"); }))); });',
  "unheard.test.mjs":
    'it("rejects", async () => { Promise.reject(new Error("nobody cares")); await new Promise((heard) => setTimeout(heard, 5)); });',
  "left-out.test.mjs": 'it("is left out", { skip: true }, () => {});',
  "nothing.test.mjs": "",
};

interface Outcome {
  readonly status: number | null;
  readonly shown: string;
  readonly recorded: string[];
}

describe("a test run", () => {
  let folder = "";

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "trefoil-reporter-"));
    for (const [name, text] of Object.entries(samples)) {
      writeFileSync(path.join(folder, name), `import { before, describe, it } from "node:test";\n${text}\n`);
    }
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  function run(...names: string[]): Outcome {
    // Node's runner talks to its children through this variable: a run within a run has to start anew.
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const reporter = (name: string, destination: string): string[] => [
      `--test-reporter=${path.join(outputFolder, "scripts", name)}`,
      `--test-reporter-destination=${destination}`,
    ];
    const parameters = [
      `--import=${pathToFileURL(path.join(outputFolder, "scripts", "lean-tracking.js")).href}`,
      "--test",
      ...reporter("test-reporter.js", "stdout"),
      ...reporter("test-record.js", "stderr"),
      ...names.map((name) => path.join(folder, name)),
    ];
    const result = spawnSync(process.execPath, parameters, { encoding: "utf8", env: environment });
    const recorded = result.stderr.split("\n").filter((line) => line.startsWith("{"));
    return {
      status: result.status,
      shown: result.stdout,
      recorded: recorded.map((line) => {
        const { name, outcome } = JSON.parse(line) as { name: string; outcome: string };
        return `${name}: ${outcome}`;
      }),
    };
  }

  it("ends with Node's own summary, and records every test", () => {
    const { status, shown, recorded } = run("fine.test.mjs");
    assert.equal(status, 0);
    assert.match(shown, /fine\.test\.mjs +2 tests/);
    assert.match(shown, /^ℹ tests 2$/m);
    assert.match(shown, /^ℹ pass 2$/m);
    assert.match(shown, /^ℹ fail 0$/m);
    assert.deepEqual(recorded, ["fine › adds: pass", "fine › counts: pass"]);
  });

  it("shows a failure with its cause and names it again at the end", () => {
    const { status, shown, recorded } = run("fine.test.mjs", "broken.test.mjs");
    assert.equal(status, 1);
    assert.match(shown, /the cause of it/);
    assert.equal(shown.match(/› breaks/g)?.length, 2);
    assert.match(shown, /^ℹ fail 1$[^]*\nFailed:\n {2}.*broken\.test\.mjs:2 › breaks\n\n$/m);
    assert.ok(recorded.includes("breaks: fail"));
  });

  it("shows why a hook broke, once", () => {
    const { status, shown, recorded } = run("hook.test.mjs");
    assert.equal(status, 1);
    assert.equal(shown.match(/Error: the hook broke/g)?.length, 1, shown);
    assert.ok(recorded.includes("hooked › never runs: fail"));
  });

  it("shows what nobody awaited, and of a timer's also by which test", () => {
    const stray = run("stray.test.mjs");
    assert.equal(stray.status, 1);
    assert.match(stray.shown, /stray › throws\n[^]*by itself/);
    assert.ok(stray.recorded.includes("stray › throws: fail"));
    const unheard = run("unheard.test.mjs");
    assert.equal(unheard.status, 1);
    assert.match(unheard.shown, /nobody awaited this: Error: nobody cares\n +at /);
    assert.match(unheard.shown, /^Failed:\n {2}.*unheard\.test\.mjs/m);
  });

  it("names each test that waits for what never comes", () => {
    const { status, shown, recorded } = run("waiting.test.mjs");
    assert.equal(status, 1);
    for (const name of ["waiting › for ever", "alone"]) {
      assert.equal(shown.match(new RegExp(`waiting\\.test\\.mjs:2 › ${name}$`, "gm"))?.length, 2, shown);
      assert.ok(recorded.includes(`${name}: fail`));
    }
  });

  it("records what was left out and files that test nothing", () => {
    const { recorded } = run("left-out.test.mjs", "nothing.test.mjs");
    assert.deepEqual(recorded.toSorted(), ["is left out: skip", "the file: fail"]);
  });
});
