// Holds every source file against the floor rule (scripts/rules/floors.ts). Part of `npm run lint`.

import process from "node:process";
import { describeFinding } from "./rules/finding.ts";
import { checkFloors } from "./rules/floors.ts";
import { isTypeScript, readSourceFiles } from "./rules/source-files.ts";

const files = readSourceFiles().filter(isTypeScript);
const findings = files.flatMap(checkFloors);
for (const finding of findings) console.error(describeFinding(finding));
if (files.length === 0) console.error("no source file was read");
console.log(`${files.length} files, ${findings.length} imports against the floors`);
process.exitCode = findings.length > 0 || files.length === 0 ? 1 : 0;
