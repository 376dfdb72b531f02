// `npm run check` runs all static checks, `npm run check -- lint format` the named ones.

import process from "node:process";
import { runChecks } from "./checks.ts";

process.exitCode = runChecks(process.argv.slice(2)) ? 0 : 1;
