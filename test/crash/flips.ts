// Bits flipped in the files of a closed store. What is read of it afterwards must be right, or refused as
// corruption by name: never wrong, never a crash.

import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import { Store } from "../../internal/store/store.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { ManualTime, seamsOn, tinyOptions } from "../engine/engine-rig.ts";
import { drive } from "./driver.ts";
import { examine, Workload } from "./workload.ts";

const folder = "/store";
const options = { engine: tinyOptions, log: { segmentBytes: 64 * 1024 } };

export interface FlipResult {
  readonly flips: number;
  /** Found out and named. */
  readonly refused: number;
  /** In bytes that nothing depends on. */
  readonly harmless: number;
  readonly faults: readonly string[];
}

export async function runFlips(seed: number, flips: number): Promise<FlipResult> {
  const random = new Prng(seed);
  const writes = 400;
  const disk = await filledDisk(random, writes);
  const files = await filesOf(disk);
  const faults: string[] = [];
  let refused = 0;
  for (let flip = 0; flip < flips && faults.length === 0; flip++) {
    const damaged = disk.cloneAfterKill();
    const path = random.pick(files);
    const bytes = (damaged.peek(path) ?? new Uint8Array()).slice();
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    damaged.put(path, bytes);
    const verdict = await verdictOn(damaged, seed, writes);
    if (verdict === "refused") refused++;
    else if (verdict !== "right") faults.push(`seed ${seed}, a bit of ${path} at ${at}: ${verdict}`);
  }
  return { flips, refused, harmless: flips - refused - faults.length, faults };
}

async function filledDisk(random: Prng, writes: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const seams = seamsOn(disk, new ManualTime(), random.next());
  const store = await Store.open(seams, folder, options);
  await drive(store, new Workload(1), {
    random,
    first: 1,
    count: writes,
    inFlightMax: 8,
    checkpoints: "/checkpoints",
    onSend: () => undefined,
    onAcknowledge: () => undefined,
  });
  await store.close();
  return disk.cloneAfterKill();
}

async function filesOf(disk: MemoryDisk): Promise<string[]> {
  const files: string[] = [];
  for (const part of ["log", "engine"]) {
    for (const name of await disk.list(`${folder}/${part}`)) files.push(`${folder}/${part}/${name}`);
  }
  return files.filter((path) => (disk.peek(path)?.length ?? 0) > 0);
}

/** "right", "refused", or what is wrong. */
async function verdictOn(disk: MemoryDisk, seed: number, writes: number): Promise<string> {
  const seams = seamsOn(disk, new ManualTime(), seed);
  let store: Store | undefined;
  try {
    store = await Store.open(seams, folder, options);
    // A torn end of the log may be cut off: then fewer writes are there, but those as they should be.
    const { faults } = await examine(store, new Workload(1), { atLeast: 0, atMost: writes });
    return faults[0] ?? "right";
  } catch (failure) {
    if (failure instanceof TrefoilError && failure.code === "corruption") return "refused";
    if (failure instanceof TrefoilError && failure.code === "bad_request") return "refused";
    return `it failed otherwise: ${String(failure)}`;
  } finally {
    await store?.close().catch(() => undefined);
  }
}
