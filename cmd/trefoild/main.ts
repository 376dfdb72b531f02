#!/usr/bin/env node
// `trefoild`. All of the node takes a good part of a second to load: who wants it to stop by then is heard.

import process from "node:process";
import { stopsWhileLoading } from "../stop-signals.ts";

stopsWhileLoading();
const { runProgram } = await import("./program.ts");
await runProgram(process.argv.slice(2));
