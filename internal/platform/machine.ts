// The machine under the process, as far as recovery must know it.

export interface Machine {
  /**
   * Names the time from a start of the machine to its next: what was written without a sync is surely there
   * as long as it is the same. Undefined where that cannot be told.
   */
  readonly bootId: string | undefined;
}
