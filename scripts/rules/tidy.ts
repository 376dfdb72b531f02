// All rules of tidiness together, over all files of the project.

import { checkDocuments } from "./documents.ts";
import { finding, type Finding, type SourceFile } from "./finding.ts";
import { checkSizes } from "./sizes.ts";
import { checkTestModifiers } from "./test-modifiers.ts";
import { checkWords } from "./words.ts";

export function checkTidiness(files: readonly SourceFile[]): Finding[] {
  const manifest = files.find((file) => file.path === "package.json");
  if (manifest === undefined) return [finding("package.json", 0, "was not read, and likely nothing else")];
  const { scripts } = JSON.parse(manifest.text) as { scripts: Record<string, string> };
  return [
    ...files.flatMap((file) => [...checkSizes(file), ...checkWords(file), ...checkTestModifiers(file)]),
    ...checkDocuments({ files, scripts: new Map(Object.entries(scripts)) }),
  ];
}
