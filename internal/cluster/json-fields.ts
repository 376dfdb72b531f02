// JSON that came from elsewhere, field by field: each is what it has to be, or the whole is refused as corruption of `what`.

import { utf8Text } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

const textCharactersMax = 512;
export const listMax = 1024;

export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(utf8Text(bytes)) as unknown;
  } catch (failure) {
    throw corruption(`${what} is not JSON`, failure);
  }
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw corruption(`${what} is no object`);
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= listMax) return value as readonly unknown[];
  throw corruption(`${what} has something that is no list, or too long a one`);
}

export function textOf(value: unknown, what: string): string {
  if (typeof value === "string" && value.length <= textCharactersMax) return value;
  throw corruption(`${what} has something that is no text, or too long a one`);
}

export function countOf(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw corruption(`${what} has something that is no whole number`);
}
