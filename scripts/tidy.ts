// `npm run tidy`: holds every file of the project against the rules in scripts/rules.

import process from "node:process";
import { describeFinding } from "./rules/finding.ts";
import { readSourceFiles } from "./rules/source-files.ts";
import { checkTidiness } from "./rules/tidy.ts";

const files = readSourceFiles();
const findings = checkTidiness(files);
for (const finding of findings) console.error(describeFinding(finding));
console.log(`${files.length} files, ${findings.length} findings`);
process.exitCode = findings.length > 0 || files.length === 0 ? 1 : 0;
