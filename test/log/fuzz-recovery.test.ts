// Recovery reads what chance has made of a good log: bytes changed, lost, moved and doubled, in half of the
// cases with every checksum mended afterwards, so that the records themselves are wrong. It opens the log
// or says in a TrefoilError why not; it never breaks, and never changes a log that it refuses.
//
// TREFOIL_FUZZ_SECONDS=10 goes on for so long; left out, a fixed number of rounds. TREFOIL_FUZZ_SEED plays one again.

import assert from "node:assert/strict";
import process from "node:process";
import { before, describe, it } from "node:test";
import { crc32, crc32Continue, maskCrc } from "../../internal/base/checksum.ts";
import { readU32, writeU32, writeU64 } from "../../internal/base/codec.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { LogItem } from "../../internal/log/inspect.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, folder, group1, newWorld, open } from "./harness.ts";
import { damageOptions, diskOf, filesOf, fingerprint, inspectAll, logWithEverything } from "./files.ts";
import type { Files } from "./files.ts";

const roundsDefault = 700;

let good: Files;
let items: readonly LogItem[];

before(async () => {
  const { world } = await logWithEverything();
  const disk = world.disk.clone(nothingSurvives());
  good = await filesOf(disk);
  items = await inspectAll(disk);
});

describe("log: recovery of random bytes", () => {
  it("opens or refuses, and never breaks", async () => {
    const seconds = Number(process.env["TREFOIL_FUZZ_SECONDS"] ?? 0);
    const seed = Number(process.env["TREFOIL_FUZZ_SEED"] ?? Math.floor(Date.now() / 1000));
    const until = Date.now() + seconds * 1000;
    const outcomes = { opened: 0, refused: 0 };
    for (let round = 0; round < roundsDefault || Date.now() < until; round++) {
      const random = new Prng(seed, round);
      try {
        outcomes[await oneRound(random)]++;
      } catch (reason) {
        const what = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
        throw new Error(`TREFOIL_FUZZ_SEED=${seed}, round ${round}: ${what}`, { cause: reason });
      }
    }
    assert.ok(outcomes.opened > 0 && outcomes.refused > 0, `opened ${outcomes.opened}, refused ${outcomes.refused}`);
  });
});

async function oneRound(random: Prng): Promise<"opened" | "refused"> {
  const files: Files = new Map([...good].map(([name, bytes]) => [name, bytes.slice()]));
  const mends = random.chance(1, 2);
  if (mends) damageRecords(files, random);
  else for (let left = random.between(1, 4); left > 0; left--) damageFile(files, random);
  const disk = diskOf(files);
  const damaged = fingerprint(files);
  // What inspection says of it is never an exception either.
  await inspectAll(disk);
  let log;
  try {
    log = await open(newWorld(disk), damageOptions);
  } catch (reason) {
    assert.ok(reason instanceof TrefoilError, String(reason));
    assert.deepEqual(fingerprint(await filesOf(disk)), damaged, "a log that was refused was changed");
    return "refused";
  }
  log.checkInvariants();
  for (const id of log.groups()) await contents(log.group(id));
  await log.whenDurable(append(log.group(group1), "goes on", { term: log.group(group1).lastTerm + 1 }));
  return "opened";
}

/** Changes bytes of a file, or the file as a whole. */
function damageFile(files: Files, random: Prng): void {
  const name = random.pick([...files.keys()]);
  const bytes = files.get(name) as Uint8Array;
  const at = random.below(Math.max(1, bytes.length));
  const length = Math.min(bytes.length - at, 1 << random.below(12));
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.below(256);
      break;
    case 1:
      random.fill(bytes.subarray(at, at + length));
      break;
    case 2:
      bytes.fill(0, at, at + length);
      break;
    case 3:
      files.set(name, bytes.slice(0, at));
      break;
    case 4:
      bytes.copyWithin(random.below(Math.max(1, bytes.length)), at, at + length);
      break;
    case 5:
      bytes.set(
        (files.get(random.pick([...files.keys()])) as Uint8Array).subarray(at, at + length).slice(0, bytes.length - at),
        at,
      );
      break;
    case 6:
      if (files.size > 1) files.delete(name);
      break;
    default:
      files.set(name, new Uint8Array([...bytes, ...bytes.subarray(0, random.below(600))]));
  }
}

/** Changes fields of some records, and mends the checksums of record and batch. */
function damageRecords(files: Files, random: Prng): void {
  for (let left = random.between(1, 3); left > 0; left--) {
    const item = random.pick(items.filter((it) => it.kind === "record"));
    const batch = items.findLast((it) => it.kind === "batch" && it.path === item.path && it.offset < item.offset);
    const bytes = files.get(item.path.slice(folder.length + 1));
    if (bytes === undefined || batch?.kind !== "batch") continue;
    damageRecord(bytes, item.offset, item.bytes, random);
    const length = readU32(bytes, item.offset);
    if (length >= 16 && item.offset + length <= bytes.length) {
      writeU32(bytes, item.offset + 4, maskCrc(crc32(bytes, item.offset + 8, item.offset + length)));
    }
    const end = batch.offset + 32 + batch.bytes;
    const salt = readU32(bytes, 24);
    writeU32(bytes, batch.offset + 4, maskCrc(crc32Continue(salt, bytes.subarray(batch.offset + 8, end))));
  }
}

function damageRecord(bytes: Uint8Array, offset: number, length: number, random: Prng): void {
  switch (random.below(6)) {
    case 0:
      bytes[offset + 8] = random.below(13);
      break;
    case 1:
      bytes[offset + 9] = random.below(4);
      break;
    case 2:
      writeU32(bytes, offset + 12, random.below(4));
      break;
    case 3:
      writeU32(bytes, offset, random.pick([0, 15, 16, 40, length - 1, length + 1, length + 40, 2 ** 24, 2 ** 32 - 1]));
      break;
    default: {
      const field = 16 + 8 * random.below(Math.max(1, Math.floor((length - 16) / 8)));
      if (field + 8 > length) break;
      const before = readU32(bytes, offset + field);
      const numbers = [0, 1, before + 1, Math.max(0, before - 1), before + 100, 2 ** 32, Number.MAX_SAFE_INTEGER];
      writeU64(bytes, offset + field, random.pick(numbers));
      if (random.chance(1, 10)) bytes.fill(255, offset + field, offset + field + 8);
    }
  }
}
