// The routes of the listeners, in the words in which people are told of them.

import { TrefoilError } from "../base/errors.ts";
import { nearestOf } from "../base/nearest.ts";

export interface Routes {
  readonly paths: readonly string[];
  /** What somebody may look for here in vain, and where it is. */
  readonly elsewhere: { readonly paths: readonly string[]; readonly where: string };
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
  elsewhere: { paths: ["/livez", "/readyz", "/metrics"], where: "on the admin listener (--admin)" },
};

export const adminRoutes: Routes = {
  paths: ["/livez", "/readyz", "/metrics", "/-/cluster", "/-/docs"],
  elsewhere: { paths: ["/<key>", "/-/keys"], where: "on the data listener (--http)" },
};

/** Nothing of ours is there. The command line knows the refusal by its first words. */
export function noRoute(path: string, { paths, elsewhere }: Routes): TrefoilError {
  const name = nameOf(path);
  const others = `${elsewhere.paths.join(", ")} are ${elsewhere.where}`;
  const here = paths.join(", ");
  const hint = (): string => {
    const there = elsewhere.paths.find((route) => nameOf(route) === name);
    if (there !== undefined) return `${there} is ${elsewhere.where}; here are ${here}`;
    const near = nearestOf(name, paths.map(nameOf), changesMaxOf(name));
    if (near === undefined) return `there are ${here}; ${others}`;
    return `the nearest is ${paths.find((route) => nameOf(route) === near)}, of ${here}; ${others}`;
  };
  return new TrefoilError("not_found", `there is no route ${JSON.stringify(path.slice(0, 128))}; ${hint()}`);
}

/** What tells routes apart: neither keys nor the `-` in front of what is ours. */
function nameOf(path: string): string {
  return path.replace(/^\/(?:-\/)?/, "").split("/", 1)[0] as string;
}

/** A name with more of its letters changed is another word, not a misspelt one. */
function changesMaxOf(name: string): number {
  return Math.max(1, Math.floor(name.length / 3));
}
