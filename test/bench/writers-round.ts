// Writers that each wait for their own fsync before they put again: 64 of them, and one alone.

import path from "node:path";
import type { Contestant, RoundContext } from "./data-round.ts";
import type { SideProcess } from "./side.ts";

/** `crowded` is the peer once more, in a process whose thread pool has room for every writer. */
export async function writersRound(context: RoundContext, crowded: SideProcess): Promise<void> {
  const order = context.round % 2 === 0 ? context.contestants : context.contestants.toReversed();
  for (const side of order) await writersOf(context, side);
  const folder = path.join(context.folder, "peer-crowded");
  await crowded.call("open", openCall(context, folder));
  const { writers, writersSeconds: seconds } = context.plan;
  const many = await crowded.call("writers", { writers, seconds });
  context.figures.add("writers 64, 64 threads", "peer", many.operations / many.seconds);
  await crowded.call("close", {});
}

async function writersOf(context: RoundContext, side: Contestant): Promise<void> {
  const { plan, figures, profiles } = context;
  await side.process.call("open", openCall(context, path.join(context.folder, `${side.name}-writers`)));
  await side.process.call("writers", { writers: plan.writers, seconds: plan.writersSeconds / 4 });
  const file = path.join(profiles ?? "", "writers.cpuprofile");
  const wanted = profiles !== undefined && side.name === "trefoil" && context.round === 0;
  if (wanted) await side.process.call("profile", { file });
  const many = await side.process.call("writers", { writers: plan.writers, seconds: plan.writersSeconds });
  if (wanted) await side.process.call("profile", { file: undefined });
  const one = await side.process.call("writers", { writers: 1, seconds: plan.writersSeconds / 2 });
  const manyRate = many.operations / many.seconds;
  const oneRate = one.operations / one.seconds;
  figures.add("writers 64", side.name, manyRate);
  figures.add("writers 1", side.name, oneRate);
  figures.add("writers gain", side.name, manyRate / oneRate);
  figures.add("writers p99", side.name, many.p99Milliseconds);
  if (side.name === "trefoil") figures.add("writers 64, 64 threads", side.name, manyRate);
  await side.process.call("close", {});
}

function openCall(context: RoundContext, folder: string) {
  const { largeCacheBytes: cacheBytes, memtableBytes } = context.plan;
  return { folder, cacheBytes, memtableBytes, fsync: "always" as const, keysAs: "bytes" as const };
}
