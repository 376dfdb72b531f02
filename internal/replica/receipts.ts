// What became of a write, asked by its version (rule 13), and whether what a session has seen is in this replica's log (rule 14).

import type { Incarnation, LogIndex } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { Engine } from "../engine/engine.ts";
import { compareVersions } from "./answer.ts";
import { decodeFate } from "./fates.ts";
import type { Fate, KnownFate } from "./fates.ts";
import { fateKey, rejectionsKey } from "./group-state.ts";
import type { GroupState } from "./group-state.ts";
import { isAmong } from "./rejections.ts";

export type Receipt =
  /** In the log, and took effect. */
  | "committed"
  /** In the log, and did nothing: a condition did not hold, its slot was sealed, or it was a repetition. */
  | "rejected"
  | Fate
  /** Not applied here yet. */
  | "pending"
  /** Another entry took its place: it was never answered, or its holder has not returned. */
  | "overridden"
  | "forgotten";

export type Position =
  /** What was seen is here, at this index. */
  | { readonly kind: "here"; readonly version: Version }
  | { readonly kind: "ahead" }
  /** Another entry took its place, and none came in for it. */
  | { readonly kind: "lost" };

export interface ReceiptParts {
  readonly engine: Engine;
  readonly incarnation: Incarnation;
  readonly state: GroupState;
  readonly now: Stamp;
  /** What the engine shows; the state may be ahead of it. */
  readonly appliedIndex: LogIndex;
  /** Whether it is in this replica's log, applied or not. */
  isHere(version: Version): boolean;
}

/** Decided by the state of the moment that was asked in; of what the engine shows then, the fate is known then. */
export async function receiptOf(parts: ReceiptParts, version: Version): Promise<Receipt> {
  const { state, now, appliedIndex } = parts;
  const isHeld = state.holds(version.term, version.index);
  const isOld = state.isFateForgotten(version, now);
  const isAhead = isAheadOf(state, version);
  if (isHeld !== false && (await isRejected(parts, version))) return "rejected";
  const known = await knownFate(parts, version);
  if (known !== undefined) return known.fate;
  if (isHeld === undefined || isOld) return "forgotten";
  if (isHeld) return version.index <= appliedIndex ? "committed" : "pending";
  return isAhead ? "pending" : "overridden";
}

/** Where a position of a session lies in this log; that of a write that was lost and merged is its merge's. */
export async function positionOf(parts: ReceiptParts, version: Version): Promise<Position> {
  const { state } = parts;
  if (parts.isHere(version)) return { kind: "here", version };
  const isAhead = isAheadOf(state, version);
  const known = await knownFate(parts, version);
  if (known?.fate === "salvaged") return { kind: "here", version: known.mergedAt };
  return known === undefined && isAhead ? { kind: "ahead" } : { kind: "lost" };
}

/** Nothing that is applied says whether the log will have it. */
function isAheadOf({ last }: GroupState, version: Version): boolean {
  return compareVersions(version, last) > 0;
}

async function isRejected({ engine, incarnation, now }: ReceiptParts, version: Version): Promise<boolean> {
  const record = await engine.get(incarnation, rejectionsKey(version.term, version.index), { now });
  return record !== undefined && isAmong(record.payload, version);
}

/** As far as this replica has applied. */
export async function knownFate(
  { engine, incarnation, now }: Pick<ReceiptParts, "engine" | "incarnation" | "now">,
  { term, index }: Version,
): Promise<KnownFate | undefined> {
  const record = await engine.get(incarnation, fateKey(term, index), { now });
  return record === undefined ? undefined : decodeFate(record.payload);
}
