// The power goes after every single disk operation of a manifest's life, on a sound disk and on one that
// fails, and once more while what is left is opened and written to. Every acknowledged edit is there
// afterwards, and beside it at most the one that was being written.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cutEverywhere } from "../../../test/disk/cut-everywhere.ts";
import { FaultDisk } from "../../../test/disk/fault-disk.ts";
import { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import { seededDelay } from "../../../test/disk/seeded-delay.ts";
import { contentsOf, failingSteps, manifestFolder, openOn, placeOn, shown } from "../../../test/engine/manifest-rig.ts";
import type { FailingStep } from "../../../test/engine/manifest-rig.ts";
import { randomStates } from "../../../test/engine/version-fixture.ts";
import { sequence } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { currentName, joinPath } from "../file-names.ts";
import { Manifest } from "./manifest.ts";
import { applyEdit, editOf } from "./version-edit.ts";
import type { VersionEdit } from "./version-edit.ts";

const bytesMax = 500;

/** Edits, and as text the states that they lead through; one more edit than states that a script reaches. */
function drawn(count: number, seed: number): { edits: VersionEdit[]; states: string[] } {
  const { edits, states } = randomStates(count + 1, new Prng(seed));
  return { edits, states: states.map(shown) };
}

async function emptyDisk(seed: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ delay: seededDelay(new Prng(seed), 3) });
  await disk.makeFolder(manifestFolder);
  disk.syncEverything();
  return disk;
}

/** Cuts leave the same disk in many ways; looking at it once is enough. */
class Seen {
  private readonly keys = new Set<string>();

  async isNew(disk: MemoryDisk, ...also: unknown[]): Promise<boolean> {
    const key = [...(await contentsOf(disk)), ...also].join("\n");
    if (this.keys.has(key)) return false;
    this.keys.add(key);
    return true;
  }

  get count(): number {
    return this.keys.size;
  }
}

async function isEmpty(disk: MemoryDisk): Promise<boolean> {
  return (await disk.sizeOf(joinPath(manifestFolder, currentName))) === undefined;
}

describe("a manifest whose power is cut", () => {
  test("has every acknowledged edit and at most one more, after each operation, and after a second cut", async (context) => {
    const { edits, states } = drawn(14, 51);
    const disk = await emptyDisk(52);
    const random = new Prng(53);
    const outer = new Seen();
    const inner = new Seen();
    let done = -1;
    let rotations = 0;
    const append = async (manifest: Manifest, upTo: number): Promise<void> => {
      while (done < upTo) {
        await manifest.append(edits[done] as VersionEdit);
        done++;
      }
      rotations += manifest.stats.rotations;
      await manifest.close();
    };

    /** Opens what a cut left and appends to it, under cuts. */
    const openUnderCuts = async (left: MemoryDisk, found: number): Promise<void> => {
      let reached = found;
      const script = async (): Promise<void> => {
        const manifest = await openOn(left, bytesMax);
        assert.equal(shown(manifest.state), states[found]);
        await manifest.append(edits[found] as VersionEdit);
        reached = found + 1;
        await manifest.close();
      };
      await cutEverywhere({
        disk: left,
        random,
        randomCuts: 1,
        script,
        state: () => reached,
        check: async (again, { state }) => {
          if (!(await inner.isNew(again, state))) return;
          const { state: present } = await openOn(again, bytesMax);
          const known = [states[state], ...(state === found ? [states[found + 1]] : [])];
          assert.ok(known.includes(shown(present)), `after the second cut ${state} edits are not there, or more`);
        },
      });
    };

    const { operations, cuts } = await cutEverywhere({
      disk,
      random,
      randomCuts: 3,
      script: async () => {
        const first = await Manifest.create(placeOn(disk, bytesMax));
        done = 0;
        await append(first, 8);
        await append(await openOn(disk, bytesMax), edits.length - 1);
      },
      state: () => done,
      check: async (left, { state }) => {
        if (state === -1 && (await isEmpty(left))) return;
        if (!(await outer.isNew(left, state))) return;
        const copy = left.cloneAfterKill();
        const present = shown((await openOn(copy, bytesMax)).state);
        const found = [Math.max(state, 0), state + 1].find((count) => states[count] === present);
        assert.ok(found !== undefined, `${state} edits were acknowledged, the state is another`);
        if (found < edits.length) await openUnderCuts(left, found);
      },
    });
    const disks = `${outer.count} and ${inner.count} different disks`;
    context.diagnostic(`${operations} operations, ${cuts} cuts, ${disks}, ${rotations} rotations`);
    assert.ok(rotations >= 2 && operations > 60 && cuts >= 10 * operations, `${operations} operations, ${cuts} cuts`);
    assert.ok(outer.count > 60 && inner.count > 300, disks);
  });
});

/** What is appended when an edit was refused: the same once more, or another in its place. */
const answers = ["the same", "another"] as const;

describe("a manifest on a failing disk whose power is cut later", () => {
  for (const answer of answers) {
    test(`has every acknowledged edit, and no refused one behind it, when ${answer} is appended next`, async (context) => {
      const count = { struck: 0, taken: 0, disks: 0 };
      for (const [at, step] of failingSteps().entries()) {
        const result = await failUnderCuts(step, answer, at);
        count.struck += result.struck;
        count.taken += result.taken;
        count.disks += result.disks;
      }
      context.diagnostic(JSON.stringify(count));
      assert.ok(count.struck >= 35 && count.taken >= 25 && count.disks > 500, JSON.stringify(count));
    });
  }
});

/** Answers how often the fault struck, how many edits were taken behind it, how many different disks were looked at. */
async function failUnderCuts(
  step: FailingStep,
  answer: (typeof answers)[number],
  seed: number,
): Promise<{ struck: number; taken: number; disks: number }> {
  const memory = await emptyDisk(seed);
  const disk = new FaultDisk(memory, { onFailedSync: (path) => memory.dropUnsynced(path) });
  const [first, second] = drawn(2, seed).edits as [VersionEdit, VersionEdit];
  // It may follow on the first edit as well as on the second.
  const next = answer === "the same" ? second : editOf({ lastSequence: sequence(1_000_000) });
  const manifest = await Manifest.create(placeOn(disk));
  let possible = [shown(await manifest.append(first))];
  let taken = 0;
  memory.syncEverything();
  const attempt = async (edit: VersionEdit): Promise<boolean> => {
    possible = [...possible, shown(applyEdit(manifest.state, edit))];
    try {
      possible = [shown(await manifest.append(edit))];
    } catch {
      return false;
    }
    taken++;
    return true;
  };
  const seen = new Seen();
  let struck = 0;
  await cutEverywhere({
    disk: memory,
    random: new Prng(seed),
    randomCuts: 1,
    state: () => possible,
    script: async () => {
      if (step.during === "begin") {
        disk.arm({ calls: ["write"], when: 1, fault: { kind: "fail", failure: "full" } });
        assert.equal(await attempt(second), false);
      }
      const rule = disk.arm(step.rule);
      for (const edit of [second, next, next]) if (await attempt(edit)) break;
      struck = rule.struck;
      await manifest.close();
    },
    check: async (left, { state }) => {
      if (!(await seen.isNew(left, ...state))) return;
      const found = shown((await openOn(left)).state);
      assert.ok(state.includes(found), `${step.name}: the state is none of the ${state.length} possible ones`);
    },
  });
  return { struck, taken, disks: seen.count };
}
