// A snapshot takes the place of a replica's data and log (rule 23): first what is discarded and has to be salvaged, then the
// switch in the engine, which is the decision, then the mark in the log. A crash before the switch leaves all as it was; one
// behind it is finished at the next start (open-replica.ts).

import { assert } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import { GroupState } from "./group-state.ts";
import { keepFast } from "./keep-fast.ts";
import type { ReplicaParts, ReplicaPlace } from "./replica-parts.ts";
import type { ReceivedSnapshot } from "./snapshot-receiver.ts";

/**
 * Undefined: the engine could not take it in, for lack of space; then nothing has changed, save what is kept to be salvaged.
 * REQUIRES: the core has begun the installation, and nothing else is staged or applied meanwhile.
 */
export async function installSnapshot(
  parts: ReplicaParts,
  { offer, incarnation, tables }: ReceivedSnapshot,
): Promise<ReplicaPlace | undefined> {
  const { engine, group, log, raft, seams } = parts;
  const { index, term } = offer;
  await keepFast(group, logIndex(raft.status.commit + 1));
  await log.whenDurable(log.staged);
  const replaces = { group: group.group, snapshot: { term, index } };
  try {
    await engine.ingest({ incarnation, tables, appliedIndex: index, replaces });
  } catch (reason) {
    if (!(reason instanceof TrefoilError) || !mayPass.includes(reason.code)) throw reason;
    seams.logger.warn("a snapshot could not be taken in; it will be asked for again", { why: reason.message });
    return undefined;
  }
  await log.whenDurable(group.installSnapshot(index, term));
  const state = await GroupState.load(engine, incarnation, offer.configuration);
  const { last } = state;
  assert(last.index === index && last.term === term && last.stamp === offer.stamp, "a snapshot of another moment", {
    offered: `${term}.${index} ${offer.stamp}`,
    installed: `${last.term}.${last.index} ${last.stamp}`,
  });
  return { incarnation, state };
}

/** A full disk, a worker that died. */
const mayPass: readonly ErrorCode[] = ["storage_full", "busy"];
