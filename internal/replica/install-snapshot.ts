// A snapshot takes the place of a replica's data and log (rule 23): first what is discarded and has to be salvaged, then the
// switch in the engine, which is the decision, then the mark in the log. A crash before the switch leaves all as it was; one
// behind it is finished at the next start (open-replica.ts).

import { logIndex } from "../base/ids.ts";
import { GroupState } from "./group-state.ts";
import type { Persisting } from "./persisting.ts";
import type { ReplicaParts, ReplicaPlace } from "./replica-parts.ts";
import type { ReceivedSnapshot } from "./snapshot-receiver.ts";

/** REQUIRES: the core has begun the installation, and nothing else is staged or applied meanwhile. */
export async function installSnapshot(
  parts: ReplicaParts,
  persisting: Persisting,
  { offer, incarnation, tables }: ReceivedSnapshot,
): Promise<ReplicaPlace> {
  const { engine, group, log, raft } = parts;
  const { index, term } = offer;
  await persisting.keepFrom(logIndex(raft.status.commit + 1), group.lastIndex);
  await log.whenDurable(log.staged);
  const replaces = { group: group.group, snapshot: { term, index } };
  await engine.ingest({ incarnation, tables, appliedIndex: index, replaces });
  await log.whenDurable(group.installSnapshot(index, term));
  return { incarnation, state: await GroupState.load(engine, incarnation, offer.configuration) };
}
