// `npm run fuzz:raft -- --messages 1000000 --seed 1`: many more messages than the test suite takes.

import { countsInWords, runFuzz } from "../support/fuzz-command.ts";
import { fuzz, neverMet, triedOf } from "./fuzz.ts";

await runFuzz({
  call: "npm run fuzz:raft --",
  what: "Messages of every kind against the Raft core: genuine, spoilt, late, double, from strangers.",
  count: { flag: "messages", fallback: "1000000" },
  fuzz: (seed, count) => {
    const counts = fuzz(seed, count);
    const { spoiltOf, replayedOf, ...kinds } = counts;
    const lines = [
      countsInWords(kinds),
      `refused, by type: ${countsInWords(spoiltOf)}`,
      `taken, by type: ${countsInWords(replayedOf)}`,
    ];
    return { inputs: triedOf(counts), lines, missing: neverMet(counts) };
  },
});
