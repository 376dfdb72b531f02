// Text from elsewhere, as it may go to a terminal: what would move its cursor or colour it is written out.

import { printableKey } from "../../../internal/base/bytes.ts";
import { strictText } from "../../../internal/http/percent.ts";

const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const unsafeInValue = /[^\P{Cc}\t\n]/u;

/** On one line. */
export function visible(text: string): string {
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** On one line; bytes that are no text are written out as \xNN. */
export function visibleBytes(bytes: Uint8Array): string {
  const text = strictText(bytes);
  return text === undefined ? printableKey(bytes) : visible(text);
}

/** Whether a terminal shows it as it is. */
export function isShowable(bytes: Uint8Array): boolean {
  const text = strictText(bytes);
  return text !== undefined && !unsafeInValue.test(text);
}

/** Not more than so many characters. */
export function shortened(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
}
