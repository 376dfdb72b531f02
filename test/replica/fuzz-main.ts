// `npm run fuzz:replica -- --messages 100000 --seed 1`: many more messages than the test suite takes.

import { countsInWords, runFuzz } from "../support/fuzz-command.ts";
import { fuzzMessages, neverMet, triedOf } from "./message-fuzz.ts";

await runFuzz({
  call: "npm run fuzz:replica --",
  what: "What replicas say to each other beside Raft: genuine, spoilt, late, double, from strangers.",
  count: { flag: "messages", fallback: "100000" },
  fuzz: async (seed, count) => {
    const counts = await fuzzMessages(seed, count);
    const { replayedOf, malformedOf, ...kinds } = counts;
    const lines = [
      countsInWords(kinds),
      `refused, by type: ${countsInWords(malformedOf)}`,
      `taken, by type: ${countsInWords(replayedOf)}`,
    ];
    return { inputs: triedOf(counts), lines, missing: neverMet(counts) };
  },
});
