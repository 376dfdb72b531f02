// Looks for a planted bug in the build that this is part of: the engine against a map, power cuts, flipped
// bits, in turn, until one of them reports something or the time is over. Exit code 0: nothing was found.

import { checkEngine } from "../engine/engine-model.ts";
import { runFlips } from "../crash/flips.ts";
import { runPowerCuts } from "../crash/power-cuts.ts";

const [seedText, secondsText] = process.argv.slice(2);
const first = Number(seedText);
const until = Date.now() + Number(secondsText) * 1000;

function report(by: string, seed: number, what: string): never {
  const line = what.replaceAll(/\s+/g, " ").slice(0, 160);
  console.log(JSON.stringify({ by, seed, what: line }));
  process.exit(1);
}

for (let seed = first; Date.now() < until; seed++) {
  await checkEngine(40, seed).catch((failure: unknown) => report("the engine's model", seed, String(failure)));
  const cuts = await runPowerCuts({ seed, cuts: 20 }).catch((failure: unknown) =>
    report("power cuts", seed, String(failure)),
  );
  if (cuts.faults[0] !== undefined) report("power cuts", seed, cuts.faults[0]);
  const flips = await runFlips(seed, 60).catch((failure: unknown) => report("flipped bits", seed, String(failure)));
  if (flips.faults[0] !== undefined) report("flipped bits", seed, flips.faults[0]);
}
