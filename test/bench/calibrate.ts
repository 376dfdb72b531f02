// Finds each side's fastest way for this machine before anything counts: the peer's kind of batch, its
// batches in flight, its encoding of keys and its entries per call; Trefoil's batches in flight.

import path from "node:path";
import type { EnginePlan } from "./engine-plan.ts";
import type { SideProcess } from "./side.ts";

export interface FillWay {
  readonly lanes: number;
  readonly style: "chained" | "array";
}

export interface Ways {
  readonly peerFill: FillWay;
  readonly trefoilFill: FillWay;
  readonly readKeysAs: "bytes" | "text";
  readonly scanKeysAs: "bytes" | "text";
  readonly scanChunk: number;
}

/** The first one warms the code up and does not count. */
const repeats = 3;
const trefoilLanes = [1, 4, 16, 32];

interface Tried<Way> {
  readonly way: Way;
  readonly rate: number;
}

export interface Sides {
  readonly peer: SideProcess;
  readonly trefoil: SideProcess;
}

export async function calibrate(plan: EnginePlan, folder: string, sides: Sides): Promise<Ways> {
  const peerWays: FillWay[] = [
    ...[1, 4, 16].map((lanes) => ({ style: "chained" as const, lanes })),
    ...(plan.quick ? [4] : [1, 4, 16]).map((lanes) => ({ style: "array" as const, lanes })),
  ];
  const trefoilWays = trefoilLanes.map((lanes) => ({ style: "chained" as const, lanes }));
  const peerFill = await fastestFill(plan, path.join(folder, "peer"), sides.peer, peerWays);
  const trefoilFill = await fastestFill(plan, path.join(folder, "trefoil"), sides.trefoil, trefoilWays);
  return {
    peerFill,
    trefoilFill,
    ...(await fastestReads(plan, path.join(folder, "peer-reads"), sides.peer, peerFill)),
  };
}

async function fastestFill(
  plan: EnginePlan,
  folder: string,
  side: SideProcess,
  ways: readonly FillWay[],
): Promise<FillWay> {
  const tried: Tried<FillWay>[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const way of ways) {
      const own = path.join(folder, `${way.style}-${way.lanes}-${repeat}`);
      await side.call("open", { ...openCall(plan, own), keysAs: "bytes" });
      const call = { first: 0, count: plan.calibrationKeys, order: "made", generation: 0, batch: plan.batch } as const;
      const timed = await side.call("fill", { ...call, ...way });
      await side.call("close", {});
      if (repeat > 0) tried.push({ way, rate: timed.operations / timed.seconds });
    }
  }
  const bests = ways.map((way) => ({
    way,
    rate: Math.max(...tried.filter((one) => one.way === way).map((one) => one.rate)),
  }));
  const best = fastest(bests);
  const list = bests.map(({ way, rate }) => `${way.style} x ${way.lanes}: ${Math.round(rate / 1000)} K/s`);
  console.log(`  ${side.name} fill: ${list.join(", ")} -> ${best.style} x ${best.lanes}`);
  return best;
}

async function fastestReads(
  plan: EnginePlan,
  folder: string,
  peer: SideProcess,
  fill: FillWay,
): Promise<Pick<Ways, "readKeysAs" | "scanKeysAs" | "scanChunk">> {
  const reads: Tried<"bytes" | "text">[] = [];
  const scans: Tried<{ readonly keysAs: "bytes" | "text"; readonly chunk: number }>[] = [];
  const count = Math.min(plan.calibrationKeys, plan.keys);
  for (const keysAs of ["bytes", "text"] as const) {
    await peer.call("open", { ...openCall(plan, path.join(folder, keysAs)), keysAs });
    await peer.call("fill", { first: 0, count, order: "made", generation: 0, batch: plan.batch, ...fill });
    await peer.call("settle", {});
    for (let repeat = 0; repeat < repeats; repeat++) {
      const read = await peer.call("read", { keys: "present", count, seed: 5 });
      if (repeat > 0) reads.push({ way: keysAs, rate: read.operations / read.seconds });
      for (const chunk of [1000, 10_000]) {
        const scan = await peer.call("scan", { kind: "whole", count, rangeEntries: 100, seed: 6, chunk });
        if (repeat > 0) scans.push({ way: { keysAs, chunk }, rate: scan.operations / scan.seconds });
      }
    }
    await peer.call("close", {});
  }
  const scan = fastest(scans);
  const readKeysAs = fastest(reads);
  const readList = reads.map(({ way, rate }) => `keys as ${way}: ${Math.round(rate / 1000)} K/s`);
  const scanList = scans.map(({ way, rate }) => `keys as ${way.keysAs} x ${way.chunk}: ${Math.round(rate / 1000)} K/s`);
  console.log(`  peer read: ${readList.join(", ")} -> ${readKeysAs}`);
  console.log(`  peer scan: ${scanList.join(", ")} -> ${scan.keysAs} x ${scan.chunk}`);
  return { readKeysAs, scanKeysAs: scan.keysAs, scanChunk: scan.chunk };
}

function openCall(plan: EnginePlan, folder: string) {
  const fsync = "never" as const;
  return { folder, cacheBytes: plan.largeCacheBytes, memtableBytes: plan.memtableBytes, fsync };
}

function fastest<Way>(tried: readonly Tried<Way>[]): Way {
  const best = tried.toSorted((a, b) => b.rate - a.rate)[0];
  if (best === undefined) throw new Error("nothing was tried");
  return best.way;
}
