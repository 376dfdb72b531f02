// How a value lies in a record: content type length u8 | content type, UTF-8 | value.

import { BytePool } from "../base/byte-pool.ts";
import { assert } from "../base/assert.ts";
import { typeBytes, typeText } from "./type-text.ts";

const contentTypeBytesMax = 255;

export interface Content {
  /** Empty: none was given. */
  readonly contentType: string;
  /** Shares the payload's memory. */
  readonly value: Uint8Array;
}

const noTypeLength = 1;
const pool = new BytePool();

export function payloadOf(contentType: string, value: Uint8Array): Uint8Array {
  if (contentType === "") {
    const payload = pool.take(noTypeLength + value.length);
    payload.set(value, noTypeLength);
    return payload;
  }
  const type = typeBytes(contentType);
  assert(type.length <= contentTypeBytesMax, "a content type that is too long", { bytes: type.length });
  const payload = pool.take(1 + type.length + value.length);
  payload[0] = type.length;
  payload.set(type, 1);
  payload.set(value, 1 + type.length);
  return payload;
}

export function contentOf(payload: Uint8Array): Content {
  const length = payload[0] ?? 0;
  const contentType = length === 0 ? "" : typeText(payload.subarray(1, 1 + length));
  return { contentType, value: payload.subarray(1 + length) };
}

/** Of a payload what comes before its value: the content type. Shares its memory. */
export const headOf = (payload: Uint8Array): Uint8Array => payload.subarray(0, 1 + (payload[0] ?? 0));
