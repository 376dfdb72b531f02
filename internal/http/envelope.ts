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
import { mistakeIn } from "./json-mistake.ts";
import { membersOf } from "./json-text.ts";
import { ttlOf } from "./parameters.ts";
import { strictText } from "./percent.ts";

export interface Envelope {
  readonly value: Uint8Array;
  readonly contentType: string;
  /** Undefined: the envelope names none. */
  readonly ttl: TimeToLive | undefined;
}

/** A body that is none. */
export interface NoEnvelope {
  readonly why: string;
  /** The same for whoever may have meant one: it has a value beside what no envelope has, or would have, were it JSON. */
  readonly note: string | undefined;
}

const textType = "text/plain; charset=utf-8";
export const jsonType = "application/json";

/** The envelope, or in words why the body is none. Throws for what is one and cannot be stored. */
export function readEnvelope(body: Uint8Array): Envelope | NoEnvelope {
  const text = strictText(body);
  if (text === undefined) return none("it is no UTF-8");
  const parsed = parse(text);
  if (parsed === undefined) {
    const why = `it is no JSON: ${mistakeIn(text)}`;
    return none(why, looksMeant(text) ? why : undefined);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return none("it is no JSON object");
  const hasValue = Object.hasOwn(parsed, "value");
  const strange = Object.keys(parsed).find((name) => name !== "value" && name !== "ttl");
  if (strange !== undefined) {
    const why = `it has the member ${JSON.stringify(strange.slice(0, 64))}`;
    return none(why, hasValue ? `${why}, and an envelope has none but "value" and "ttl"` : undefined);
  }
  if (!hasValue) return none(`it has no member "value"`);
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

const none = (why: string, note?: string): NoEnvelope => ({ why, note });

/** A shell that took its quotes, or a comma left out: it begins as an object does, and somewhere names a value. */
function looksMeant(text: string): boolean {
  return text.trimStart().startsWith("{") && /\bvalue["']?\s*:/.test(text);
}

function envelopeTtl(ttl: unknown): TimeToLive {
  if (typeof ttl === "string") return ttlOf(ttl);
  if (typeof ttl === "number" && Number.isSafeInteger(ttl)) return ttlOf(String(ttl));
  throw new TrefoilError("bad_ttl", "the ttl of an envelope is a whole number of seconds, or a text as ?ttl= takes it");
}

/** Undefined: it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
