// npm run bench:catchup: a node that has missed so much that the log behind it is gone comes back and is filled by snapshots, while clients
// go on at the two others: how fast, what the clients notice of it, and whether each group needed one snapshot.
//
//   all nodes | killed, the others are written to, and let go of their logs | clients: before | started ... keeps pace | after

import { writeFileSync } from "node:fs";
import { Prng } from "../../../internal/base/prng.ts";
import { runCommand, type Command, type Given } from "../../../scripts/command-line.ts";
import { Arena } from "../../e2e/arena.ts";
import { loopbackWires } from "../../e2e/wires/loopback.ts";
import { machineLimits } from "../machine.ts";
import { renderRows } from "../row.ts";
import { catchupRows, faultsOf } from "./catchup-rows.ts";
import { CatchUp, mebibyte } from "./catchup.ts";
import type { Plan } from "./catchup.ts";

const faultsShown = 3;

const command: Command = {
  call: "npm run bench:catchup --",
  what: `Starts three trefoild processes, kills (SIGKILL) one, and writes values of 4 to 16 KiB at the others. When these have let go of the log
that it lacks, which takes them a minute, clients ask them at a bounded rate, strong writes and fast reads. Then the third is started again and
filled by snapshots, and a sample of what it missed is read there. All is on the settings that a node has unless it is told otherwise. Exit
code 0 whatever the figures are, 1 when something could not be measured or a value is wrong.`,
  flags: [
    { name: "mebibytes", value: "N", fallback: "256", what: "of values that the node misses" },
    { name: "rate", value: "N", fallback: "600", what: "requests of clients a second, a third of them strong writes" },
    { name: "seconds", value: "N", fallback: "20", what: "of clients before the start, and behind the catch-up" },
    { name: "snapshot-rate", value: "BYTES", what: "the setting of the nodes, such as 16MiB" },
    { name: "quick", what: "48 MiB, 5 seconds" },
    { name: "json", value: "FILE", what: "writes the table as {limits, rows}" },
  ],
};

function planOf(given: Given): Plan {
  const isQuick = given.has("quick");
  const mebibytes = isQuick ? 48 : given.wholeNumber("mebibytes", 1);
  return {
    bytes: mebibytes * mebibyte,
    perSecond: given.wholeNumber("rate", 3),
    seconds: isQuick ? 5 : given.wholeNumber("seconds", 1),
  };
}

async function bench(given: Given): Promise<boolean> {
  const plan = planOf(given);
  const limits = machineLimits();
  const rate = given.text("snapshot-rate");
  const flags = rate === undefined ? [] : [`--snapshot-rate=${rate}`];
  const arena = await Arena.open(loopbackWires, new Prng(1), { flags });
  const catchUp = new CatchUp(arena, plan);
  try {
    const measured = await catchUp.run();
    const rows = catchupRows(measured);
    console.log(`\n${limits.machine}; load average at the start: ${limits.loadAverage.toFixed(2)}\n`);
    console.log(renderRows(rows));
    const json = given.text("json");
    if (json !== undefined) writeFileSync(json, JSON.stringify({ limits, rows }, undefined, 2));
    for (const words of faultsOf(measured).slice(0, faultsShown)) console.log(`failed: ${words}`);
    for (const words of measured.checked.wrong) console.log(`WRONG: ${words}`);
    return measured.checked.wrong.length === 0;
  } finally {
    catchUp.close();
    await arena.close();
  }
}

await runCommand(command, bench);
