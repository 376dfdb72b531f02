// Walks over parts of a store, with bounds and jumps drawn at random, held against the whole walk.

import { compareBytes, hex } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { Store, StoreSnapshot } from "../../internal/store/store.ts";
import type { StoreScan } from "../../internal/store/store-scan.ts";
import { Loss } from "./oracle.ts";
import type { Workload } from "./workload.ts";

const jumps = 3;
const stepsPerJump = 4;

export async function checkRanges(store: Store, workload: Workload, random: Prng, rounds: number): Promise<void> {
  const snapshot = store.snapshot();
  try {
    const whole: Uint8Array[] = [];
    const scan = store.scan({ snapshot });
    while (await scan.next()) whole.push(scan.key());
    scan.close();
    for (let round = 0; round < rounds; round++) await checkRange(store, { workload, random, snapshot, whole });
  } finally {
    snapshot.release();
  }
}

interface RangeCheck {
  readonly workload: Workload;
  readonly random: Prng;
  readonly snapshot: StoreSnapshot;
  readonly whole: readonly Uint8Array[];
}

async function checkRange(store: Store, { workload, random, snapshot, whole }: RangeCheck): Promise<void> {
  const bound = (): Uint8Array | undefined => (random.chance(1, 4) ? undefined : drawKey(workload, random));
  const [lower, upper, backward] = [bound(), bound(), random.chance(1, 2)];
  const within = whole.filter((key) => {
    return (
      (lower === undefined || compareBytes(key, lower) >= 0) && (upper === undefined || compareBytes(key, upper) < 0)
    );
  });
  const expected = backward ? within.toReversed() : within;
  const name = `from ${lower === undefined ? "" : hex(lower)} to ${upper === undefined ? "" : hex(upper)}`;
  const scan = store.scan({ lower, upper, backward, snapshot });
  try {
    await follow(scan, expected, expected.length + 1, `${backward ? "backward" : "forward"} ${name}`);
    for (let jump = 0; jump < jumps; jump++) {
      const target = drawKey(workload, random);
      scan.seek(target);
      const rest = expected.filter((key) => {
        return backward ? compareBytes(key, target) <= 0 : compareBytes(key, target) >= 0;
      });
      await follow(scan, rest, stepsPerJump, `${backward ? "backward" : "forward"} ${name} seeking ${hex(target)}`);
    }
  } finally {
    scan.close();
  }
}

async function follow(scan: StoreScan, expected: readonly Uint8Array[], steps: number, name: string): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const found = (await scan.next()) ? scan.key() : undefined;
    const wanted = expected[step];
    if ((found === undefined ? "" : hex(found)) !== (wanted === undefined ? "" : hex(wanted))) {
      const [had, should] = [found, wanted].map((key) => (key === undefined ? "the end" : hex(key)));
      throw new Loss(`a scan ${name} finds ${had ?? ""} instead of ${should ?? ""} at step ${step}`);
    }
    if (found === undefined) return;
  }
}

/** A key of the workload, or one beside it. */
function drawKey(workload: Workload, random: Prng): Uint8Array {
  const key = random.pick(workload.keys);
  if (random.chance(1, 3)) return key;
  const beside = new Uint8Array([...key.subarray(0, 1000), random.below(256)]);
  return random.chance(1, 2) ? beside : key.subarray(0, random.between(1, key.length));
}
