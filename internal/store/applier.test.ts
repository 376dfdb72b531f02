// The way from the log into an engine that has no room for the moment.

import assert from "node:assert/strict";
import { it } from "node:test";
import { FaultRig, group } from "../../test/engine/fault-rig.ts";
import { emptyBytes } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { openLog } from "../log/open-log.ts";
import { Applier } from "./applier.ts";
import { operationsKind } from "./command.ts";

it("an entry of no operations waits, as any other, while tables come into the engine", async () => {
  const rig = await FaultRig.open();
  const log = await openLog("/data/log", rig.seams, { segmentBytes: 8192, batchBytesMax: 4096 });
  const to = log.group(group);
  const applier = new Applier({ log: to, engine: rig.engine, incarnation: rig.of });
  await rig.life.write(rig.of, [{ key: "a", text: "x" }]);
  rig.holdJobs();
  const ingested = rig.engine.ingest({ incarnation: rig.of, tables: [], appliedIndex: logIndex(0) });
  const index = logIndex(1);
  const entry = { term: term(1), index, stamp: stamp(1), flags: 0, kind: operationsKind };
  const batch = to.append(entry, emptyBytes, 0, 0);
  await log.whenWritten(batch);
  assert.equal(applier.applyNow(index), false);
  const applied = applier.applyLoaded(index);
  assert.equal(applier.appliedIndex, 0);
  rig.resumeJobs();
  await Promise.all([applied, ingested]);
  assert.equal(applier.appliedIndex, index);
  await log.close();
  await rig.engine.close();
});
