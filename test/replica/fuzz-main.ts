// `npm run fuzz:replica -- --messages 100000 --seed 1`: many more messages than the test suite takes.

import process from "node:process";
import { parseArgs } from "node:util";
import { fuzzMessages, neverMet, triedOf } from "./message-fuzz.ts";

const { values } = parseArgs({
  options: { messages: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } },
});
const counts = await fuzzMessages(Number(values.seed), Number(values.messages));
const { replayedOf, malformedOf, ...kinds } = counts;
const lineOf = (of: object): string =>
  Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
process.stdout.write(
  `inputs ${triedOf(counts)}, seed ${values.seed}\n${lineOf(kinds)}\n` +
    `refused, by type: ${lineOf(malformedOf)}\ntaken, by type: ${lineOf(replayedOf)}\n`,
);
const missing = neverMet(counts);
if (missing.length > 0) {
  process.stdout.write(`never met: ${missing.join(", ")}\n`);
  process.exitCode = 1;
}
