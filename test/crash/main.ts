// npm run crash:engine -- [--rounds N] [--cuts N] [--seed N]
//
// Kills a writing process N times, and cuts the power of a disk in memory N times; after each, every
// acknowledged write must be there, nothing that was never sent, and no batch in part.

import { parseArgs } from "node:util";
import { Prng } from "../../internal/base/prng.ts";
import { runKillRounds } from "./kill-rounds.ts";
import { runPowerCuts } from "./power-cuts.ts";

const cutsPerDisk = 20;

function whole(text: string, name: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} wants a whole number, not ${text}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "50" },
      cuts: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      verbose: { type: "boolean", default: false },
    },
  });
  const rounds = whole(values.rounds, "rounds");
  const cuts = whole(values.cuts, "cuts");
  const seed = whole(values.seed, "seed");
  const started = Date.now();
  console.log(`seed ${seed}`);
  const killed = await runKillRounds(rounds, new Prng(seed), (line) => values.verbose && console.log(line));
  const killSeconds = Math.round((Date.now() - started) / 1000);
  console.log(`rounds ${killed.rounds}, writes ${killed.writes}, losses ${killed.faults.length}, ${killSeconds} s`);
  for (const [point, count] of [...killed.kills].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${String(count).padStart(4)} ${point}`);
  const faults = [...killed.faults];
  let done = 0;
  const sums = { writes: 0, operations: 0, duringOpen: 0 };
  for (let disk = 0; done < cuts && faults.length === 0; disk++) {
    const result = await runPowerCuts({ seed: seed + disk, cuts: Math.min(cutsPerDisk, cuts - done) });
    done += result.cuts;
    sums.writes += result.writes;
    sums.operations += result.operations;
    sums.duringOpen += result.duringOpen;
    faults.push(...result.faults);
    if (disk % 10 === 9) console.log(`  ${done} cuts so far`);
  }
  console.log(
    `cuts ${done} (${sums.duringOpen} while opening), writes ${sums.writes}, disk operations ${sums.operations}, ` +
      `losses ${faults.length - killed.faults.length}, ${Math.round((Date.now() - started) / 1000) - killSeconds} s`,
  );
  for (const fault of faults) console.error(fault);
  if (faults.length > 0)
    console.error(`again: npm run crash:engine -- --seed ${seed} --rounds ${rounds} --cuts ${cuts}`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
