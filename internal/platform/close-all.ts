// Ends several things that end one after the other, so that the failure of one leaves none of the others open.

/** Calls each in turn, whatever fails, then throws the first failure. */
export async function closeAll(...closes: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closes) await close().catch((failure: unknown) => failures.push(failure));
  if (failures.length > 0) throw failures[0];
}

/** As closeAll, for what ends at once. */
export function closeAllNow(...closes: readonly (() => void)[]): void {
  const failures: unknown[] = [];
  for (const close of closes) {
    try {
      close();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}
