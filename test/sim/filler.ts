// Writes that no client asks for and no history judges: many keys, longer values, deletes, times to live. They let segments,
// memtables, tables and levels fill up, and snapshots grow to many chunks, while the clients' keys stay few enough to be
// judged. What becomes of them is for the reference to say (content-watch.ts).

import { utf8 } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { action, conditionKind, expiryMode } from "../../internal/replica/command.ts";
import type { Operation } from "../../internal/replica/command.ts";
import type { SimCluster } from "./sim-cluster.ts";

const keys = 80;
const burst = 20;

export class Filler {
  isStopped = false;
  private readonly cluster: SimCluster;
  private readonly random: Prng;
  private readonly everyMilliseconds: number;
  private readonly bytesMax: number;

  constructor(cluster: SimCluster, random: Prng) {
    this.cluster = cluster;
    this.random = random;
    this.everyMilliseconds = random.pick([60, 120, 400]);
    this.bytesMax = random.pick([100, 1000]);
  }

  begin(): void {
    this.cluster.time.after(this.random.between(1, 2 * this.everyMilliseconds), () => {
      if (this.isStopped) return;
      // Now and then many at once: they share a turn, an append and messages.
      for (let left = this.random.chance(1, 60) ? burst : 1; left > 0; left--) this.write();
      this.begin();
    });
  }

  private write(): void {
    const { random } = this;
    const node = this.cluster.leader;
    const key = utf8(`z${random.below(keys)}`);
    const isDelete = random.chance(1, 4);
    const milliseconds = random.chance(1, 4) ? random.between(100, 5000) : undefined;
    const body = new Uint8Array(isDelete ? 0 : random.between(1, this.bytesMax)).fill(random.below(256), 1);
    node?.clock.live(() => {
      node.replica?.propose("strong", (now) => {
        const lives = isDelete ? undefined : milliseconds;
        const operation: Operation = {
          action: action[isDelete ? "delete" : "put"],
          key,
          condition: conditionKind.none,
          version: undefined,
          expiry: lives === undefined ? expiryMode.never : expiryMode.at,
          expiresAt: lives === undefined ? undefined : stamp(now + stampOfMilliseconds(lives)),
          wantsPrevious: false,
          body,
        };
        return { request: undefined, operations: [operation] };
      });
    });
  }
}
