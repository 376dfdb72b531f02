// For how long leaders did not hear replicas: by what reached them, whatever kept the rest away. A replica that was heard all the
// time is waited for (rule 2), and what it took as fast is not lost.

import type { ReplicaId } from "../../internal/base/ids.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";

/** Silence is measured by ticks, and by turns of who listens. */
const slackMilliseconds = 200;

/** What the leader of a term heard. */
interface Office {
  readonly since: number;
  /** When it was last seen to lead. */
  until: number;
  readonly heardAt: Map<ReplicaId, number>;
  /** The longest silence that ended. */
  readonly longest: Map<ReplicaId, number>;
}

export class Absences {
  private readonly offices = new Map<number, Office>();

  /** A replica is seen to lead. */
  leads(term: number, now: number): void {
    const office = this.offices.get(term);
    if (office === undefined) {
      this.offices.set(term, { since: now, until: now, heardAt: new Map(), longest: new Map() });
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
    if (silence > (office.longest.get(from) ?? 0)) office.longest.set(from, silence);
  }

  /** The leader of some term from `fromTerm` on may have waited for this replica for so long. */
  wasAway(id: ReplicaId, fromTerm: number, milliseconds: number): boolean {
    for (const [term, { since, until, heardAt, longest }] of this.offices) {
      if (term < fromTerm) continue;
      const silence = Math.max(longest.get(id) ?? 0, until - (heardAt.get(id) ?? since));
      if (silence >= milliseconds - slackMilliseconds) return true;
    }
    return false;
  }
}
