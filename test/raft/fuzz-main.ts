// `npm run fuzz:raft -- --messages 1000000 --seed 1`: many more messages than the test suite takes.

import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: { messages: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const { malformed, replayed, refusedReplays } = fuzz(Number(values.seed), Number(values.messages));
process.stdout.write(
  `${malformed} malformed refused, ${replayed} genuine replayed (${refusedReplays} refused), seed ${values.seed}\n`,
);
