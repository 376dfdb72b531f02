// How large each sorted level may grow. Levels fill from the bottom: all data goes to the deepest one
// until that is large enough for a smaller level in front of it to pay. Each level in front is then
// `levelFactor` times smaller than the one behind it, whatever that has grown to, so that what is
// stored twice stays a small part of the whole.
//
//   deepest up to levelBaseBytes:   0 ------------------------> 6
//   beyond that:                    0 ------------> 5 --------> 6     (5 may hold a tenth of 6)
//   when 5 may hold more than that: 0 ----> 4 ----> 5 --------> 6

import { bytesOf, deepestLevel } from "../version/version.ts";
import type { Version } from "../version/version.ts";

export interface LevelShape {
  readonly levelBaseBytes: number;
  readonly levelFactor: number;
}

export interface LevelTargets {
  /** Where level 0 is merged to. */
  readonly base: number;
  /** By level; 0 for levels in front of the base, which should be empty; Infinity for the deepest. */
  readonly bytes: readonly number[];
}

export function levelTargets(version: Version, shape: LevelShape): LevelTargets {
  const bytes = version.levels.map(() => 0);
  let base = deepestLevel;
  bytes[base] = Number.POSITIVE_INFINITY;
  let behind = bytesOf(version.levels[base] ?? []);
  while (base > 1 && behind > shape.levelBaseBytes) {
    base--;
    behind /= shape.levelFactor;
    bytes[base] = behind;
  }
  return { base, bytes };
}
