// npm run e2e: a real cluster on this machine's loopback interface, clients of every kind, and processes that are killed under them; what
// the clients were told is judged by the simulator's checkers.

import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../internal/base/prng.ts";
import { runCommand, type Command, type Given } from "../../scripts/command-line.ts";
import { entryInWords } from "../sim/history.ts";
import type { HistoryEntry } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import { clients, Drill } from "./drill.ts";
import type { Plan } from "./drill.ts";
import { shortcomings } from "./enough.ts";
import { fastKeys, mixedKeys, strongKeys } from "./mixed-client.ts";
import { ClusterProcesses } from "./processes.ts";
import { judge } from "./verdict.ts";

const command: Command = {
  call: "npm run e2e --",
  what: `Starts three trefoild processes on free ports of the loopback interface, lets ${clients} clients read and write ${strongKeys + fastKeys + mixedKeys} keys at any of them,
strong and fast, and kills one process (SIGKILL) every while; it is started again some seconds later. In the end all nodes are
there, and what the clients were told is judged: strong histories are linearizable, versions only grow, no acknowledged
write is missing. Exit code 1: something was violated, not answered, or too little happened: fewer than 1000 operations
a minute were answered, or fewer processes killed than the times say.`,
  flags: [
    { name: "seconds", value: "N", fallback: "600", what: "for how long clients work" },
    { name: "kill-every", value: "N", fallback: "30", what: "seconds from one kill to the next" },
    { name: "think", value: "MS", fallback: "50", what: "a client's longest pause between two requests" },
    { name: "seed", value: "N", what: "of what clients do and who is killed (default: another one each time)" },
  ],
};

function report({ counts, rounds, history }: Drill): void {
  const { done, refused, unknown, silent } = counts;
  console.log(`rounds ${rounds.length}`);
  for (const { killed, operations, gap } of rounds) {
    console.log(`  ${killed} killed: ${operations} strong writes until the next, longest gap ${Math.round(gap)} ms`);
  }
  console.log(`operations ${done}, refused ${refused}, unknown ${unknown}, without an answer ${silent}`);
  for (const [why, times] of [...counts.why].sort((left, right) => right[1] - left[1]))
    console.log(`  ${times} ${why}`);
  console.log(`history of ${history.entries.length} entries on ${history.keys.length} keys`);
}

async function drill(given: Given): Promise<boolean> {
  const seed = given.text("seed") === undefined ? randomInt(2 ** 31) : given.wholeNumber("seed");
  const seconds = given.wholeNumber("seconds", 10);
  const killEverySeconds = given.wholeNumber("kill-every", 5);
  const think = given.wholeNumber("think", 1);
  const plan = { seconds, killEverySeconds, think };
  console.log(`seed ${seed}: ${seconds} s, a kill every ${killEverySeconds} s`);
  const cluster = await ClusterProcesses.make({ nodes: 3, groups: 4 });
  const run = new Drill(cluster, new Prng(seed));
  try {
    await run.run(plan);
    judge(run.history);
    run.measure();
    report(run);
    return isEnough(run, plan);
  } catch (failure) {
    report(run);
    if (!(failure instanceof Violation)) throw failure;
    const file = join(tmpdir(), `trefoil-e2e-${seed}.txt`);
    writeFileSync(file, run.history.entries.map((entry) => lineOf(entry, run.served.get(entry))).join("\n"));
    console.log(`VIOLATED: ${failure.message}\n  what every client was told: ${file}`);
    return false;
  } finally {
    run.close();
    await cluster.dispose();
  }
}

/** Of the file that tells of a failure. */
function lineOf(entry: HistoryEntry, served = ""): string {
  const { calledAt, returnedAt, via } = entry;
  const moments = `${calledAt.toFixed(3)} ${returnedAt.toFixed(3)}`;
  return `${moments} by ${via ?? "nobody"}: ${entryInWords(entry)}${served === "" ? "" : ` (${served})`}`;
}

function isEnough({ counts, rounds }: Drill, plan: Plan): boolean {
  const faults = shortcomings(counts, rounds.length, plan);
  for (const words of faults) console.log(`FAILED: ${words}`);
  if (faults.length === 0) console.log("verdict: no promise was broken");
  return faults.length === 0;
}

await runCommand(command, drill);
