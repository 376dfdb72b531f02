// What a power cut leaves. The memory disk knows what is surely on the platter and what is only in the
// page cache; a Survival decides about the rest. Some are fixed, so that a test can try each after every
// single operation; one draws from a seed.
//
// The model: a sector of 512 bytes is written whole or not at all, and the platter holds its content as
// of some moment between the last sync that covered it and the cut. Sectors decide apart from each other,
// so a write may be torn anywhere and later writes may have landed before earlier ones. A change of a
// folder's entries (create, rename, link, remove) is kept or lost; a rename within one folder is one
// change and never half of one.

import type { Prng } from "../../internal/base/prng.ts";

export const sectorBytes = 512;

/** Thrown by synchronous calls once the power is off. Whoever runs jobs must let it end everything, unanswered. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";

  constructor(operation: string, path: string) {
    super(`the power is off: ${operation} ${path}`);
  }
}

/** The newest change of any file's bytes on the disk. */
export interface NewestWrite {
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
}

export interface PossibleSizes {
  /** As of the last sync. */
  readonly synced: number;
  /** What a reader saw before the cut. */
  readonly present: number;
  readonly least: number;
  readonly most: number;
}

export interface Survival {
  /** Called once, before the others. */
  begin?(newest: NewestWrite | undefined): void;
  /**
   * Picks a sector's content: 0 is what is surely on the platter, i is what the change numbered
   * `sequences[i]` left, the last is what a reader saw before the cut.
   */
  sector(sector: number, sequences: readonly number[]): number;
  /** Whether a lost sector in space that the file had just gained reads as garbage instead of zeros. */
  isGarbage(): boolean;
  /** Fills `target` with such garbage. */
  garbage(target: Uint8Array): void;
  /** Picks a size from `least` to `most`. */
  size(sizes: PossibleSizes): number;
  /** For one folder: which of its unsynced changes, oldest first, are kept. */
  entries(count: number): readonly boolean[];
}

export type EntryOrder =
  /** As a journalling file system does it: what is kept is a prefix. */
  | "ordered"
  /** As POSIX permits: any subset. */
  | "arbitrary"
  /** Each folder draws which of the two. */
  | "either";

export interface RandomSurvivalOptions {
  readonly random: Prng;
  readonly entryOrder?: EntryOrder;
  /** Whether space gained and lost may hold old garbage. */
  readonly withGarbage?: boolean;
}

export function randomSurvival(options: RandomSurvivalOptions): Survival {
  const { random } = options;
  const entryOrder = options.entryOrder ?? "either";
  const withGarbage = options.withGarbage ?? true;
  // One cut loses little, another nearly all: with a fixed ratio both ends would be rare.
  const keptOfEight = random.below(9);
  return {
    sector: (_sector, sequences) => {
      if (random.chance(keptOfEight, 8)) return sequences.length - 1;
      return random.below(sequences.length);
    },
    isGarbage: () => withGarbage && random.chance(1, 4),
    garbage: (target) => random.fill(target),
    size: ({ least, most, present }) => {
      if (random.chance(keptOfEight, 8)) return present;
      if (random.chance(1, 4)) return random.chance(1, 2) ? least : most;
      const size = random.between(least, most);
      return random.chance(1, 2) ? size : Math.max(least, size - (size % sectorBytes));
    },
    entries: (count) => {
      const ordered = entryOrder === "ordered" || (entryOrder === "either" && random.chance(1, 2));
      const prefix = random.below(count + 1);
      return Array.from({ length: count }, (_, at) => (ordered ? at < prefix : random.chance(keptOfEight, 8)));
    },
  };
}

/** Only what was synced is there. */
export function nothingSurvives(): Survival {
  return fixed({ bytes: false, size: false, names: false });
}

/** As if the page cache had just been written back. */
export function everythingSurvives(): Survival {
  return fixed({ bytes: true, size: true, names: true });
}

/** Every name, no byte that was not synced, sizes as synced: a new file is there and empty. */
export function namesWithoutBytes(): Survival {
  return fixed({ bytes: false, size: false, names: true });
}

/** Every name and every size, but the bytes behind them are zeros or old. */
export function namesAndSizesWithoutBytes(): Survival {
  return fixed({ bytes: false, size: true, names: true });
}

/** Every byte, no name that was not synced. */
export function bytesWithoutNames(): Survival {
  return fixed({ bytes: true, size: true, names: false });
}

/**
 * Everything but the second half of the newest write, whose space is there; or, for a disk that wrote the
 * later sectors first, everything but its first half.
 */
export function newestWriteTorn(lost: "first" | "second"): Survival {
  let newest: NewestWrite | undefined;
  return {
    ...everythingSurvives(),
    begin: (write) => {
      newest = write;
    },
    sector: (sector, sequences) => {
      const last = sequences.length - 1;
      if (newest === undefined || last === 0 || sequences[last] !== newest.sequence) return last;
      const isInSecondHalf = sector * sectorBytes >= (newest.from + newest.to) / 2;
      return isInSecondHalf === (lost === "second") ? last - 1 : last;
    },
  };
}

/** The fixed ones, to be tried one by one after each operation of a scripted run. */
export const fixedSurvivals: readonly { readonly name: string; readonly make: () => Survival }[] = [
  { name: "nothing unsynced survives", make: nothingSurvives },
  { name: "everything survives", make: everythingSurvives },
  { name: "names survive, bytes do not", make: namesWithoutBytes },
  { name: "names and sizes survive, bytes do not", make: namesAndSizesWithoutBytes },
  { name: "bytes survive, names do not", make: bytesWithoutNames },
  { name: "the newest write loses its second half", make: () => newestWriteTorn("second") },
  { name: "the newest write loses its first half", make: () => newestWriteTorn("first") },
];

function fixed(kept: { bytes: boolean; size: boolean; names: boolean }): Survival {
  return {
    sector: (_sector, sequences) => (kept.bytes ? sequences.length - 1 : 0),
    isGarbage: () => false,
    garbage: () => undefined,
    size: ({ synced, present }) => (kept.size ? present : synced),
    entries: (count) => Array.from({ length: count }, () => kept.names),
  };
}
