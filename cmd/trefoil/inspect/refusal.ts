// What an open would refuse, as a finding.

import { describeFailure } from "../failure.ts";
import type { Finding } from "../output.ts";

/** Runs the checks of an open; what they throw becomes a finding. */
export async function* refusal(checks: () => Promise<unknown>): AsyncGenerator<Finding, void, undefined> {
  try {
    await checks();
  } catch (failure) {
    const reason = describeFailure(failure);
    yield { place: "", what: "refused", details: `an open says: ${reason}`, fields: { reason }, isDamage: true };
  }
}
