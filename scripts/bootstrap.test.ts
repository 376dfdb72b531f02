// The first thing a newcomer runs, in a small project of its own: the real bootstrap and the real compiler, and in place of
// npm a script that counts how often it is asked.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { RunningProcess } from "../test/support/running-process.ts";
import { root } from "./root.ts";

const npmStandIn = `
  const fs = require("node:fs");
  fs.appendFileSync("npm-calls", process.argv[2] + "\\n");
  fs.rmSync("node_modules", { recursive: true, force: true });
  fs.mkdirSync("node_modules");
  fs.symlinkSync(${JSON.stringify(path.join(root, "node_modules", "typescript"))}, "node_modules/typescript");
`;

const program = "process.stdout.write(process.argv.slice(2).join()); process.exitCode = 7;";

describe("the way from a clone to a running script", () => {
  let folder = "";

  const at = (name: string): string => path.join(folder, name);
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  const npmCalls = (): number => readFileSync(at("npm-calls"), "utf8").trim().split("\n").length;

  function run(...parameters: string[]): { status: number | null; output: string } {
    const result = spawnSync(process.execPath, ["scripts/bootstrap.mjs", ...parameters], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, npm_execpath: at("npm.cjs") },
    });
    return { status: result.status, output: result.stdout + result.stderr };
  }

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "trefoil-bootstrap-"));
    mkdirSync(at("scripts"));
    cpSync(path.join(root, "scripts", "bootstrap.mjs"), at("scripts/bootstrap.mjs"));
    const options = {
      module: "nodenext",
      rootDir: ".",
      outDir: "dist",
      types: [],
      lib: ["es5"],
      skipLibCheck: true,
      incremental: true,
    };
    const files = {
      compilerOptions: { ...options, tsBuildInfoFile: "dist/.tsbuildinfo" },
      include: ["internal", "scripts"],
    };
    write("tsconfig.json", JSON.stringify(files));
    write("package.json", '{ "type": "module", "engines": { "node": ">=20.19" } }');
    write("package-lock.json", "{}");
    write("npm.cjs", npmStandIn);
    write("internal/a.ts", "export const a: number = 1;");
    write("scripts/program.ts", `declare const process: any;\n${program}`);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("says so when this Node is too old", () => {
    write("package.json", '{ "type": "module", "engines": { "node": ">=1000.1" } }');
    const { status, output } = run();
    assert.equal(status, 1);
    assert.match(output, /needs Node >=1000\.1; this is v/);
    assert.ok(!existsSync(at("npm-calls")));
  });

  it("installs once, and again when the lock file is another", () => {
    assert.equal(run().status, 0);
    assert.equal(run().status, 0);
    assert.equal(npmCalls(), 1);
    write("package-lock.json", '{ "packages": {} }');
    assert.equal(run().status, 0);
    assert.equal(npmCalls(), 2);
    assert.match(readFileSync(at("npm-calls"), "utf8"), /^ci\nci\n$/);
  });

  it("shows that it is alive while npm takes its time", async () => {
    write(
      "npm.cjs",
      `${npmStandIn}\nconst timer = setInterval(() => (fs.existsSync("go") || !fs.existsSync("npm.cjs")) && clearInterval(timer), 20);`,
    );
    write("package-lock.json", '{ "packages": { "": {}, "node_modules/a": {}, "node_modules/b": {} } }');
    const started = new RunningProcess(process.execPath, ["scripts/bootstrap.mjs"], {
      cwd: folder,
      environment: { npm_execpath: at("npm.cjs") },
    });
    await started.says(/installing what package-lock\.json names: 2 packages, this once; it may take some minutes/);
    await started.says(/^ {2}still installing, after \d+ s$/m);
    write("go", "");
    assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output + started.errors);
  });

  it("stops when npm fails, and tries again the next time", () => {
    write("npm.cjs", "process.exit(3);");
    const { status, output } = run();
    assert.equal(status, 1);
    assert.match(output, /npm ci failed: exit code 3/);
    write("npm.cjs", npmStandIn);
    assert.equal(run().status, 0);
  });

  it("removes what a deleted source left behind, and builds again what was removed", () => {
    write("internal/old/b.test.ts", "export const b = 2;");
    assert.equal(run().status, 0);
    assert.ok(existsSync(at("dist/internal/old/b.test.js")));
    rmSync(at("internal/old"), { recursive: true });
    rmSync(at("dist/internal/a.js"));
    assert.equal(run().status, 0);
    assert.ok(!existsSync(at("dist/internal/old")));
    assert.ok(existsSync(at("dist/internal/a.js")));
  });

  it("stops at a type that does not fit, every time", () => {
    write("internal/a.ts", 'export const a: number = "one";');
    for (const attempt of [1, 2]) {
      const { status, output } = run("scripts/program");
      assert.equal(status, 1, `attempt ${attempt}`);
      assert.match(output, /internal\/a\.ts.*TS2322/);
    }
  });

  it("hands on arguments and the exit code", () => {
    const { status, output } = run("--no-warnings", "scripts/program", "x", "--y");
    assert.match(output, /x,--y$/);
    assert.equal(status, 7);
    assert.equal(run("scripts/missing").status, 1);
  });
});
