// One round over one set of data: fill, overwrite, settle, reads, scans, each first on one side and then
// at once on the other. Odd rounds begin with the other side. A side that waits owes no work: every
// step that writes ends settled.

import path from "node:path";
import type { Ways } from "./calibrate.ts";
import { keyBytes, valueBytes } from "./dataset.ts";
import type { EnginePlan } from "./engine-plan.ts";
import type { FigureTable, SideName } from "./figures.ts";
import type { OpenCall, SideProcess, Timed } from "./side.ts";

export interface Contestant {
  readonly name: SideName;
  readonly process: SideProcess;
}

export interface RoundContext {
  readonly plan: EnginePlan;
  readonly ways: Ways;
  readonly figures: FigureTable;
  readonly contestants: readonly Contestant[];
  readonly folder: string;
  readonly round: number;
  /** Where CPU profiles of Trefoil's side go, if anywhere. */
  readonly profiles: string | undefined;
}

const recordBytes = keyBytes + valueBytes;

/** Runs each step on every side in turn before the next step begins. */
export async function dataRound(context: RoundContext): Promise<void> {
  const order = context.round % 2 === 0 ? context.contestants : context.contestants.toReversed();
  for (const step of [fillStep, overwriteStep, memoryReadStep, scanStep, smallCacheStep]) {
    for (const contestant of order) await step(context, contestant);
  }
}

async function fillStep(context: RoundContext, side: Contestant): Promise<void> {
  await side.process.call("open", openCall(context, side, "large", "bytes"));
  await timedFill(context, side, "fill", { count: context.plan.keys, order: "made", generation: 0 });
}

async function overwriteStep(context: RoundContext, side: Contestant): Promise<void> {
  const { plan, figures } = context;
  await timedFill(context, side, "overwrite", { count: plan.keys, order: "stride", generation: 1 });
  // Reopening puts what was in memory into tables, so that all that was put counts on both sides.
  await side.process.call("close", {});
  await side.process.call("open", openCall(context, side, "large", context.ways.readKeysAs));
  await side.process.call("flush", {});
  await side.process.call("settle", {});
  const storage = await side.process.call("storage", {});
  const written = storage.flushedBytes + storage.compactedBytes;
  const liveBytes = plan.keys * recordBytes;
  figures.add("write amplification", side.name, written / storage.flushedBytes);
  figures.add("write amplification user", side.name, written / (2 * liveBytes));
  figures.add("space amplification", side.name, storage.tableBytes / liveBytes);
  console.log(`             ${storage.tables} tables, by level ${storage.levels.join(" ")}`);
  await checked(side, 1);
}

async function memoryReadStep(context: RoundContext, side: Contestant): Promise<void> {
  // Everything into the cache, and the code warm.
  await side.process.call("scan", scanCall(context, "whole"));
  await side.process.call("read", { keys: "present", count: context.plan.reads, seed: 40 });
  await readBoth(context, side, "memory");
}

async function scanStep(context: RoundContext, side: Contestant): Promise<void> {
  const { plan, ways } = context;
  await side.process.call("close", {});
  await side.process.call("open", openCall(context, side, "large", ways.scanKeysAs));
  // A quarter of the keys once more: memtable, level 0 and deeper levels all hold part of the truth.
  await side.process.call("fill", {
    first: 0,
    count: plan.keys >> 2,
    order: "stride",
    generation: 2,
    ...fillWay(context, side),
  });
  await side.process.call("settle", {});
  await side.process.call("scan", scanCall(context, "whole"));
  const whole = await profiled(context, side, "scan whole", () =>
    side.process.call("scan", scanCall(context, "whole")),
  );
  if (whole.operations !== plan.keys) throw new Error(`${side.name} scanned ${whole.operations} of ${plan.keys} keys`);
  if (side.name === "peer") context.figures.add("scan copies", "peer", whole.operations / whole.seconds);
  if (side.name === "trefoil") await takingCopies(context, side);
  await profiled(context, side, "scan ranges", () => side.process.call("scan", scanCall(context, "ranges")));
}

