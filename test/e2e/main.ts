// npm run e2e: real processes, and everything that can befall them, under clients of every kind; what the clients were told is judged by the
// simulator's checkers.

import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../internal/base/prng.ts";
import { runCommand, WrongUse, type Command, type Given } from "../../scripts/command-line.ts";
import { entryInWords } from "../sim/history.ts";
import type { HistoryEntry } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import { Arena, nodeCount } from "./arena.ts";
import { clients, Drill } from "./drill.ts";
import type { Plan } from "./drill.ts";
import { faults } from "./faults/faults.ts";
import type { Fault } from "./faults/faults.ts";
import { figuresOf, shortcomings } from "./figures.ts";
import { fastKeys, mixedKeys, strongKeys } from "./mixed-client.ts";
import { tryInWords } from "./tries.ts";
import type { Try } from "./tries.ts";
import { enterNamespace, isInside, Namespaces, namespacesMissing } from "./wires/namespaces.ts";
import { Proxies } from "./wires/proxies.ts";
import type { Wires } from "./wires/wires.ts";

const command: Command = {
  call: "npm run e2e --",
  what: `Starts ${nodeCount} trefoild processes, lets ${clients} clients read and write ${strongKeys + fastKeys + mixedKeys} keys at any of them, strong and fast, and lets
one fault after the other befall them, some rounds each, every fault with a cluster of its own. In the end all nodes are there, and
what the clients were told is judged: strong histories are linearizable, versions only grow, no acknowledged write is missing, nobody
who is cut off answers strongly. Each node has a network namespace of its own; where that is not permitted, a proxy before it, and
what cannot be had without is said. Exit code 1: something was violated, not answered, could not be run, or too little happened.`,
  flags: [
    { name: "rounds", value: "N", fallback: "5", what: "of each fault" },
    { name: "operations", value: "N", fallback: "2000", what: "answered in each round, at least" },
    { name: "only", value: "NAME,…", what: "only these faults" },
    { name: "smoke", what: "one round each of the faults that matter most; what was slow is told and fails nothing" },
    { name: "proxies", what: "proxies between the nodes, though namespaces could be had" },
    { name: "list", what: "names the faults and runs none" },
    { name: "think", value: "MS", fallback: "50", what: "a client's longest pause between two requests" },
    { name: "seed", value: "N", what: "of what clients do and whom it befalls (default: another one each time)" },
  ],
};

const smokeFaults: readonly string[] = ["leader-killed", "leader-cut", "all-killed", "disk-wiped"];

/** What lies between the nodes, and what of it cannot be had here. */
interface Ground {
  readonly missing: string | undefined;
  open(): Promise<Wires>;
}

function ground(missing: string | undefined): Ground {
  return missing === undefined
    ? { missing, open: () => Namespaces.open(nodeCount) }
    : { missing, open: () => Proxies.open(nodeCount) };
}

function chosen(given: Given): readonly Fault[] {
  const names = given.has("smoke") ? smokeFaults : given.text("only")?.split(",");
  for (const name of names ?? []) {
    if (!faults.some((fault) => fault.name === name)) throw new WrongUse(`there is no fault ${name}: see --list`);
  }
  return faults.filter(({ name }) => names === undefined || names.includes(name));
}

/** Whether no promise was broken. */
async function drill(fault: Fault, { seed, plan, on }: { seed: number; plan: Plan; on: Ground }): Promise<boolean> {
  const random = new Prng(seed).split(fault.name);
  const arena = await Arena.open(await on.open(), random, fault.needs ?? {});
  const run = new Drill(arena, fault);
  const begun = performance.now();
  try {
    await run.run(plan);
    return report(run, fault, { plan, seconds: (performance.now() - begun) / 1000 });
  } catch (failure) {
    if (!(failure instanceof Violation)) throw failure;
    const file = join(tmpdir(), `trefoil-e2e-${fault.name}-${seed}.txt`);
    const lines = run.history.entries.map((entry) => lineOf(entry, run.served.get(entry)));
    writeFileSync(file, [...lines, ...run.tries.flatMap(linesOfTry)].join("\n"));
    console.log(`${fault.name}: VIOLATED: ${failure.message}\n  what every client was told: ${file}`);
    return false;
  } finally {
    run.close();
    await arena.close();
  }
}

