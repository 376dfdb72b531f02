// Reads everything that a store holds, in every way that it offers, and sees to it that they agree.

import { hex, printableKey } from "../../internal/base/bytes.ts";
import type { Store, StoreSnapshot } from "../../internal/store/store.ts";
import { Loss } from "./oracle.ts";
import type { Contents, FoundRecord } from "./oracle.ts";
import type { Workload } from "./workload.ts";

/** Scans both ways and looks up every key that there is or could be. */
export async function readContents(store: Store, workload: Workload, given?: StoreSnapshot): Promise<Contents> {
  // Without a snapshot a record could expire, or be written, between one look and the next.
  const snapshot = given ?? store.snapshot();
  try {
    const forward = await scanAll(store, snapshot, false);
    const backward = await scanAll(store, snapshot, true);
    compareScans(forward, backward);
    const listed = new Map(forward);
    const contents = new Map<number, FoundRecord>();
    for (const [number, key] of workload.keys.entries()) {
      const now = store.getNow(key, snapshot);
      const found = now === "need_io" ? await store.get(key, snapshot) : now;
      if (found !== undefined) contents.set(number, found);
      if ((found === undefined ? undefined : hex(found.value)) === listed.get(hex(key))) continue;
      throw new Loss(`a scan and a lookup disagree about key "${printableKey(key.subarray(0, 20))}"`);
    }
    if (contents.size !== forward.length) throw new Loss("a scan finds a key that was never written");
    return contents;
  } finally {
    if (given === undefined) snapshot.release();
  }
}

type Line = readonly [key: string, value: string];

async function scanAll(store: Store, snapshot: StoreSnapshot, backward: boolean): Promise<Line[]> {
  const scan = store.scan({ snapshot, backward });
  const lines: Line[] = [];
  try {
    for (let step = scan.nextNow(); step !== "end"; step = scan.nextNow()) {
      if (step === "load") await scan.load();
      else lines.push([hex(scan.keyView), hex(scan.valueView)]);
    }
  } finally {
    scan.close();
  }
  return lines;
}

function compareScans(forward: readonly Line[], backward: readonly Line[]): void {
  const mirrored = backward.toReversed();
  for (let at = 0; at < Math.max(forward.length, mirrored.length); at++) {
    const [one, other, before] = [forward[at], mirrored[at], forward[at - 1]];
    if (one === undefined || other === undefined || one[0] !== other[0] || one[1] !== other[1]) {
      const counts = `forward ${forward.length} records, backward ${mirrored.length}`;
      throw new Loss(`scans disagree at record ${at}: ${one?.[0] ?? "none"}, ${other?.[0] ?? "none"}; ${counts}`);
    }
    // Two digits a byte sort as the bytes do.
    if (before !== undefined && before[0] >= one[0]) throw new Loss(`a scan is out of order at ${one[0]}`);
  }
}
