// The routes of the listeners, in the words in which people are told of them.

import { TrefoilError } from "../base/errors.ts";
import { nearestOf } from "../base/nearest.ts";

export interface Routes {
  readonly paths: readonly string[];
  /** What somebody may look for here in vain. */
  readonly elsewhere: string;
}

export const dataRoutes: Routes = {
  paths: [
    "/<key>",
    "/-/kv/<key>",
    "/-/kv64/<base64url>",
    "/-/keys",
    "/-/explain/<key>",
    "/-/explain64/<base64url>",
    "/-/cluster",
    "/-/openapi.json",
    "/-/docs",
  ],
  elsewhere: "/livez, /readyz and /metrics are on the admin listener (--admin)",
};

export const adminRoutes: Routes = {
  paths: ["/livez", "/readyz", "/metrics", "/-/cluster", "/-/docs"],
  elsewhere: "keys are on the data listener (--http)",
};

/** Nothing of ours is there. */
export function noRoute(path: string, { paths, elsewhere }: Routes): TrefoilError {
  const beginnings = new Map(paths.map((route) => [beginningOf(route), route]));
  const nearest = beginnings.get(nearestOf(beginningOf(path), [...beginnings.keys()]) ?? "") ?? "";
  const shown = JSON.stringify(path.slice(0, 128));
  const detail = `there is no route ${shown}; the nearest is ${nearest}, of ${paths.join(", ")}; ${elsewhere}`;
  return new TrefoilError("not_found", detail);
}

/** What tells routes apart, without keys. */
function beginningOf(path: string): string {
  return path.split("/", 3).join("/");
}
