// The routes of the data listener, in the words in which people are told of them.

import { TrefoilError } from "../base/errors.ts";
import { nearestOf } from "../base/nearest.ts";

export const routePaths: readonly string[] = [
  "/<key>",
  "/-/kv/<key>",
  "/-/kv64/<base64url>",
  "/-/keys",
  "/-/explain/<key>",
  "/-/explain64/<base64url>",
  "/-/cluster",
  "/-/openapi.json",
  "/-/docs",
];

export const adminPaths: readonly string[] = ["/livez", "/readyz", "/metrics", "/-/cluster", "/-/docs"];

/** Nothing of ours is there. */
export function noRoute(path: string, known: readonly string[]): TrefoilError {
  const beginnings = new Map(known.map((route) => [beginningOf(route), route]));
  const nearest = beginnings.get(nearestOf(beginningOf(path), [...beginnings.keys()]) ?? "") ?? "";
  const shown = JSON.stringify(path.slice(0, 128));
  return new TrefoilError("not_found", `there is no route ${shown}; the nearest is ${nearest}, of ${known.join(", ")}`);
}

/** What tells routes apart, without keys. */
function beginningOf(path: string): string {
  return path.split("/", 3).join("/");
}
