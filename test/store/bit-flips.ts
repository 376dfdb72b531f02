// Bits flipped in the files of a store that was closed in order. What is read of it afterwards is either all
// that was written, or refused by an error that says that it is damaged; never less, and never something else.

import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import { Store } from "../../internal/store/store.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { ManualTime, seamsOn } from "../engine/engine-rig.ts";
import { readContents } from "./contents.ts";
import { Life, storeFolder, tinyStore } from "./life.ts";
import type { World } from "./life.ts";
import { Oracle } from "./oracle.ts";
import { Workload } from "./workload.ts";

export interface FlipCounts {
  flips: number;
  /** Found out, when the store was opened or when the damaged place was read. */
  refused: number;
  /** In bytes that nothing depends on: a spare segment's, the space behind the end of the log. */
  harmless: number;
}

/** Flips so many bits, each in a fresh copy; throws when one goes unnoticed and matters. */
export async function flipBits(seed: number, flips: number, counts: FlipCounts): Promise<void> {
  const random = new Prng(seed);
  const time = new ManualTime();
  const oracle = new Oracle(new Workload(seed, { keys: 60, ttls: [3_600_000] }));
  const { log, engine } = tinyStore(random.split("options"));
  const memory = new MemoryDisk();
  const world: World = { disk: memory, time, random: random.split("life"), oracle, isOver: false };
  const life = await Life.begin(world, { log: log ?? {}, engine: engine ?? {} });
  for (let round = 0; round < 4; round++) {
    await life.burst(20);
    await life.quiet();
    await life.store.flush();
  }
  await life.store.settle();
  await life.burst(20);
  await life.close();
  const files = await filesUnder(memory, storeFolder);
  for (let flip = 0; flip < flips; flip++) {
    const path = random.pick(files);
    const bytes = memory.peek(path)?.slice() ?? new Uint8Array(0);
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    const damaged = memory.cloneAfterKill();
    damaged.put(path, bytes);
    counts.flips++;
    await judge(damaged, oracle.fork(), time).then(
      (wasRefused) => counts[wasRefused ? "refused" : "harmless"]++,
      (failure: unknown) => {
        throw new Error(`seed ${seed}: a bit of ${path} at ${at}`, { cause: failure });
      },
    );
  }
}

/** Whether the damage was told. Throws when it was neither told nor harmless. */
async function judge(disk: MemoryDisk, oracle: Oracle, time: ManualTime): Promise<boolean> {
  let store: Store | undefined;
  try {
    store = await Store.open(seamsOn(disk, time, 1), storeFolder, {});
    const now = time.wallMilliseconds();
    oracle.expect(await readContents(store, oracle.workload), { from: now, to: now });
    return false;
  } catch (failure) {
    if (failure instanceof TrefoilError && ["corruption", "bad_request"].includes(failure.code)) return true;
    throw failure;
  } finally {
    await store?.close();
  }
}

async function filesUnder(disk: Disk, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    const size = await disk.sizeOf(path);
    if (size === undefined) files.push(...(await filesUnder(disk, path)));
    else if (size > 0) files.push(path);
  }
  return files;
}
