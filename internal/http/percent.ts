// Percent codes into bytes, and base64url. A raw target is what came over the wire: what is no `%` stands for itself.

import { emptyBytes } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";

const percent = 0x25;

/** The bytes of text[from, to). Throws `code` for a `%` without two hexadecimal digits. */
export function percentBytes(text: string, from: number, to: number, code: ErrorCode): Uint8Array {
  const bytes = new Uint8Array(to - from);
  let length = 0;
  for (let at = from; at < to; at++) {
    let byte = text.charCodeAt(at);
    if (byte === percent) {
      byte = at + 2 < to ? (hexDigit(text.charCodeAt(at + 1)) << 4) | hexDigit(text.charCodeAt(at + 2)) : -1;
      if (byte < 0) throw malformed(text, at, to, code);
      at += 2;
    }
    bytes[length++] = byte;
  }
  return length === bytes.length ? bytes : bytes.slice(0, length);
}

/** The bytes of a part of a query, where `+` is a blank, as forms and URLSearchParams write it. */
export function queryBytes(text: string): Uint8Array {
  if (text === "") return emptyBytes;
  const blanked = text.replaceAll("+", "%20");
  return percentBytes(blanked, 0, blanked.length, "bad_request");
}

/** As bytes, or undefined when the text is not what `base64url` writes: with stray bits in its last letter it would be an alias. */
export function base64urlBytes(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text, "base64url"));
  return base64url(bytes) === text ? bytes : undefined;
}

/** Why `base64urlBytes` takes it for none, behind the text itself. */
export function base64urlMistake(text: string): string {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return `is no base64url: letters, digits, "-" and "_", without padding`;
  if (text.length % 4 === 1) return "is no base64url: a letter is missing, or one too many, for whole bytes";
  const meant = base64url(Buffer.from(text, "base64url"));
  return `is no base64url: its last letter has bits that no byte takes; of these bytes it is ${JSON.stringify(meant)}`;
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
}

/** The bytes as text, or undefined when they are no UTF-8. */
export function strictText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Or a negative number. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function malformed(text: string, at: number, to: number, code: ErrorCode): TrefoilError {
  const shown = JSON.stringify(text.slice(at, Math.min(at + 3, to)));
  return new TrefoilError(code, `${shown} is no percent code: write % itself as %25, any byte as % and two digits`);
}
