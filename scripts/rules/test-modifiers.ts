// A test that is skipped, put off or run alone leaves the others, or itself, out without anybody noticing.
//
//   it.skip(…)   test.only(…)   t.todo(…)   it("…", { skip: true }, …)   { only: true }   { todo: "…" }

import { parseSync, Visitor, type ObjectExpression } from "oxc-parser";
import { finding, lineAt, type Finding, type SourceFile } from "./finding.ts";

const modifiers = new Set(["only", "skip", "todo"]);
const runners = new Set(["test", "it", "describe", "suite"]);
/** What a test calls its own context. */
const contexts = new Set(["t", "context"]);

export function checkTestModifiers(file: SourceFile): Finding[] {
  if (!file.path.endsWith(".ts") || !file.text.includes("node:test")) return [];
  const found: Finding[] = [];
  const report = (name: string, offset: number): void => {
    found.push(finding(file.path, lineAt(file.text, offset), `${name}: every test runs, and with all the others`));
  };
  new Visitor({
    CallExpression: ({ callee, arguments: values }) => {
      const isRunner = callee.type === "Identifier" && runners.has(callee.name);
      if (!isRunner) return;
      for (const value of values) if (value.type === "ObjectExpression") reportOptions(value, report);
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const isTest = runners.has(node.object.name) || contexts.has(node.object.name);
      if (isTest && modifiers.has(node.property.name)) report(`${node.object.name}.${node.property.name}`, node.start);
    },
  }).visit(parseSync(file.path, file.text).program);
  return found;
}

function reportOptions(options: ObjectExpression, report: (name: string, offset: number) => void): void {
  for (const property of options.properties) {
    if (property.type !== "Property" || property.key.type !== "Identifier") continue;
    if (modifiers.has(property.key.name)) report(`the option ${property.key.name}`, property.start);
  }
}
