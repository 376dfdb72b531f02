// Words and addresses that must not appear in any file of the project. Add to the list what should never come back.
//
// Each pattern is written so that it does not match itself: one letter of it stands in brackets.

import { findPattern, type Finding, type SourceFile } from "./finding.ts";

interface Forbidden {
  readonly pattern: RegExp;
  readonly why: string;
  /** Looked for in the lock file too, whose checksums may spell any word. */
  readonly inLockFile?: boolean;
}

const forbidden: readonly Forbidden[] = [
  {
    pattern: /registr[y]\.[\w-]+\.\w+|npmj[s]\.(org|com)|yarnpk[g]\.com/g,
    why: "a registry's address",
    inLockFile: true,
  },
  { pattern: /"resolve[d]"\s*:/g, why: "a lock file names no addresses (.npmrc sees to it)", inLockFile: true },
  { pattern: /\b(TOD[O]|FIXM[E]|XX[X])\b/g, why: "do it, or say in docs/ what is missing" },
  { pattern: /(?<![\w.])\/(home|root|Users|wor[k])\/[\w.-]*/g, why: "a path of somebody's machine" },
  { pattern: /\b(issue|ticket) #?\d+\b/gi, why: "give the reason itself, a number tells the reader nothing" },
  { pattern: /@ts-(ignor[e]|nochec[k]|expect-erro[r])/g, why: "mend the type, or narrow it and say why" },
  { pattern: /(?<!-)\besli[n]t-(disable|enable)/g, why: "the linter here is oxlint" },
  { pattern: /oxlin[t]-disable(?!.* -- \S).*/g, why: "a silenced rule says why, after two dashes" },
];

export function checkWords(file: SourceFile): Finding[] {
  const isLockFile = file.path === "package-lock.json";
  return forbidden
    .filter(({ inLockFile }) => !isLockFile || inLockFile === true)
    .flatMap(({ pattern, why }) => findPattern(file, pattern, (match) => `${match}: ${why}`));
}
