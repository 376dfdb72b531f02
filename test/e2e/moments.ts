// The clock of a run.

/** In the unit and from the beginning in which expiries are told. */
export const now = (): number => performance.timeOrigin + performance.now();

export const rest = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));
