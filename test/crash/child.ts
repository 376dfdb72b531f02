// The process that is killed: opens the store, makes writes, and says what it sends and what it was
// answered, until somebody ends it.

import { writeSync } from "node:fs";
import { Prng } from "../../internal/base/prng.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import type { StoreSeams } from "../../internal/store/options.ts";
import { Store } from "../../internal/store/store.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { realSeams } from "../store/real-seams.ts";
import { drive } from "./driver.ts";
import { killOptions } from "./kill-options.ts";
import { KillDisk, killPoints } from "./kill-disk.ts";
import type { KillPoint } from "./kill-disk.ts";
import { said } from "./messages.ts";
import type { ChildOrder } from "./messages.ts";
import { Workload } from "./workload.ts";

/** With a point to die at, jobs run in this thread, on the disk that kills. */
function seamsFor(order: ChildOrder): StoreSeams {
  const seams = realSeams();
  if (order.point === undefined) return seams;
  const disk = new KillDisk(new RealDisk(), killPoints[order.point.index] as KillPoint, order.point.number);
  return { ...seams, disk, background: new InlineBackground(disk.jobs) };
}

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? "{}") as ChildOrder;
  const say = (line: string) => writeSync(1, `${line}\n`);
  const store = await Store.open(seamsFor(order), `${order.folder}/store`, killOptions(order.fsync));
  say(said.opened);
  await drive(store, new Workload(order.seed), {
    random: new Prng(order.seed, order.first),
    first: order.first,
    count: order.count,
    inFlightMax: 24,
    checkpoints: `${order.folder}/checkpoints`,
    onSend: (number) => say(`${said.sent} ${number}`),
    onAcknowledge: (number) => say(`${said.acknowledged} ${number}`),
  });
  say(said.ended);
  await new Promise(() => setInterval(() => undefined, 1000));
}

await main();
