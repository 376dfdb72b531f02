// Time and turns. Below the edges nothing asks the system for the time or sets a timer of its own.

export interface Clock {
  /** Milliseconds since 1970, as the machine believes. May jump either way. */
  wallMilliseconds(): number;
  /** Milliseconds that only grow, from some start. Stands still while a machine is suspended. */
  monotonicMilliseconds(): number;
}

export interface Timer {
  /** Cancelling one that has fired or was cancelled does nothing. */
  cancel(): void;
}

export interface Scheduler {
  /**
   * A timer holds the process open until it has fired or was cancelled, for somebody may await it; an `idle`
   * one, of a chore that nobody waits for, does not.
   */
  after(milliseconds: number, action: () => void, idle?: boolean): Timer;
  /** Once, behind everything that the present turn of the event loop still does. */
  afterTurn(action: () => void): void;
}
