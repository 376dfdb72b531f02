// For how long leaders did not hear replicas: by what reached them, whatever kept the rest away. A replica that was heard all the
// time is waited for (rule 2), and what it took as fast is not lost.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";

/** Silence is measured by ticks, and by turns of who listens. */
const slackMilliseconds = 200;
/** Nobody is waited for so shortly. */
const leastMilliseconds = 500;

interface Silence {
  readonly milliseconds: number;
  readonly until: number;
}

/** What the leader of a term heard. */
interface Office {
  readonly since: number;
  /** When it was last seen to lead. */
  until: number;
  readonly heardAt: Map<ReplicaId, number>;
  /** Silences that ended. */
  readonly over: Map<ReplicaId, Silence[]>;
}

export class Absences {
  private readonly offices = new Map<number, Office>();

  /** A replica is seen to lead. */
  leads(term: number, now: number): void {
    const office = this.offices.get(term);
    if (office === undefined) {
      this.offices.set(term, { since: now, until: now, heardAt: new Map(), over: new Map() });
    } else {
      office.until = now;
    }
  }

  /** A message reaches a replica that leads this term. */
  heard(message: ReplicaMessage, term: number, now: number): void {
    const { type, from } = message;
    if (type !== "append_accepted" && type !== "append_rejected" && type !== "heartbeat_answer") return;
    const office = this.offices.get(term);
    if (office === undefined || message.term !== term) return;
    const silence = now - (office.heardAt.get(from) ?? office.since);
    office.heardAt.set(from, now);
    if (silence < leastMilliseconds) return;
    const { over } = office;
    over.set(from, [...(over.get(from) ?? []), { milliseconds: silence, until: now }]);
  }

  /** The leader of some term from `fromTerm` on may have waited for this replica for so long, and beyond the moment `after`. */
  wasAway(id: ReplicaId, fromTerm: number, milliseconds: number, after = 0): boolean {
    const isOne = (silence: Silence): boolean =>
      silence.milliseconds >= milliseconds - slackMilliseconds && silence.until >= after - slackMilliseconds;
    for (const [term, { since, until, heardAt, over }] of this.offices) {
      if (term < fromTerm) continue;
      const present = { milliseconds: until - (heardAt.get(id) ?? since), until };
      if (isOne(present) || over.get(id)?.some(isOne) === true) return true;
    }
    return false;
  }
}
