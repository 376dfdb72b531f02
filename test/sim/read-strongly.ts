// A strong read that is looked over: when it finds nothing, what lies there since before it was asked for has expired by what is
// applied, and not only by somebody's clock (rule 5): else another replica might show it again.

import { isExpired } from "../../internal/base/stamp.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import { userRecordKey } from "../../internal/replica/areas.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { StrongRead } from "../../internal/replica/strong-reads.ts";
import { compareKnown, versionName } from "./history.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

export async function readStrongly(node: SimNode, replica: Replica, key: Uint8Array): Promise<StrongRead> {
  const before = liveIn(node, replica, key);
  const read = await replica.readStrong(key);
  if (read.kind !== "absent" || before === undefined) return read;
  const after = liveIn(node, replica, key);
  if (after === undefined || compareKnown(before, after) !== 0) return read;
  const { stamp } = replica.state.last;
  const what = `node ${node.id} showed nothing; ${versionName(after)} is there until ${after.expiry}, and ${stamp} was applied last`;
  node.report(new Violation("gone when the log says so", what));
  return read;
}

/** What lies there and has not expired by what is applied. */
function liveIn(node: SimNode, replica: Replica, key: Uint8Array): EngineRecord | undefined {
  if (node.replica !== replica || node.engine === undefined || node.disk.isDamaged) return undefined;
  const found = node.engine.getNow(replica.incarnation, userRecordKey(key), { tombstones: true });
  if (typeof found === "string" || found.tombstone) return undefined;
  return isExpired(found.expiry, replica.state.last.stamp) ? undefined : found;
}
