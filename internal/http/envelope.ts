// The JSON envelope: value and time to live in one body.
//
//   {"value": "Saurab", "ttl": 3600}     a text is stored as text/plain; charset=utf-8
//   {"value": {"a": 1}}                  anything else as application/json, its bytes as they were written
//
// A body is an envelope when it is a JSON object with the member `value` and none but `value` and `ttl`. The text is
// searched for where the value stands, because parsing and printing would change numbers.

import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import type { TimeToLive } from "../node/requests.ts";
import { ttlOf } from "./parameters.ts";
import { strictText } from "./percent.ts";

export interface Envelope {
  readonly value: Uint8Array;
  readonly contentType: string;
  /** Undefined: the envelope names none. */
  readonly ttl: TimeToLive | undefined;
}

const textType = "text/plain; charset=utf-8";
export const jsonType = "application/json";

/** The envelope, or in words why the body is none. Throws for what is one and cannot be stored. */
export function readEnvelope(body: Uint8Array): Envelope | string {
  const text = strictText(body);
  if (text === undefined) return "it is no UTF-8";
  const parsed = parse(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "it is no JSON object";
  const strange = Object.keys(parsed).find((name) => name !== "value" && name !== "ttl");
  if (strange !== undefined) return `it has the member ${JSON.stringify(strange.slice(0, 64))}`;
  if (!Object.hasOwn(parsed, "value")) return `it has no member "value"`;
  const members = membersOf(text);
  const { value, ttl } = parsed as { readonly value: unknown; readonly ttl?: unknown };
  const isText = typeof value === "string";
  if (isText && /\p{Surrogate}/u.test(value)) {
    throw new TrefoilError("bad_request", "half a surrogate pair in the value is no text");
  }
  return {
    value: utf8(isText ? value : (members.get("value") as string)),
    contentType: isText ? textType : jsonType,
    ttl: members.has("ttl") ? envelopeTtl(ttl) : undefined,
  };
}

function envelopeTtl(ttl: unknown): TimeToLive {
  if (typeof ttl === "string") return ttlOf(ttl);
  if (typeof ttl === "number" && Number.isSafeInteger(ttl)) return ttlOf(String(ttl));
  throw new TrefoilError("bad_ttl", "the ttl of an envelope is a whole number of seconds, or a text as ?ttl= takes it");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The members of an object that is known to be well-formed JSON, each as it is written. Refuses two of one name. */
function membersOf(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipBlanks(text, text.indexOf("{") + 1);
  while (text[at] !== "}") {
    const nameEnd = endOfText(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const end = endOfValue(text, start);
    if (members.has(name)) throw new TrefoilError("bad_request", `the envelope has the member ${name} twice`);
    members.set(name, text.slice(start, end));
    at = skipBlanks(text, end);
    if (text[at] === ",") at = skipBlanks(text, at + 1);
  }
  return members;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return at;
}

/** Behind the closing quote of the text that begins here. */
function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins here. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  do {
    const character = text[at] as string;
    if (character === '"') {
      at = endOfText(text, at);
    } else {
      if (character === "{" || character === "[") depth++;
      if (character === "}" || character === "]") depth--;
      at++;
    }
  } while (depth > 0 || !",} \t\r\n".includes(text[at] as string));
  return at;
}
