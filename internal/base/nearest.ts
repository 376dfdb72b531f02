// For whoever misspells: the known word that takes the fewest letters changed, left out, put in or swapped with the next.

const lettersMax = 64;

/** Undefined: there is none, or none that takes so few. */
export function nearestOf(word: string, known: readonly string[], changesMax = Infinity): string | undefined {
  const asked = word.slice(0, lettersMax).toLowerCase();
  let best: string | undefined;
  let least = changesMax + 1;
  for (const candidate of known) {
    const distance = distanceOf(asked, candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function distanceOf(a: string, b: string): number {
  let twoBefore: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(before[column] as number, now[column - 1] as number) + 1;
      least = Math.min(least, (before[column - 1] as number) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, (twoBefore[column - 2] as number) + 1);
      now.push(least);
    }
    twoBefore = before;
    before = now;
  }
  return before[b.length] as number;
}
