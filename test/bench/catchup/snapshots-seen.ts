// What nodes say of the filling of one of them: whose log begins too late for it, who keeps pace, and how many snapshots that took.

import type { ParsedFamily } from "../../support/exposition.ts";

/** Of /metrics. */
export type Page = ReadonlyMap<string, ParsedFamily>;

/** Of /-/cluster, the part that counts here. */
export interface ClusterSeen {
  readonly groups: readonly {
    readonly group: number;
    readonly leader: string | null;
    readonly replicas: readonly {
      readonly replica: number;
      readonly node: string;
      readonly role: string | null;
      readonly lag: number | null;
    }[];
  }[];
}

type Labels = Readonly<Record<string, string>>;

/** With these labels, and whatever others. */
function samplesOf(page: Page, name: string, labels: Labels): readonly number[] {
  const samples = page.get(name)?.samples ?? [];
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
    .map(({ value }) => value);
}

export function totalOf(page: Page, name: string, labels: Labels = {}): number {
  return samplesOf(page, name, labels).reduce((sum, value) => sum + value, 0);
}

export function totalOver(pages: readonly Page[], name: string, labels: Labels = {}): number {
  return pages.reduce((sum, page) => sum + totalOf(page, name, labels), 0);
}

/**
 * Of each group the last entry that a node can have, by the pages of all when it was killed and nothing was written: its own last
 * one, and those of the others behind that. What a leader says that it lacks is no measure: who has just been elected has heard nothing of it.
 */
export function heldAtMost(pages: readonly Page[]): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const { labels, value } of pages.flatMap((page) => page.get("trefoil_raft_commit_index")?.samples ?? [])) {
    const group = labels["group"] ?? "";
    held.set(group, Math.max(held.get(group) ?? 0, value));
  }
  return held;
}

/** The log of each group that has keys begins, where it is led, behind the next entry after `held`. `pages` by node. */
export function isBeyondLogs(
  seen: ClusterSeen,
  pages: ReadonlyMap<string, Page>,
  held: ReadonlyMap<string, number>,
): boolean {
  return withKeys(seen.groups).every(({ group, leader }) => {
    const page = pages.get(leader ?? "");
    const last = held.get(String(group));
    if (page === undefined || last === undefined) return false;
    const [first] = samplesOf(page, "trefoil_raft_first_index", { group: String(group) });
    return first !== undefined && first > last + 1;
  });
}

/** Each replica of this node votes, and lacks no more than so many entries of what is committed. */
export function keepsPace(seen: ClusterSeen, node: string, entriesMax: number): boolean {
  return seen.groups.every(({ leader, replicas }) => {
    const mine = replicas.find((each) => each.node === node);
    const isVoting = mine?.role === "follower" || mine?.role === "leader";
    return leader !== null && isVoting && mine.lag !== null && mine.lag <= entriesMax;
  });
}

export interface Snapshots {
  readonly group: number;
  /** By the nodes that filled the other one. */
  readonly made: number;
  readonly installed: number;
  readonly sentBytes: number;
}

/** Of each group since `before`, when the node was not there: by the pages of those who fill it, and its own. */
export function snapshotsOf(
  seen: ClusterSeen,
  {
    before,
    after,
    filled,
  }: { readonly before: readonly Page[]; readonly after: readonly Page[]; readonly filled: Page },
): readonly Snapshots[] {
  return seen.groups.map(({ group }) => {
    const labels = { group: String(group) };
    const since = (name: string): number => totalOver(after, name, labels) - totalOver(before, name, labels);
    return {
      group,
      made: since("trefoil_snapshot_made_total"),
      installed: totalOf(filled, "trefoil_snapshot_installed_total", labels),
      sentBytes: since("trefoil_snapshot_sent_bytes_total"),
    };
  });
}

/** That were made, or taken in, beside the one that each group needs. */
export function secondSnapshots(snapshots: readonly Snapshots[]): number {
  return snapshots.reduce((sum, { made, installed }) => sum + Math.max(0, made - 1, installed - 1), 0);
}

/** Group 0 has the map alone, and may have stood still. */
export function withKeys<Of extends { readonly group: number }>(groups: readonly Of[]): readonly Of[] {
  return groups.filter(({ group }) => group !== 0);
}