function report(run: Drill, fault: Fault, { plan, seconds }: { plan: Plan; seconds: number }): boolean {
  const { counts, rounds, history } = run;
  const figures = figuresOf(history.entries, rounds);
  const { fails, tells } = shortcomings(figures, counts, { ...plan, operations: plan.rounds * plan.operations });
  const { inside, outside, longestGap } = figures;
  const windows = rounds.map(({ from, to }) => ((to - from) / 1000).toFixed(1)).join(", ");
  console.log(
    `${fault.name}: ${counts.done} operations, ${counts.refused} refused, ${counts.unknown} unknown; ` +
      `outside of the fault ${outside.answered} of ${outside.asked}, inside ${inside.answered} of ${inside.asked}; ` +
      `longest gap ${Math.round(longestGap)} ms; ${seconds.toFixed(0)} s, windows of ${windows} s`,
  );
  for (const [why, times] of [...counts.why].sort((left, right) => right[1] - left[1]))
    console.log(`    ${times} ${why}`);
  for (const words of tells) console.log(`  not judged: ${words}`);
  for (const words of fails) console.log(`  FAILED: ${words}`);
  if (fails.length === 0) console.log("  verdict: no promise was broken");
  return fails.length === 0;
}

/** Of the file that tells of a failure. */
function lineOf(entry: HistoryEntry, served = ""): string {
  const { calledAt, returnedAt, via } = entry;
  const moments = `${calledAt.toFixed(3)} ${returnedAt.toFixed(3)}`;
  return `${moments} by ${via ?? "nobody"}: ${entryInWords(entry)}${served === "" ? "" : ` (${served})`}`;
}

/** Of a try that its client did not go on with. */
function linesOfTry(each: Try): readonly string[] {
  const { entry, told, via, calledAt, returnedAt } = each;
  if (entry.told === told) return [];
  return [`${calledAt.toFixed(3)} ${returnedAt.toFixed(3)} by ${via}, to a try that was given up: ${tryInWords(each)}`];
}

async function e2e(given: Given): Promise<boolean> {
  const wanted = chosen(given);
  if (given.has("list")) {
    for (const { name, what } of wanted) console.log(`${name.padEnd(16)} ${what}`);
    return true;
  }
  const missing = given.has("proxies") ? "they were asked for" : namespacesMissing();
  if (missing === undefined && !isInside()) return (await enterNamespace()) === 0;
  const on = ground(missing);
  const plan = {
    rounds: given.has("smoke") ? 1 : given.wholeNumber("rounds", 1),
    operations: given.wholeNumber("operations", 100),
    think: given.wholeNumber("think", 1),
    judgesPace: !given.has("smoke"),
  };
  const seed = given.text("seed") === undefined ? randomInt(2 ** 31) : given.wholeNumber("seed");
  console.log(`seed ${seed}: ${wanted.length} faults, ${plan.rounds} rounds of ${plan.operations} operations each`);
  console.log(missing === undefined ? "a network namespace for each node" : `PROXIES between the nodes: ${missing}`);
  const broken: string[] = [];
  let rounds = 0;
  for (const fault of wanted) {
    console.log(`… ${fault.name}: ${fault.what}`);
    if (missing !== undefined && fault.needs?.smallDisks) {
      console.log(`${fault.name}: NOT RUN: no small disk can be mounted here: ${missing}`);
      broken.push(fault.name);
      continue;
    }
    if (!(await drill(fault, { seed, plan, on }))) broken.push(fault.name);
    rounds += plan.rounds;
  }
  console.log(`rounds ${rounds}`);
  console.log(broken.length === 0 ? "all faults: no promise was broken" : `FAILED: ${broken.join(", ")}`);
  return broken.length === 0;
}

await runCommand(command, e2e);
