// Where the project lies, seen from the compiled scripts in dist/scripts, and where the steps leave their notes.

import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with package.json in it. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");

export const outputFolder = path.join(root, "dist");

/** Notes of test runs: which tests ran, and the generated files that import those of a folder. */
export const runFolder = path.join(outputFolder, ".tests");

/** A path below the root, with slashes on every platform. */
export function fromRoot(file: string): string {
  return path.relative(root, file).split(path.sep).join("/");
}
