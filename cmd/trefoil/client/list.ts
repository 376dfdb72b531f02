// `trefoil list`: keys in the order of their bytes, page after page, printed as they come.

import process from "node:process";
import { unreachable } from "../../../internal/base/assert.ts";
import { concatBytes, emptyBytes, utf8 } from "../../../internal/base/bytes.ts";
import { TrefoilError } from "../../../internal/base/errors.ts";
import { jsonType } from "../../../internal/http/envelope.ts";
import { itemsOf, membersOf } from "../../../internal/http/json-text.ts";
import { consistencyOf } from "../../../internal/http/parameters.ts";
import { mediaType } from "../../../internal/http/request-headers.ts";
import { checkPrefix } from "../../../internal/node/request-rules.ts";
import { exitCodes } from "../failure.ts";
import { parseLimit } from "../output.ts";
import type { OutputForm } from "../output.ts";
import type { ClusterClient } from "./cluster-client.ts";
import { bytesOf } from "./key.ts";
import { RowPrinter } from "./report.ts";
import type { Cell, Screen } from "./report.ts";
import { inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { shortened, visibleBytes } from "./visible.ts";

export interface ListOptions extends SessionOptions {
  readonly key64?: boolean;
  readonly consistency?: string;
  readonly limit?: string;
  readonly values?: boolean;
  readonly cursor?: string;
}

export function list(prefixText: string | undefined, options: ListOptions): Promise<number> {
  return inSession(options, async ({ client, form = "table", screen }) => {
    const prefix = checkPrefix(prefixText === undefined ? emptyBytes : bytesOf(prefixText, options.key64 === true));
    const limit = parseLimit(options.limit);
    const { consistency, cursor: from } = options;
    consistencyOf(consistency);
    if (from !== undefined && !/^[\w-]+$/.test(from)) {
      throw new TrefoilError("bad_request", "--cursor takes what an earlier listing gave, word for word");
    }
    const withValues = options.values === true;
    const printer = printerOf(screen, form, withValues);
    let cursor: string | undefined = from;
    let count = 0;
    do {
      const wanted = Math.min(limit - count, pageKeys);
      const page = await pageOf(client, { prefix, cursor, consistency, withValues, limit: wanted });
      await printer.print(page.records);
      count += page.records.length;
      cursor = page.cursor;
    } while (cursor !== undefined && count < limit);
    await printer.end();
    if (cursor !== undefined)
      process.stderr.write(`trefoil: more may follow: the same command with --cursor ${cursor} goes on\n`);
    else if (count === 0 && form === "table") process.stderr.write("trefoil: there is no such key\n");
    return exitCodes.ok;
  });
}

const pageKeys = 1000;
const timeCharacters = "2027-01-15T09:00:00.000Z".length;

/** As JSON text. */
type RecordText = string;

interface Page {
  readonly records: readonly RecordText[];
  readonly cursor: string | undefined;
}

interface PageWish {
  readonly prefix: Uint8Array;
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly withValues: boolean;
  readonly consistency: string | undefined;
}

async function pageOf(client: ClusterClient, wish: PageWish): Promise<Page> {
  const { prefix, cursor, limit, withValues, consistency } = wish;
  const answer = await client.ask({
    method: "GET",
    path: "/-/keys",
    query: {
      prefix: prefix.length === 0 ? undefined : prefix,
      cursor,
      limit: String(limit),
      values: withValues ? "1" : undefined,
      consistency,
    },
    mayRepeat: true,
  });
  const members = membersOf(answer.body.toString());
  const next = JSON.parse(members.get("cursor") ?? "null") as string | null;
  return { records: itemsOf(members.get("keys") ?? "[]"), cursor: next ?? undefined };
}

interface ListPrinter {
  print(records: readonly RecordText[]): Promise<void>;
  end(): Promise<void>;
}

function printerOf(screen: Screen, form: OutputForm, withValues: boolean): ListPrinter {
  switch (form) {
    case "json":
      return jsonPrinter(screen);
    case "raw":
      return { print: (records) => screen.write(concatBytes(records.flatMap(rawLine))), end: async () => undefined };
    case "table": {
      const headings = ["key", "version", "expires", ...(withValues ? ["content type", "value"] : [])];
      // The first expiry may come behind the first page.
      const rows = new RowPrinter(screen, headings, [0, 0, timeCharacters]);
      return { print: (records) => screen.write(rows.rows(records.map(rowOf))), end: async () => undefined };
    }
    default:
      return unreachable(form, "a form of output");
  }
}

/** One array, though it comes in pages. */
function jsonPrinter(screen: Screen): ListPrinter {
  let count = 0;
  return {
    print: async (records) => {
      if (records.length === 0) return;
      await screen.write(`${count === 0 ? "[\n" : ",\n"}${records.join(",\n")}`);
      count += records.length;
    },
    end: () => screen.write(count === 0 ? "[]\n" : "\n]\n"),
  };
}

const tab = utf8("\t");
const lineEnd = utf8("\n");

/** The key, and behind a tab the value, both as they are. */
function rawLine(text: RecordText): Uint8Array[] {
  const members = membersOf(text);
  const key = bytesIn(members, "key") ?? emptyBytes;
  const value = bytesIn(members, "value");
  return value === undefined ? [key, lineEnd] : [key, tab, value, lineEnd];
}

const keyCharactersShown = 60;
const valueCharactersShown = 60;

function rowOf(text: RecordText): Cell[] {
  const members = membersOf(text);
  const { version, expiresAt, contentType } = JSON.parse(text) as Readonly<Record<string, string | null>>;
  const key = shortened(visibleBytes(bytesIn(members, "key") ?? emptyBytes), keyCharactersShown);
  const value = bytesIn(members, "value");
  const row = [key, version, expiresAt];
  if (value === undefined) return row;
  const shown = shortened(visibleBytes(value), valueCharactersShown);
  return [...row, contentType, shown];
}

/** Bytes that stand there as text, in base64url, or as the JSON that they are; undefined: they do not. */
function bytesIn(members: ReadonlyMap<string, string>, name: string): Uint8Array | undefined {
  const encoded = members.get(`${name}64`);
  if (encoded !== undefined) return Buffer.from(JSON.parse(encoded) as string, "base64url");
  const text = members.get(name);
  if (text === undefined) return undefined;
  const isJson = name === "value" && mediaType(JSON.parse(members.get("contentType") ?? `""`) as string) === jsonType;
  return utf8(isJson || !text.startsWith('"') ? text : (JSON.parse(text) as string));
}
