// What came of asking each of the addresses by which a process is to find its cluster, in words: for whoever asks what it waits for, and,
// when the same went wrong for a while, once in the log.

import { unreachable } from "../base/assert.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { AskOutcome } from "../platform/network.ts";

export interface SeedParts {
  readonly addresses: readonly string[];
  /** Which setting named them. */
  readonly flag: "--join" | "--seeds";
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Heard {
  readonly words: string;
  readonly since: number;
  isTold: boolean;
}

/** Who is only starting may be there by then. */
const patienceMilliseconds = 1000;

export class SeedWords {
  private readonly parts: SeedParts;
  private readonly heard = new Map<string, Heard>();

  constructor(parts: SeedParts) {
    this.parts = parts;
  }

  /** Each address with what came of it. */
  get all(): string {
    return this.parts.addresses.map((each) => `${each} (${this.heard.get(each)?.words ?? "not asked yet"})`).join(", ");
  }

  note(address: string, outcome: AskOutcome): void {
    const { clock, logger, flag } = this.parts;
    const now = clock.monotonicMilliseconds();
    const words = wordsOf(outcome, flag);
    const before = this.heard.get(address);
    const heard = before?.words === words ? before : { words, since: now, isTold: false };
    this.heard.set(address, heard);
    if (outcome.kind === "answered" || heard.isTold || now - heard.since < patienceMilliseconds) return;
    heard.isTold = true;
    logger.warn("no cluster was found by an address that was given for it", { setting: flag, address, why: words });
  }
}

function wordsOf(outcome: AskOutcome, flag: string): string {
  switch (outcome.kind) {
    case "answered":
      return "knows of none yet";
    case "unreachable":
      return reasonOf(outcome.detail, flag);
    case "refused":
    case "unknown":
      return "does not answer";
    default:
      return unreachable(outcome, "an outcome of a question");
  }
}

/** Another port of a node is the likeliest slip. */
function reasonOf(detail: string, flag: string): string {
  // The library puts the time behind its words, which would make them news each time.
  const reason = detail.replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, "");
  const isOther = /protocol error|unimplemented|unknown service|does not implement|http|parse|reset|hang up/i.test(
    reason,
  );
  const hint = `${flag} takes the address that is --peer of a node, with port 7400 unless it was set otherwise`;
  if (isOther) return `${reason}: nothing there talks as nodes do; ${hint}`;
  return /ECONNREFUSED/.test(reason) ? `${reason}: nobody listens there; ${hint}` : reason;
}
