// How a cluster begins (rule 26): the first three peers by id agree on one beginning, and none of them votes before all three hold it
// durably. Two steps:
//
//   empty --the lowest has heard both others: it proposes--> recorded --all three have recorded the same--> complete
//
// A proposal names the data folders of the three. A founder whose folder was emptied cannot take it up again: when the founding is
// complete it comes back as a registered node with a new folder, and never votes under the old replica id. While it is not
// complete nobody has voted for anything, so nothing is lost: the folders of all three are emptied and it begins anew.
//
// What is next is a pure function of the own record and of what the others said last.

import { unreachable } from "../base/assert.ts";
import type { NodeId } from "../base/ids.ts";
import { foundersOf } from "./map-changes.ts";

export interface Proposal {
  readonly cluster: string;
  readonly peers: readonly NodeId[];
  readonly groups: number;
  /** The data folders of the founders, in the order of their ids. */
  readonly disks: readonly string[];
}

export type FoundingRecord =
  | { readonly stage: "empty" }
  | { readonly stage: "recorded"; readonly proposal: Proposal }
  | { readonly stage: "complete"; readonly proposal: Proposal };

/** What one founder says to the others. */
export interface FoundingWord {
  readonly disk: string;
  readonly peers: readonly NodeId[];
  readonly groups: number;
  readonly record: FoundingRecord;
}

export type FoundingStep =
  /** Nothing to do before these are heard, or have gone on. */
  | { readonly kind: "wait"; readonly for: readonly NodeId[] }
  /** To be made durable, and then told to the others. */
  | { readonly kind: "record"; readonly record: FoundingRecord }
  /** This node may vote in the meta group. */
  | { readonly kind: "founded"; readonly proposal: Proposal }
  /** The cluster was founded, and this data folder had no part in it: it registers. */
  | { readonly kind: "late"; readonly cluster: string }
  | { readonly kind: "refuse"; readonly why: string };

export interface Founder {
  readonly id: NodeId;
  readonly word: FoundingWord;
  /** What the cluster is to be called when this one proposes. */
  readonly newCluster: string;
}

/** REQUIRES: `own` is one of the founders of its peers. */
export function nextStep(own: Founder, heard: ReadonlyMap<NodeId, FoundingWord>): FoundingStep {
  const { id, word } = own;
  const founders = foundersOf(word.peers) ?? [];
  for (const other of founders) {
    const said = other === id ? undefined : heard.get(other);
    const why = said === undefined ? undefined : disagreement(own, other, said);
    if (why !== undefined) return { kind: "refuse", why };
  }
  switch (word.record.stage) {
    case "complete":
      return { kind: "founded", proposal: word.record.proposal };
    case "recorded":
      return complete(own, word.record.proposal, heard, founders);
    case "empty":
      return begin(own, heard, founders);
    default:
      return unreachable(word.record, "a stage of founding");
  }
}

/** All three hold the same: since they agree, it is enough that each has recorded, or that one knows. */
function complete(
  own: Founder,
  proposal: Proposal,
  heard: ReadonlyMap<NodeId, FoundingWord>,
  founders: readonly NodeId[],
): FoundingStep {
  const others = founders.filter((founder) => founder !== own.id);
  const stageOf = (founder: NodeId): string => heard.get(founder)?.record.stage ?? "empty";
  const isKnown = others.some((founder) => stageOf(founder) === "complete");
  const missing = others.filter((founder) => stageOf(founder) === "empty");
  if (!isKnown && missing.length > 0) return { kind: "wait", for: missing };
  return { kind: "record", record: { stage: "complete", proposal } };
}

function begin(own: Founder, heard: ReadonlyMap<NodeId, FoundingWord>, founders: readonly NodeId[]): FoundingStep {
  const { id, word, newCluster } = own;
  const others = founders.filter((founder) => founder !== id);
  for (const founder of others) {
    const record = heard.get(founder)?.record;
    if (record === undefined || record.stage === "empty") continue;
    const { proposal } = record;
    const isOurs = proposal.disks[founders.indexOf(id)] === word.disk;
    if (isOurs) return { kind: "record", record: { stage: "recorded", proposal } };
    if (record.stage === "complete") return { kind: "late", cluster: proposal.cluster };
    const known = others.find((other) => heard.get(other)?.record.stage === "complete");
    if (known !== undefined) return { kind: "late", cluster: proposal.cluster };
    // Whether it is complete, only one that has not been heard may know.
    const unheard = others.filter((other) => !heard.has(other));
    if (unheard.length > 0) return { kind: "wait", for: unheard };
    return { kind: "refuse", why: emptied(id, founder, proposal) };
  }
  const unheard = others.filter((founder) => !heard.has(founder));
  if (unheard.length > 0) return { kind: "wait", for: unheard };
  const [lowest] = founders;
  if (lowest !== id) return { kind: "wait", for: founders.slice(0, 1) };
  const { peers, groups } = word;
  const disks = founders.map((founder) => (founder === id ? word.disk : (heard.get(founder)?.disk ?? "")));
  return { kind: "record", record: { stage: "recorded", proposal: { cluster: newCluster, peers, groups, disks } } };
}

/** Two beginnings that are not the same, in words; undefined: they agree, or it is too early to tell. */
function disagreement(own: Founder, other: NodeId, said: FoundingWord): string | undefined {
  const { id, word } = own;
  const mine = word.record.stage === "empty" ? undefined : word.record.proposal;
  const theirs = said.record.stage === "empty" ? undefined : said.record.proposal;
  if (mine !== undefined && theirs !== undefined) {
    if (isSame(mine, theirs)) return undefined;
    return (
      `two different beginnings: ${id} is of cluster ${mine.cluster}, ${other} of cluster ${theirs.cluster}; ` +
      `empty the data folder of the one that does not belong here`
    );
  }
  // A proposal was made from the settings of its time; one that is complete counts, whatever is set now.
  if (said.record.stage === "complete" || word.record.stage === "complete") return undefined;
  if (!isSameList(word.peers, said.peers)) {
    return (
      `two different beginnings: --peers of ${id} names ${word.peers.join(", ")}, that of ${other} ` +
      `${said.peers.join(", ")}; start all with the same`
    );
  }
  if (word.groups !== said.groups) {
    return (
      `two different beginnings: --groups of ${id} is ${word.groups}, that of ${other} ${said.groups}; ` +
      `start all with the same`
    );
  }
  return undefined;
}

function emptied(id: NodeId, other: NodeId, proposal: Proposal): string {
  return (
    `the founding of cluster ${proposal.cluster}, which ${other} has recorded, began with another data folder of ${id}, and ` +
    `was not completed; nothing is in it: empty the data folders of all founders and start again`
  );
}

function isSame(left: Proposal, right: Proposal): boolean {
  return (
    left.cluster === right.cluster &&
    left.groups === right.groups &&
    isSameList(left.peers, right.peers) &&
    isSameList(left.disks, right.disks)
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, at) => value === right[at]);
}
