// A write without a request id is made once, whatever its coordinator meets on the way: its value has one version, in its answer and
// wherever it is seen.

import { versionName } from "../history.ts";
import type { History } from "../history.ts";
import { Violation } from "../violation.ts";

/** REQUIRES: every put has a value of its own, and nothing gives a value another version. */
export function checkOnce({ entries }: History): void {
  const versions = new Map<string, string | undefined>();
  for (const { done } of entries) {
    if (done.kind !== "write" || done.request !== undefined) continue;
    for (const { action, key, body } of done.steps) if (action === "put") versions.set(`${key} "${body}"`, undefined);
  }
  const see = (name: string, version: string): void => {
    if (!versions.has(name)) return;
    const known = versions.get(name) ?? version;
    if (known !== version) throw new Violation("once a write", `${name} is ${known} and ${version}`);
    versions.set(name, version);
  };
  for (const { done, told } of entries) {
    if (told?.kind === "done" && done.kind === "write") {
      for (const { key, body } of done.steps) see(`${key} "${body}"`, versionName(told.version));
    } else if (told?.kind === "saw" && told.version !== undefined && done.kind === "read") {
      see(`${done.key} "${told.value ?? ""}"`, versionName(told.version));
    }
  }
}
