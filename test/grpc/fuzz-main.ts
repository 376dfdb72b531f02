// `npm run fuzz:frames -- --inputs 1000000 --seed 1`: many more inputs than the test suite takes.

import process from "node:process";
import { parseArgs } from "node:util";
import { fuzzFrames } from "./frame-fuzz.ts";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const counts = Object.entries(fuzzFrames(Number(values.seed), Number(values.inputs)));
const told = counts.map(([name, count]) => `${name} ${count}`).join(", ");
process.stdout.write(`inputs ${values.inputs}, seed ${values.seed}\n${told}\n`);
if (counts.some(([, count]) => count === 0)) {
  process.stdout.write("something was never met\n");
  process.exitCode = 1;
}
