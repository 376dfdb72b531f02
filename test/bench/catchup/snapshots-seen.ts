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

/** The log of each group that has keys begins, where it is led, behind all that this node has of it. `pages` by node. */
export function isBeyondLogs(seen: ClusterSeen, pages: ReadonlyMap<string, Page>, node: string): boolean {
  return withKeys(seen.groups).every(({ group, leader, replicas }) => {
    const page = pages.get(leader ?? "");
    const replica = replicas.find((each) => each.node === node)?.replica;
    if (page === undefined || replica === undefined) return false;
    const labels = { group: String(group) };
    const [first] = samplesOf(page, "trefoil_raft_first_index", labels);
    const [commit] = samplesOf(page, "trefoil_raft_commit_index", labels);
    const [lag] = samplesOf(page, "trefoil_replication_lag_entries", { ...labels, replica: String(replica) });
    return first !== undefined && commit !== undefined && lag !== undefined && first > commit - lag + 1;
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
