// The linter's settings are a promise (which globals are forbidden where, which promises may float), so they are held
// against samples, in a folder laid out like the project.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { root } from "./root.ts";

/** Path of a sample, its text, and the rule that has to speak up; none for a sample that is good. */
const samples: readonly (readonly [path: string, text: string, rule: string | undefined])[] = [
  ["internal/base/date.ts", "export const now = Date.now();", "no-restricted-globals"],
  ["internal/log/timer.ts", "setTimeout(() => {}, 1);", "no-restricted-globals"],
  ["internal/engine/clock.ts", "export const now = performance.now();", "no-restricted-globals"],
  ["internal/store/environment.ts", "export const home = process.env;", "no-restricted-globals"],
  ["internal/node/turn.ts", "setImmediate(() => {});", "no-restricted-globals"],
  ["internal/raft/chance.ts", "export const pick = Math.random();", "no-restricted-properties"],
  ["internal/raft/escape.ts", "export const now = globalThis.Date.now();", "no-restricted-globals"],
  ["internal/os/date.ts", "export const now = Date.now();", undefined],
  ["internal/base/date.test.ts", "export const now = Date.now();", undefined],
  ["test/support/date.ts", "export const now = Date.now();", undefined],
  ["internal/os/any.ts", "export function take(value: any): void { void value; }", "no-explicit-any"],
  ["internal/os/bang.ts", "export const first = (list: number[]): number => list[0]!;", "no-non-null-assertion"],
  [
    "internal/os/float.ts",
    "const later = async (): Promise<void> => {};\nexport function go(): void { later(); }",
    "no-floating-promises",
  ],
  [
    "internal/os/misuse.ts",
    "export const run = (list: number[]): void => { list.forEach(async (n) => { await Promise.resolve(n); }); };",
    "no-misused-promises",
  ],
  [
    "internal/os/switch.ts",
    'export function name(kind: "a" | "b"): string {\n  switch (kind) { case "a": return "a"; }\n  return "";\n}',
    "switch-exhaustiveness-check",
  ],
  ["internal/os/unsafe.ts", 'export const size: number = JSON.parse("1");', "no-unsafe-assignment"],
  [
    "internal/os/many.ts",
    "export const sum = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;",
    "max-params",
  ],
  ["internal/os/long.ts", `export function long(): void {\n${"  void 0;\n".repeat(71)}}`, "max-lines-per-function"],
  ["internal/os/fits.ts", `export function fits(): void {\n${"  void 0;\n".repeat(60)}}`, undefined],
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

describe("the linter's settings", () => {
  let folder = "";
  let rulesOf = new Map<string, string[]>();

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "trefoil-lint-"));
    for (const name of [".oxlintrc.json", "tsconfig.json", "package.json"]) {
      cpSync(path.join(root, name), path.join(folder, name));
    }
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    for (const [file, text] of samples) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), `${text}\n`);
    }
    rulesOf = lint(folder);
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [file, , rule] of samples) {
    it(rule === undefined ? `have nothing against ${file}` : `report ${rule} in ${file}`, () => {
      const found = rulesOf.get(file) ?? [];
      assert.deepEqual(new Set(found), new Set(rule === undefined ? [] : [rule]));
    });
  }
});

function lint(folder: string): Map<string, string[]> {
  const linter = path.join(root, "node_modules", "oxlint", "bin", "oxlint");
  const result = spawnSync(process.execPath, [linter, "--format=json", "internal", "test"], {
    cwd: folder,
    encoding: "utf8",
  });
  const { diagnostics } = JSON.parse(result.stdout) as { diagnostics: Diagnostic[] };
  assert.ok(diagnostics.length > 0, `the linter found nothing at all: ${result.stderr}`);
  const rules = new Map<string, string[]>();
  for (const { code, filename } of diagnostics) {
    const rule = code.replace(/^.*\((.*)\)$/, "$1");
    rules.set(filename, [...(rules.get(filename) ?? []), rule]);
  }
  return rules;
}
