// The query of a request. A route knows its parameters: any other is refused, and the nearest known one named, since a
// misspelt `ttl` that changed nothing would be found out too late. No parameter comes twice.

import { TrefoilError } from "../base/errors.ts";
import { nearestOf } from "../base/nearest.ts";
import { queryBytes, strictText } from "./percent.ts";

export class Query {
  /** Values as they came. */
  private readonly raw: ReadonlyMap<string, string>;

  constructor(raw: ReadonlyMap<string, string>) {
    this.raw = raw;
  }

  has(name: string): boolean {
    return this.raw.has(name);
  }

  bytes(name: string): Uint8Array | undefined {
    const raw = this.raw.get(name);
    return raw === undefined ? undefined : queryBytes(raw);
  }

  text(name: string): string | undefined {
    const raw = this.raw.get(name);
    return raw === undefined ? undefined : textOf(raw);
  }
}

const emptyQuery = new Query(new Map());

/** What a route was asked last, by its parameters: most requests ask the same. */
const lastRead = new Map<readonly string[], { readonly query: string; readonly parsed: Query }>();

/** `known` are the parameters of the route, one list for all its requests. */
export function readQuery(query: string, known: readonly string[]): Query {
  if (query === "") return emptyQuery;
  const last = lastRead.get(known);
  if (last?.query === query) return last.parsed;
  const parsed = parseQuery(query, known);
  lastRead.set(known, { query, parsed });
  return parsed;
}

function parseQuery(query: string, known: readonly string[]): Query {
  const raw = new Map<string, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const mark = part.indexOf("=");
    const name = textOf(mark < 0 ? part : part.slice(0, mark));
    if (!known.includes(name)) throw new TrefoilError("bad_request", unknownParameter(name, known));
    if (raw.has(name)) throw new TrefoilError("bad_request", `the parameter ${name} is there twice`);
    raw.set(name, mark < 0 ? "" : part.slice(mark + 1));
  }
  return new Query(raw);
}

function unknownParameter(name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  const shown = JSON.stringify(name.slice(0, 64));
  if (nearest === undefined) return `there is no parameter ${shown} here, nor any other`;
  return `there is no parameter ${shown} here; the nearest is "${nearest}", of ${known.join(", ")}`;
}

/** Stands for itself, as names and most values do. */
const plain = /^[\w.-]*$/;

function textOf(raw: string): string {
  if (plain.test(raw)) return raw;
  const text = strictText(queryBytes(raw));
  if (text !== undefined) return text;
  throw new TrefoilError("bad_request", `${JSON.stringify(raw.slice(0, 64))} in the query is no UTF-8`);
}
