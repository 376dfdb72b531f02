// How what was found is printed: a line for each finding, for people (table), for programs (json: one array of
// objects; raw: fields between tabs, nothing shortened, no heading). Lines go out as they are found.

import { once } from "node:events";
import { unreachable } from "../../internal/base/assert.ts";
import { TrefoilError } from "../../internal/base/errors.ts";

export const outputForms = ["table", "json", "raw"] as const;
export type OutputForm = (typeof outputForms)[number];

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export interface Finding {
  /** Where: an offset, a file name, a level. */
  readonly place: string;
  /** What stands there, in a word or two. */
  readonly what: string;
  readonly details: string;
  /** The same for programs, beside `what`. */
  readonly fields: { readonly [name: string]: Json };
  readonly isDamage?: boolean;
}

export interface InspectOptions {
  /** Single entries too, where the default is a summary of them. */
  readonly entries: boolean;
  /** Blocks of tables are not read where they only would be judged. */
  readonly quick: boolean;
  /** Lines to show at most, beside the summary and damage. */
  readonly limit: number;
}

export function parseForm(text: string): OutputForm {
  const form = outputForms.find((name) => name === text);
  if (form === undefined) throw new TrefoilError("bad_request", `-o ${text}: choose from ${outputForms.join(", ")}`);
  return form;
}

export function parseLimit(text: string | undefined): number {
  if (text === undefined) return Infinity;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new TrefoilError("bad_request", `--limit ${text}: it takes a number from 1 on`);
  return limit;
}

const placeWidth = 14;
const whatWidth = 16;

/** Prints all findings; returns how many of them are damage, and whether an open would be refused. */
export async function printFindings(
  out: NodeJS.WritableStream,
  form: OutputForm,
  findings: AsyncIterable<Finding>,
): Promise<{ readonly damages: number; readonly isRefused: boolean }> {
  let damages = 0;
  let isRefused = false;
  let count = 0;
  for await (const finding of findings) {
    if (finding.what === "refused") isRefused = true;
    else if (finding.isDamage === true) damages++;
    if (!out.write(`${separator(form, count)}${lineOf(form, finding)}`)) await once(out, "drain");
    count++;
  }
  if (form === "json") out.write(count === 0 ? "[]\n" : "\n]\n");
  return { damages, isRefused };
}

function separator(form: OutputForm, count: number): string {
  if (form !== "json") return "";
  return count === 0 ? "[\n" : ",\n";
}

function lineOf(form: OutputForm, { place, what, details, fields }: Finding): string {
  switch (form) {
    case "json":
      return JSON.stringify({ what, ...fields });
    case "raw":
      return `${place}\t${what}\t${details}\n`;
    case "table":
      return `${place.padEnd(placeWidth)} ${what.padEnd(whatWidth)} ${details}`.trimEnd().concat("\n");
    default:
      return unreachable(form, "a form of output");
  }
}
