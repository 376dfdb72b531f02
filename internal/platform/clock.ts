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
  after(milliseconds: number, action: () => void): Timer;
  /** Once, behind everything that the present turn of the event loop still does. */
  afterTurn(action: () => void): void;
}
