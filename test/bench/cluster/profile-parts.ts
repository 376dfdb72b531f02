// A CPU profile split by the part of the program in which the time was spent: what is on top of the stack counts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds by part, over all profiles of a folder. Idle time is a part, too. */
export function partsOfProfiles(folder: string): Map<string, number> {
  const parts = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith(".cpuprofile")) continue;
    const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile;
    const partOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [at, sample] of profile.samples.entries()) {
      const part = partOf.get(sample) ?? "?";
      parts.set(part, (parts.get(part) ?? 0) + (profile.timeDeltas[at] ?? 0));
    }
  }
  return parts;
}

function nameOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  if (functionName === "(idle)") return "idle";
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)" || url === "") return "native code";
  const own = /dist\/(internal\/[a-z0-9-]+|cmd\/[a-z]+)\//.exec(url)?.[1];
  if (own !== undefined) return own;
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (library !== undefined) return library;
  return url.startsWith("node:") ? `node:${/^node:(?:internal\/)?([a-z0-9_]+)/.exec(url)?.[1] ?? ""}` : "the rest";
}