/** Beside the peer's figure for the same scan: it hands out copies always. */
async function takingCopies(context: RoundContext, side: Contestant): Promise<void> {
  const figures = await side.process.call("scan", { ...scanCall(context, "whole"), copies: true });
  context.figures.add("scan copies", side.name, figures.operations / figures.seconds);
}

async function smallCacheStep(context: RoundContext, side: Contestant): Promise<void> {
  await side.process.call("close", {});
  await side.process.call("open", openCall(context, side, "small", context.ways.readKeysAs));
  await side.process.call("settle", {});
  await readBoth(context, side, "small");
  await profiled(context, side, "scan small", () => side.process.call("scan", scanCall(context, "whole")));
  await side.process.call("close", {});
}

async function readBoth(context: RoundContext, side: Contestant, cache: "memory" | "small"): Promise<void> {
  const { plan, figures, round } = context;
  const read = (keys: "present" | "missing") =>
    side.process.call("read", { keys, count: plan.reads, seed: 50 + round });
  const present = await profiled(context, side, `read ${cache}`, () => read("present"));
  if (present.found !== plan.reads) throw new Error(`${side.name} found ${present.found} of ${plan.reads} keys`);
  const missing = await profiled(context, side, `missing ${cache}`, () => read("missing"));
  if (missing.found !== 0) throw new Error(`${side.name} found ${missing.found} keys that are not there`);
  if (side.name !== "trefoil") return;
  figures.note(`read ${cache}`, `${present.waited} of ${plan.reads} waited for the disk`);
  if (cache === "small" && missing.filterAsked > 0) {
    figures.add("filter", side.name, (100 * missing.filterRuledOut) / missing.filterAsked);
  }
}

async function timedFill(
  context: RoundContext,
  side: Contestant,
  name: "fill" | "overwrite",
  what: { readonly count: number; readonly order: "made" | "stride"; readonly generation: number },
): Promise<void> {
  const { process } = side;
  await profiled(context, side, name, () => process.call("fill", { first: 0, ...what, ...fillWay(context, side) }));
  const settled = await process.call("settle", {});
  context.figures.add(`${name} settle`, side.name, settled.seconds);
}

/** Takes the rate of a step, and a profile of Trefoil's side when profiles are wanted. */
async function profiled<Figures extends Timed>(
  context: RoundContext,
  side: Contestant,
  name: string,
  run: () => Promise<Figures>,
): Promise<Figures> {
  const wanted = context.profiles !== undefined && side.name === "trefoil" && context.round === 0;
  const file = path.join(context.profiles ?? "", `${name.replaceAll(" ", "-")}.cpuprofile`);
  if (wanted) await side.process.call("profile", { file });
  const figures = await run();
  if (wanted) await side.process.call("profile", { file: undefined });
  context.figures.add(name, side.name, figures.operations / figures.seconds);
  return figures;
}

async function checked(side: Contestant, generation: number): Promise<void> {
  const { wrong } = await side.process.call("check", { count: 1000, generation });
  if (wrong > 0) throw new Error(`${side.name}: ${wrong} of 1000 values are not what was put last`);
}

function fillWay(context: RoundContext, side: Contestant) {
  const way = side.name === "peer" ? context.ways.peerFill : context.ways.trefoilFill;
  return { batch: context.plan.batch, ...way };
}

function scanCall(context: RoundContext, kind: "whole" | "ranges") {
  const { plan, ways, round } = context;
  return { kind, count: plan.reads, rangeEntries: 100, seed: 60 + round, chunk: ways.scanChunk };
}

function openCall(
  context: RoundContext,
  side: Contestant,
  cache: "large" | "small",
  keysAs: "bytes" | "text",
): OpenCall {
  const { plan, folder } = context;
  return {
    folder: path.join(folder, `${side.name}-data`),
    cacheBytes: cache === "large" ? plan.largeCacheBytes : plan.smallCacheBytes,
    memtableBytes: plan.memtableBytes,
    fsync: "never",
    keysAs,
  };
}
