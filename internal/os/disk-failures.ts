// What an errno of the system means to the rest of Trefoil.

import { DiskFailure, type DiskFailureKind } from "../platform/disk.ts";

const kinds: Readonly<Record<string, DiskFailureKind>> = {
  ENOENT: "not_found",
  // A part of the path in front of the last is a file: so there is nothing under that name.
  ENOTDIR: "not_found",
  EEXIST: "exists",
  ENOSPC: "full",
  EDQUOT: "full",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
};

export function toDiskFailure(reason: unknown, operation: string, path: string): DiskFailure {
  const code = errorCode(reason);
  return new DiskFailure((code === undefined ? undefined : kinds[code]) ?? "failed", operation, path, reason);
}

/** The errno's name of a system error: ENOENT and so on. */
export function errorCode(reason: unknown): string | undefined {
  if (!(reason instanceof Error) || !("code" in reason)) return undefined;
  return typeof reason.code === "string" ? reason.code : undefined;
}
