// All text files of the project, as a fresh clone has them: no installed packages, no outputs, nothing that Git ignores.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fromRoot, root } from "../root.ts";
import type { SourceFile } from "./finding.ts";

const ignoredFolders = new Set([".git", "node_modules", "dist", "data"]);
const textEndings = [".ts", ".mjs", ".js", ".json", ".md", ".txt", ".proto", ".yml", ".yaml", ".sh", ".html", ".css"];
const textNames = new Set(["LICENSE", ".gitignore", ".npmrc", "run", "pre-commit"]);

/** Reads them all; small enough, and read once for all rules. */
export function readSourceFiles(): SourceFile[] {
  return listFiles(root)
    .filter(isText)
    .toSorted()
    .map((file) => ({ path: fromRoot(file), text: readFileSync(file, "utf8") }));
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return ignoredFolders.has(entry.name) ? [] : listFiles(file);
    return entry.isFile() ? [file] : [];
  });
}

function isText(file: string): boolean {
  return textNames.has(path.basename(file)) || textEndings.includes(path.extname(file));
}

export function isTypeScript(file: SourceFile): boolean {
  return file.path.endsWith(".ts");
}

/** Tests and benches: they may put parts together from every floor. */
export function isTestOrBench(path: string): boolean {
  return path.endsWith(".test.ts") || path.endsWith(".bench.ts") || path.startsWith("test/");
}
