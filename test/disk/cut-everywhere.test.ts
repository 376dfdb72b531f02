// The smallest protocol that must survive every cut, replacing a file by a synced new one, and proof that
// leaving out any of its steps is found.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { Prng } from "../../internal/base/prng.ts";
import { writeFully } from "../../internal/platform/disk.ts";
import { cutEverywhere } from "./cut-everywhere.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { seededDelay } from "./seeded-delay.ts";

type Step = "sync the new file" | "rename" | "sync the folder";

async function replaceUnderCuts(seed: number, left: Step | "nothing"): Promise<{ operations: number; cuts: number }> {
  const random = new Prng(seed);
  const disk = new MemoryDisk({ delay: seededDelay(random.split("delay"), 3) });
  disk.put("/d/current", utf8(content(0)));
  let acknowledged = 0;
  let begun = 0;
  return cutEverywhere({
    disk,
    random,
    randomCuts: 8,
    script: async () => {
      for (begun = 1; begun <= 3; begun++) {
        const path = left === "rename" ? "/d/current" : "/d/next";
        const file = await disk.openFile(path, { access: "write", create: "may" });
        await file.truncate(0);
        await writeFully(file, utf8(content(begun)), 0);
        if (left !== "sync the new file") await file.syncData();
        await file.close();
        if (left !== "rename") await disk.rename("/d/next", "/d/current");
        if (left !== "sync the folder") await disk.syncFolder("/d");
        acknowledged = begun;
      }
    },
    state: () => ({ acknowledged, begun }),
    check: async (after, { state }) => {
      const bytes = after.peek("/d/current");
      assert.ok(bytes !== undefined, "no file at all");
      const found = [0, 1, 2, 3].find((number) => content(number) === utf8Text(bytes));
      assert.ok(found !== undefined, "neither old nor new");
      assert.ok(found >= state.acknowledged && found <= state.begun, `${found}, not ${state.acknowledged}`);
    },
  });
}

describe("cut everywhere", () => {
  it("the whole protocol survives every cut", async () => {
    for (let seed = 0; seed < 5; seed++) {
      const { operations, cuts } = await replaceUnderCuts(seed, "nothing");
      assert.equal(operations, 18);
      assert.equal(cuts, 19 * 15);
    }
  });

  for (const step of ["sync the new file", "rename", "sync the folder"] as const) {
    it(`leaving out "${step}" is found`, async () => {
      await assert.rejects(
        replaceUnderCuts(1, step),
        /power cut at operation \d+ \(.*\), .*: (neither|no file|\d, not)/,
      );
    });
  }
});

function content(number: number): string {
  return `${number}`.repeat(2000);
}
