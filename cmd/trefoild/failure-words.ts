// What is said of a failure that ends the process, or keeps it from starting: what happened, to what, and what to do.

import { TrefoilError } from "../../internal/base/errors.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type { DiskFailureKind } from "../../internal/platform/disk.ts";

/** A listener could not take its address. */
export function listenFailure(flag: string, address: string, failure: unknown): TrefoilError {
  const said = failure instanceof Error ? failure.message : String(failure);
  // gRPC has the code in its words alone.
  const code = /\bE[A-Z]{4,}\b/.exec(said)?.[0] ?? "";
  const words = listenWords[code] ?? `${said}; look at --${flag}`;
  return new TrefoilError("conflict", `--${flag} ${address}: ${words.replaceAll("FLAG", `--${flag}`)}`, {
    cause: failure,
  });
}

const listenWords: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there; end it, or choose another port with FLAG",
  EACCES: "the system does not let this user listen there; choose a port from 1024 on with FLAG",
  EADDRNOTAVAIL:
    "no interface of this machine has this address; correct FLAG, and say with --advertise what others dial",
  ENOTFOUND: "this host is not known here; correct FLAG",
};

const diskAdvice: Readonly<Record<Exclude<DiskFailureKind, "in_use">, string>> = {
  not_found: "look whether something else works in the data folder",
  exists: "look whether something else works in the data folder",
  full: "make room on the disk, then start again",
  exhausted: "raise the limit of open files (ulimit -n), then start again",
  denied: "let this user read and write the data folder",
  failed:
    "look after the disk (its log, its cables, its file system) before starting again: what was acknowledged is on it",
};

const noFolderAdvice = "name a folder that can be made, or written to, with --data";

/** In one line. */
export function failureWords(failure: unknown): string {
  const chain = causesOf(failure);
  const disk = chain.find((each) => each instanceof DiskFailure);
  const first = chain[0];
  const said = first === undefined ? String(failure) : first.message;
  if (disk !== undefined) {
    const { kind, operation, message } = disk;
    // Whoever was refused a folder for it has said whose it is, and what to do.
    if (kind === "in_use") return said;
    const whole = said.includes(message) ? said : `${said} (${message})`;
    return `${whole}; ${operation === "makeFolder" ? noFolderAdvice : diskAdvice[kind]}`;
  }
  if (first instanceof TrefoilError) {
    if (first.code !== "corruption") return said;
    return `${said}; trefoil inspect shows what is there: keep the folder, and bring the node back with an empty one`;
  }
  return `${said}; this is a fault of Trefoil: what was acknowledged is on disk, start it again, and report it with the lines below`;
}

/** The world's, not ours, as its words have it: where in the code it came to light is no concern of whoever reads of it. */
export function isOfTheWorld(failure: unknown): boolean {
  return failure instanceof TrefoilError || causesOf(failure).some((each) => each instanceof DiskFailure);
}

const causesMax = 8;

function causesOf(failure: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = failure; at instanceof Error && chain.length < causesMax; at = at.cause) chain.push(at);
  return chain;
}
