// Fast writes that a leader has answered, and what becomes of them: each is in the log that counts, or was salvaged, or has
// another fate that can be asked for; and a fate that was told stays so.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { Receipt } from "../../internal/replica/receipts.ts";
import { versionName } from "./history.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

export interface FastPromise {
  readonly client: number;
  readonly key: string;
  readonly version: Version;
  /** Its request was made before: it may have no effect of its own. */
  readonly isRetried: boolean;
  readonly request: string | undefined;
  /** Who answered, and when. */
  readonly node: ReplicaId;
  readonly at: number;
}

export interface Exemptions {
  /** Its holder was away for longer than it is waited for. */
  mayBeLost(promise: FastPromise): boolean;
  /** Its only holder lost its disk. */
  mayBeMissing(promise: FastPromise): boolean;
}

const none: readonly FastPromise[] = [];

/** What a write may be told to be before its fate is decided. */
const undecided: readonly (Receipt | undefined)[] = [undefined, "pending", "overridden", "forgotten"];

export class FastPromises {
  private readonly all: FastPromise[] = [];
  private readonly told = new Map<string, Receipt>();
  /** Not asked for yet, by node. */
  private readonly fresh = new Map<ReplicaId, FastPromise[]>();

  add(promise: FastPromise): void {
    this.all.push(promise);
    this.fresh.set(promise.node, [...(this.fresh.get(promise.node) ?? []), promise]);
  }

  /** What this node has answered since it was last asked for. */
  takeNew(node: ReplicaId): readonly FastPromise[] {
    const taken = this.fresh.get(node);
    if (taken === undefined) return none;
    this.fresh.delete(node);
    return taken;
  }

  any(random: Prng, client: number): FastPromise | undefined {
    const mine = this.all.filter((promise) => promise.client === client);
    // The latest are the least settled.
    return mine.length === 0 ? undefined : random.pick(random.chance(1, 2) ? mine.slice(-5) : mine);
  }

  /** Throws a Violation when something else was told before. */
  wasTold({ key, version }: FastPromise, fate: Receipt | undefined): void {
    if (fate === undefined || undecided.includes(fate)) return;
    const name = versionName(version);
    const before = this.told.get(name) ?? fate;
    if (before !== fate) throw new Violation("fates", `the write ${name} of ${key} was ${before}, and is now ${fate}`);
    this.told.set(name, fate);
  }

  /** When all is settled: the fate of each, by version. */
  async settle(node: SimNode, exempt: Exemptions): Promise<Map<string, string>> {
    const fates = new Map<string, string>();
    for (const promise of this.all) {
      const { version, key } = promise;
      const fate = await node.replica?.receiptOf(version);
      this.wasTold(promise, fate);
      const name = versionName(version);
      if (fate === "lost" && !exempt.mayBeLost(promise))
        throw new Violation(
          "fates",
          `the fast write ${name} of ${key} is lost, and node ${promise.node} was not away for long`,
        );
      if (fate !== undefined && !undecided.includes(fate)) fates.set(name, fate);
      else if (!exempt.mayBeMissing(promise)) {
        throw new Violation("fates", `the fast write ${name} of ${key} was answered and is ${fate}`);
      }
    }
    return fates;
  }
}
