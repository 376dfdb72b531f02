// The names of the engine's files. Anything else in the folder is a stranger's and is never touched.

import { fileNumber } from "../base/ids.ts";
import type { FileNumber } from "../base/ids.ts";

export type EngineFile =
  | { readonly kind: "table" | "manifest" | "temporary"; readonly number: FileNumber }
  | { readonly kind: "current" };

export const currentName = "current";

export const tableName = (number: FileNumber): string => `${digits(number)}.table`;
export const manifestName = (number: FileNumber): string => `manifest-${digits(number)}`;
/** What `current` is written as before it is renamed into place. */
export const temporaryName = (number: FileNumber): string => `${digits(number)}.temporary`;
export const joinPath = (folder: string, name: string): string => `${folder}/${name}`;
export const tablePath = (folder: string, number: FileNumber): string => joinPath(folder, tableName(number));

const aside = ".set-aside";
/** Of a file that the engine no longer knows and does not dare to remove: a stranger's from then on. */
export const asideName = (name: string): string => `${name}${aside}`;
export const isAside = (name: string): boolean => name.endsWith(aside);

/** The number of a file, also of one that was set aside: none is given twice. */
export function numberIn(name: string): number {
  const file = parseFileName(isAside(name) ? name.slice(0, -aside.length) : name);
  return file === undefined || file.kind === "current" ? 0 : file.number;
}

/** undefined for a name that this engine does not give. */
export function parseFileName(name: string): EngineFile | undefined {
  if (name === currentName) return { kind: "current" };
  const match = /^(?:(manifest)-(\d{6,16})|(\d{6,16})\.(table|temporary))$/.exec(name);
  if (match === null) return undefined;
  const kind = (match[1] ?? match[4]) as "manifest" | "table" | "temporary";
  const number = fileNumber(Number(match[2] ?? match[3]));
  return digits(number) === (match[2] ?? match[3]) ? { kind, number } : undefined;
}

function digits(number: FileNumber): string {
  return String(number).padStart(6, "0");
}
