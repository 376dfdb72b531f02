// What somebody sees who runs a cluster for development: what runs where, what happens to the processes, and what the nodes log. Plain
// lines, so that they may as well go to a file; on a terminal with colours.

import { prettyLine } from "../../../internal/telemetry/pretty-line.ts";

export interface Out {
  write(text: string): unknown;
}

export class Printer {
  private readonly out: Out;
  private readonly isJson: boolean;
  private readonly hasColours: boolean;

  constructor(out: Out, format: "auto" | "json" | "pretty", hasColours: boolean) {
    this.out = out;
    this.isJson = format === "json";
    this.hasColours = hasColours;
  }

  /** Of the cluster as a whole. */
  say(text: string): void {
    this.out.write(`${text}\n`);
  }

  strong(text: string): string {
    return this.hasColours ? `\u001b[1m${text}\u001b[0m` : text;
  }

  /** Rows below each other, columns below headings. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = headings.map((heading, at) =>
      Math.max(heading.length, ...rows.map((row) => (row[at] ?? "").length)),
    );
    const line = (row: readonly string[]): string =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd();
    this.say(`  ${this.strong(line(headings))}`);
    for (const row of rows) this.say(`  ${line(row)}`);
  }

  /** A line of a node's log: JSON, or what something below it wrote on the error output. */
  nodeLine(id: string, line: string): void {
    if (this.isJson) this.out.write(`${line}\n`);
    else this.out.write(`${this.strong(id)} ${prettyLine(line, this.hasColours)}`);
  }
}
