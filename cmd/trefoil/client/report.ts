// What a command has to say: facts with names, rows below headings, lines. As a table for people, as fields between tabs for
// scripts (raw), or as JSON for programs.

import { once } from "node:events";
import { unreachable } from "../../../internal/base/assert.ts";
import type { OutputForm } from "../output.ts";
import { visible } from "./visible.ts";

export type Cell = string | number | null | undefined;

export type Part =
  | { readonly kind: "facts"; readonly facts: readonly (readonly [name: string, value: Cell])[] }
  | { readonly kind: "rows"; readonly headings: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: "lines"; readonly heading: string; readonly lines: readonly string[] };

export interface Report {
  readonly parts: readonly Part[];
  /** The same, and whatever else is known, as JSON text. */
  readonly json: string;
}

export interface Screen {
  /** Resolves when there is room for more. */
  write(text: string | Uint8Array): Promise<void>;
  readonly hasColours: boolean;
}

/** Colours are for terminals, and for those who have not said that they want none (no-color.org). */
export function screenOf(out: NodeJS.WriteStream, environment: Readonly<Record<string, string | undefined>>): Screen {
  const isColoured = out.isTTY && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const write = async (text: string | Uint8Array): Promise<void> => {
    if (!out.write(text)) await once(out, "drain");
  };
  return { write, hasColours: isColoured };
}

export function printReport(screen: Screen, form: OutputForm, report: Report): Promise<void> {
  return screen.write(reportText(screen, form, report));
}

function reportText(screen: Screen, form: OutputForm, { parts, json }: Report): string {
  switch (form) {
    case "json":
      return `${json.trimEnd()}\n`;
    case "raw":
      return parts.flatMap((part) => fieldsOf(part).map((fields) => `${fields.join("\t")}\n`)).join("");
    case "table":
      return parts
        .filter((part) => part.kind === "facts" || (part.kind === "rows" ? part.rows : part.lines).length > 0)
        .map((part) => tableOf(screen, part))
        .join("\n");
    default:
      return unreachable(form, "a form of output");
  }
}

/** Rows of a table that comes in pieces: columns are as wide as the first piece needs, or wider where that is said. */
export class RowPrinter {
  private readonly screen: Screen;
  private readonly headings: readonly string[];
  private readonly widthsLeast: readonly number[];
  private widths: readonly number[] | undefined;

  constructor(screen: Screen, headings: readonly string[], widthsLeast: readonly number[] = []) {
    this.screen = screen;
    this.headings = headings;
    this.widthsLeast = widthsLeast;
  }

  /** As text to be written. */
  rows(rows: readonly (readonly Cell[])[]): string {
    const cells = rows.map((row) => row.map(cellText));
    const heading = this.widths === undefined && rows.length > 0 ? [this.headings] : [];
    this.widths ??= widthsOf([this.headings, ...cells]).map((width, at) => Math.max(width, this.widthsLeast[at] ?? 0));
    const widths = this.widths;
    return [
      ...heading.map((row) => `${strong(this.screen, padded(row, widths))}\n`),
      ...cells.map((row) => `${padded(row, widths)}\n`),
    ].join("");
  }
}

function fieldsOf(part: Part): readonly (readonly string[])[] {
  switch (part.kind) {
    case "facts":
      return part.facts.map((fact) => fact.map(rawText));
    case "rows":
      return part.rows.map((row) => row.map(rawText));
    case "lines":
      return part.lines.map((line) => [part.heading, visible(line)]);
    default:
      return unreachable(part, "a part of a report");
  }
}

function tableOf(screen: Screen, part: Part): string {
  switch (part.kind) {
    case "facts": {
      const width = Math.max(...part.facts.map(([name]) => name.length));
      const lines = part.facts.map(([name, value]) => `${strong(screen, name.padEnd(width))}  ${cellText(value)}`);
      return `${lines.join("\n")}\n`;
    }
    case "rows":
      return new RowPrinter(screen, part.headings).rows(part.rows);
    case "lines":
      return [strong(screen, part.heading), ...part.lines.map((line) => `  ${visible(line)}`), ""].join("\n");
    default:
      return unreachable(part, "a part of a report");
  }
}

/** Undefined: nothing is known, or there is none. */
function cellText(cell: Cell): string {
  return cell === null || cell === undefined ? "-" : visible(String(cell));
}

function rawText(cell: Cell): string {
  return cell === null || cell === undefined ? "" : visible(String(cell));
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const columns = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
}

function padded(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join("  ")
    .trimEnd();
}

function strong({ hasColours }: Screen, text: string): string {
  return hasColours ? `\u001b[1m${text}\u001b[0m` : text;
}
