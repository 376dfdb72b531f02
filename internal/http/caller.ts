// On whose behalf a request is made: until when it may take, and whether anybody still waits for its answer.

import type { Caller } from "../node/requests.ts";

/** Whoever knows whether the other side is still there. */
export interface Presence {
  readonly signal: AbortSignal;
}

/** The signal is made for whoever asks for it: most requests end sooner than anybody does. */
export class HttpCaller implements Caller {
  readonly deadline: number;
  readonly trace: string;
  private readonly presence: Presence;

  constructor(presence: Presence, deadline: number, trace: string) {
    this.presence = presence;
    this.deadline = deadline;
    this.trace = trace;
  }

  get signal(): AbortSignal {
    return this.presence.signal;
  }
}
