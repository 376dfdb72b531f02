// Strong writes of which a client knows what became, and what a receipt of each may say then, wherever it is asked for: the same, or
// that the replica has not heard of it.

import type { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { Receipt } from "../../internal/replica/receipts.ts";
import type { WriteOutcome } from "../../internal/replica/write-waiters.ts";
import { versionName } from "./history.ts";
import { expectThat } from "./violation.ts";

interface Told {
  readonly version: Version;
  readonly fate: Receipt;
}

const latest = 20;

export class StrongReceipts {
  private readonly told: Told[] = [];

  add(outcome: WriteOutcome): void {
    const fate = fateOf(outcome);
    if (fate === undefined) return;
    this.told.push({ version: outcome.version, fate });
    if (this.told.length > latest) this.told.shift();
  }

  any(random: Prng): Told | undefined {
    return this.told.length === 0 ? undefined : random.pick(this.told);
  }

  /** Throws a Violation when a receipt says something else than the answer did. */
  check({ version, fate }: Told, receipt: Receipt): void {
    expectThat(
      receipt === fate || receipt === "pending",
      "receipts",
      () => `the strong write ${versionName(version)} was told to be ${fate}, and its receipt says ${receipt}`,
    );
  }
}

function fateOf(outcome: WriteOutcome): Receipt | undefined {
  if (outcome.kind === "unknown") return undefined;
  if (outcome.kind === "overridden") return "overridden";
  // An entry that repeats a request did nothing, and was told what the first did.
  const isOwn = versionName(outcome.answer.version) === versionName(outcome.version);
  return outcome.kind === "done" && isOwn ? "committed" : "rejected";
}
