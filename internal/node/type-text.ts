// Content types as bytes, and back. Most values have the type of the one before, and a decoder costs more than a comparison.

import { emptyBytes, equalBytes, utf8, utf8Text } from "../base/bytes.ts";

interface Known {
  readonly text: string;
  readonly bytes: Uint8Array;
}

let last: Known = { text: "", bytes: emptyBytes };

/** Not to be written. */
export function typeBytes(text: string): Uint8Array {
  if (text !== last.text) last = { text, bytes: utf8(text) };
  return last.bytes;
}

export function typeText(bytes: Uint8Array): string {
  if (!equalBytes(bytes, last.bytes)) last = { text: utf8Text(bytes), bytes: bytes.slice() };
  return last.text;
}
