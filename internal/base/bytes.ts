// Ranges of bytes, compared and copied without making views of them: on the hot path a key is an
// array, a start and an end. Keys are ordered as unsigned bytes, a prefix before what it begins.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false });

export const emptyBytes: Uint8Array = new Uint8Array(0);

/** Above, an encoder is faster than a loop. */
const loopCharactersMax = 64;

export function utf8(text: string): Uint8Array {
  if (text.length > loopCharactersMax) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return encoder.encode(text);
    bytes[at] = code;
  }
  return bytes;
}

/** For people: malformed bytes become the replacement character. */
export function utf8Text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Negative, zero or positive as `a` sorts before, with or after `b`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = a.length < b.length ? a.length : b.length;
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** compareBytes over a[aStart, aEnd) and b[bStart, bEnd). */
// oxlint-disable-next-line max-params -- two ranges without a view of either: the innermost comparison of the engine
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const shared = aLength < bLength ? aLength : bLength;
  for (let at = 0; at < shared; at++) {
    const difference = (a[aStart + at] as number) - (b[bStart + at] as number);
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** How many leading bytes `a` and `b` share. */
export function sharedPrefixLength(a: Uint8Array, b: Uint8Array): number {
  const most = a.length < b.length ? a.length : b.length;
  let at = 0;
  while (at < most && a[at] === b[at]) at++;
  return at;
}

export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The least byte string above every string that begins with `prefix`; undefined when there is none. */
export function prefixSuccessor(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const successor = prefix.slice(0, length);
  successor[length - 1] = (successor[length - 1] as number) + 1;
  return successor;
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexOfByte[byte] as string;
  return text;
}

/** A key as people can read it in an error or a listing: printable ASCII as it stands, the rest as \xNN. */
export function printableKey(key: Uint8Array): string {
  let text = "";
  for (const byte of key) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\x${hexOfByte[byte] as string}`;
  }
  return text;
}
