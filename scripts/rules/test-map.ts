// docs/testing.md says which test watches over which known failure. A map that nobody checks goes stale in silence, so each
// test named in it must have run and passed.
//
//   | sentence | test |
//   | --- | --- |
//   | Directory not synced. | internal/log/segment.test.ts › creates › syncs the folder |
//   | Two of them.          | a.test.ts › one <br> b.test.ts › two                       |
//   | Not watched yet.      | open                                                       |
//
// A test may be named by the last parts of its name only.

import { finding, type Finding, type SourceFile } from "./finding.ts";

export interface RanTest {
  /** The source file that defines the test, seen from the root. */
  readonly file: string;
  readonly name: string;
  readonly outcome: string;
}

interface Row {
  readonly line: number;
  readonly sentence: string;
  readonly cells: readonly string[];
}

export interface MapVerdict {
  readonly findings: readonly Finding[];
  readonly sentences: number;
  readonly open: readonly string[];
}

const header = /^\|\s*sentence\s*\|\s*test\s*\|$/;
const openCell = "open";

export function checkTestMap(map: SourceFile, ran: readonly RanTest[]): MapVerdict {
  const rows = readRows(map);
  const open = rows.filter((row) => row.cells.includes(openCell));
  const findings = rows.filter((row) => !open.includes(row)).flatMap((row) => checkRow(map.path, row, ran));
  if (rows.length === 0) findings.push(finding(map.path, 0, "holds no table with the header | sentence | test |"));
  return { findings, sentences: rows.length, open: open.map((row) => row.sentence) };
}

function readRows(map: SourceFile): Row[] {
  const rows: Row[] = [];
  let inTable = false;
  for (const [at, line] of map.text.split("\n").entries()) {
    if (header.test(line)) inTable = true;
    else if (!line.startsWith("|")) inTable = false;
    else if (inTable && !/^\|[\s:|-]+$/.test(line)) rows.push(readRow(line, at + 1));
  }
  return rows;
}

function readRow(text: string, line: number): Row {
  const [sentence = "", ...tests] = text
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
  const cells = tests
    .join("|")
    .split(/<br\s*\/?>/)
    .map((cell) => cell.replaceAll("`", "").trim());
  return { line, sentence, cells };
}

function checkRow(path: string, row: Row, ran: readonly RanTest[]): Finding[] {
  const found: Finding[] = [];
  if (row.sentence === "") found.push(finding(path, row.line, "a test that watches over no sentence"));
  for (const cell of row.cells) {
    const cut = cell.indexOf(" › ");
    const what = cut < 0 ? `"${cell}" names no test: write file › name, or open` : faultOfTest(cell, cut, ran);
    if (what !== undefined) found.push(finding(path, row.line, what));
  }
  return found;
}

function faultOfTest(cell: string, cut: number, ran: readonly RanTest[]): string | undefined {
  const file = cell.slice(0, cut);
  const name = cell.slice(cut + " › ".length);
  const ofFile = ran.filter((test) => test.file === file);
  if (ofFile.length === 0) return `no test of ${file} ran`;
  const named = ofFile.filter((test) => test.name === name || test.name.endsWith(` › ${name}`));
  if (named.length === 0) return `${file} ran without a test called "${name}"`;
  return named.every((test) => test.outcome === "pass") ? undefined : `"${name}" of ${file} did not pass`;
}
