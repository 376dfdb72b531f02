// `npm run fuzz:frames -- --inputs 1000000 --seed 1`: many more inputs than the test suite takes.

import { countsInWords, runFuzz } from "../support/fuzz-command.ts";
import { fuzzFrames } from "./frame-fuzz.ts";

await runFuzz({
  call: "npm run fuzz:frames --",
  what: "Frames, hellos and messages between nodes as bytes: whole, damaged and hostile.",
  count: { flag: "inputs", fallback: "1000000" },
  fuzz: (seed, count) => {
    const counts = fuzzFrames(seed, count);
    const missing = Object.entries(counts).flatMap(([name, met]) => (met === 0 ? [name] : []));
    return { inputs: count, lines: [countsInWords(counts)], missing };
  },
});
