// The process that is killed: opens a store on the real disk and writes to it, telling of each write before
// it is submitted and when it was answered, with flushes, merges and checkpoints between.

import process from "node:process";
import { setEnvironmentData } from "node:worker_threads";
import { Prng } from "../../internal/base/prng.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { Store } from "../../internal/store/store.ts";
import { submit } from "../store/life.ts";
import { Workload } from "../store/workload.ts";
import { Executioner, KillDisk } from "./kill-disk.ts";
import { planKey, tell } from "./messages.ts";
import type { Orders } from "./messages.ts";
import { killOptions, killWorkload } from "./settings.ts";

const inFlightMax = 48;

const orders = JSON.parse(process.argv[2] ?? "") as Orders;
const { plan } = orders;

async function main(): Promise<void> {
  const isLater = plan?.point.phase === "running";
  const executioner = new Executioner(isLater ? undefined : plan, () => tell({ kind: "dying" }));
  setEnvironmentData(planKey, plan?.point.job === undefined ? undefined : plan);
  const background = new WorkerBackground({ entry: new URL("./worker.js", import.meta.url) });
  const disk = new KillDisk(new RealDisk(), executioner);
  const seams = { disk, background, clock: systemClock, scheduler: systemScheduler, logger: silentLogger };
  const store = await Store.open(seams, orders.folder, killOptions(orders.seed));
  tell({ kind: "open" });
  if (isLater) executioner.plan = plan;
  await drive(store);
  await store.close();
  await background.close();
  tell({ kind: "ended" });
}

async function drive(store: Store): Promise<void> {
  const workload = new Workload(orders.seed, killWorkload);
  const random = new Prng(orders.chores);
  const pending = new Set<Promise<void>>();
  let chore: Promise<void> = Promise.resolve();
  for (let number = orders.firstWrite; number < orders.firstWrite + orders.writesMax;) {
    const burst = random.between(1, 16);
    tell({ kind: "sent", number: number + burst - 1 });
    for (let done = 0; done < burst; done++, number++) {
      const own = number;
      const answer = submit(store, workload.write(own), workload.keys).then(({ durability }) => {
        pending.delete(answer);
        tell({ kind: "answered", number: own, durability });
      });
      pending.add(answer);
    }
    while (pending.size >= random.between(1, inFlightMax)) await Promise.race(pending);
    if (random.chance(1, 6)) chore = chore.then(() => (random.chance(1, 3) ? store.compact() : store.flush()));
    if (random.chance(1, 16)) await chore;
    if (!random.chance(1, 20)) continue;
    await Promise.all(pending);
    tell({ kind: "checkpoint", number: number - 1 });
    await store.checkpoint(`${orders.copies}/${number}`);
  }
  await Promise.all(pending);
  await chore;
}

main().catch((failure: unknown) => {
  tell({ kind: "failed", why: failure instanceof Error ? (failure.stack ?? failure.message) : String(failure) });
  process.exit(1);
});
