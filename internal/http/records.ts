// Records as JSON: of single keys that were asked for so, and of listings.
//
//   {"key": "user123", "value": "Saurab", "version": "3.981", "expiresAt": null, "contentType": "text/plain; charset=utf-8"}
//
// `key64` stands for `key`, and `value64` for `value`, where the bytes are no UTF-8. A value of type application/json stands as
// itself, its bytes as they were stored; so what was put in an envelope comes out as it was. One that claims to be JSON and is none
// stands as `value64`: as a text it could not be told from the JSON text of the same letters.

import { isPrintable } from "../node/request-rules.ts";
import type { StoredRecord } from "../node/requests.ts";
import { jsonType } from "./envelope.ts";
import { base64url, strictText } from "./percent.ts";
import { versionText } from "./preconditions.ts";
import { mediaType } from "./request-headers.ts";

/** `value` undefined: leave it out. */
export function recordText(
  key: Uint8Array,
  record: Omit<StoredRecord, "value">,
  value: Uint8Array | undefined,
): string {
  const rest = {
    version: versionText(record.version),
    expiresAt: record.expiresAt === undefined ? null : expiryText(record.expiresAt),
    contentType: shownType(record.contentType),
  };
  const members = [bytesMember("key", key)];
  if (value !== undefined) members.push(valueMember(value, record.contentType));
  return `{${members.join(",")},${JSON.stringify(rest).slice(1)}`;
}

/** As answers call a value: never nothing, and nothing that is no header. */
export function shownType(contentType: string): string {
  return contentType !== "" && isPrintable(contentType) ? contentType : "application/octet-stream";
}

export function expiryText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function valueMember(value: Uint8Array, contentType: string): string {
  if (mediaType(contentType) !== jsonType) return bytesMember("value", value);
  const text = strictText(value);
  return text !== undefined && isJson(text) ? `"value":${text}` : bytesMember64("value", value);
}

/** `"name":"text"`, or `"name64":"base64url"`. */
export function bytesMember(name: string, bytes: Uint8Array): string {
  const text = strictText(bytes);
  return text === undefined ? bytesMember64(name, bytes) : `"${name}":${JSON.stringify(text)}`;
}

const bytesMember64 = (name: string, bytes: Uint8Array): string => `"${name}64":"${base64url(bytes)}"`;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
