// What a rule has to say: where, and what is wrong there. A rule is a function from text to findings and reads no file, so
// that its tests give it samples, good and bad.

/** One file, as rules see it. */
export interface SourceFile {
  /** Seen from the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** Counted from one. Zero: the file as a whole. */
  readonly line: number;
  readonly what: string;
}

export function finding(path: string, line: number, what: string): Finding {
  return { path, line, what };
}

export function describeFinding({ path, line, what }: Finding): string {
  return line === 0 ? `${path}: ${what}` : `${path}:${line}: ${what}`;
}

/** The line, counted from one, on which the character at `offset` stands. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** One finding for each match of `pattern`, which has to be global. */
export function findPattern(file: SourceFile, pattern: RegExp, describe: (match: string) => string): Finding[] {
  const matches = [...file.text.matchAll(pattern)];
  return matches.map((match) => finding(file.path, lineAt(file.text, match.index), describe(match[0])));
}
