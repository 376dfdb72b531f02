// The table of a catch-up, with what each row has to reach.

import { rowOf } from "../row.ts";
import type { Row, Target } from "../row.ts";
import { mebibyte } from "./catchup.ts";
import type { Measured, Stage } from "./catchup.ts";
import { secondSnapshots, withKeys } from "./snapshots-seen.ts";
import { faultsIn, p99Of } from "./steady-load.ts";
import type { Kind, Window } from "./steady-load.ts";

/** Why requests failed, from the first that counts to the last. */
export function faultsOf({ samples, before, after }: Measured): readonly string[] {
  return faultsIn(samples, { from: before.from, to: after.to });
}

export function catchupRows(measured: Measured): readonly Row[] {
  const { bytes, before, during, after, startAlone, samples, snapshots, memoryBytes, checked } = measured;
  const lasted = (during.to - during.from) / 1000;
  const sent = snapshots.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  const filled = withKeys(snapshots);
  const filledOnce = filled.filter(({ installed }) => installed === 1).length;
  const processors = ({ processorSeconds, from, to }: Stage): number => (1000 * processorSeconds) / (to - from);
  const compared = (kind: Kind, work: string, window: Window, target?: Target): Row => {
    const parts = { work: `${kind}s: p99 ${work}`, unit: "ms", note };
    const figures = { trefoil: known(p99Of(samples, kind, window)), peer: known(p99Of(samples, kind, before)) };
    return rowOf({ ...parts, ...figures, ...(target === undefined ? {} : { target }) });
  };
  return [
    // 60 and 120 million bytes.
    figure(
      "catch-up by snapshot, from the start of the process",
      "MiB/s",
      bytes / mebibyte / lasted,
      atLeast(57.2, 114.4),
    ),
    figure("the same: until it keeps pace", "s", lasted),
    figure("the same: bytes of snapshots sent", "MiB", sent / mebibyte),
    figure(
      `groups with keys filled by one snapshot, of ${filled.length}`,
      "groups",
      filledOnce,
      atLeast(filled.length),
    ),
    figure("second snapshots", "snapshots", secondSnapshots(snapshots), atMost(0)),
    figure("leaders that changed meanwhile", "terms", during.newTerms),
    compared("strong write", "while it catches up", during, doubledAtMost),
    compared("fast read", "while it catches up", during, doubledAtMost),
    compared("strong write", "behind that", after),
    compared("fast read", "behind that", after),
    compared("strong write", "while it starts and has missed nothing", startAlone),
    compared("fast read", "while it starts and has missed nothing", startAlone),
    figure("requests of clients that failed", "requests", faultsOf(measured).length, atMost(0)),
    rowOf({
      work: "processors that the nodes take while it catches up",
      unit: "processors",
      trefoil: [processors(during)],
      peer: [processors(before)],
      note,
    }),
    rowOf({
      work: "longest hold-up of a node that fills it",
      unit: "ms",
      trefoil: [1000 * during.heldUpSeconds],
      peer: [1000 * before.heldUpSeconds],
      note,
    }),
    figure("resident memory of who came back, greatest seen", "MiB", memoryBytes / mebibyte),
    figure("values read there that were wrong", "values", checked.wrong.length, atMost(0)),
  ];
}

function figure(work: string, unit: string, value: number, target?: Target): Row {
  return rowOf({ work, unit, trefoil: [value], ...(target === undefined ? {} : { target }) });
}

const note = "peer: before its start";
const known = (value: number | undefined): readonly number[] => (value === undefined ? [] : [value]);

const atLeast = (least: number, aim?: number): Target => ({
  of: "figure",
  better: "above",
  atLeast: least,
  ...(aim === undefined ? {} : { aim }),
});

const atMost = (most: number): Target => ({ of: "figure", better: "below", atLeast: most });

const doubledAtMost: Target = { of: "ratio", better: "below", atLeast: 2 };
