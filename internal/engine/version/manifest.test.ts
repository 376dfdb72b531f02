import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { FaultDisk } from "../../../test/disk/fault-disk.ts";
import { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import {
  contentsOf,
  failingSteps,
  manifestFolder,
  openOn,
  placeOn,
  shown,
  writtenManifest,
} from "../../../test/engine/manifest-rig.ts";
import { randomStates } from "../../../test/engine/version-fixture.ts";
import { fileNumber, sequence } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { Manifest } from "./manifest.ts";
import { editOf } from "./version-edit.ts";
import type { EngineState } from "./version-edit.ts";

async function emptyDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeFolder(manifestFolder);
  return disk;
}

describe("a manifest", () => {
  test("keeps the state through any number of edits, rotations and openings", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(60, 300, 5000), async (seed, bytesMax) => {
        const random = new Prng(seed);
        const { edits, states } = randomStates(25, random);
        const disk = await emptyDisk();
        let manifest = await Manifest.create(placeOn(disk, bytesMax));
        for (const [at, edit] of edits.entries()) {
          assert.equal(shown(await manifest.append(edit)), shown(states[at + 1] as EngineState));
          if (!random.chance(1, 5)) continue;
          await manifest.close();
          manifest = await openOn(disk, bytesMax);
          assert.equal(shown(manifest.state), shown(states[at + 1] as EngineState));
        }
        await manifest.close();
        const names = await disk.list(manifestFolder);
        assert.deepEqual(names, ["current", `manifest-${String(manifest.fileNumber).padStart(6, "0")}`]);
        assert.equal(disk.openFileCount, 0);
      }),
      { numRuns: 40 },
    );
  });

  test("never gives a file number twice", async () => {
    const { disk, edits } = await writtenManifest(10, 3);
    let manifest = await openOn(disk, 60);
    const numbers = [1, manifest.fileNumber as number];
    for (const edit of edits.slice(0, 5)) {
      await manifest.append({ ...edit, added: [], removed: [], switches: [], nextFileNumber: fileNumber(0) });
      numbers.push(manifest.fileNumber);
    }
    await manifest.close();
    manifest = await Manifest.open(placeOn(disk), fileNumber(5000), () => undefined);
    numbers.push(manifest.fileNumber);
    assert.ok(
      numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] as number)),
      numbers.join(" "),
    );
    assert.equal(manifest.fileNumber, 5000, "not even one that only a stray file has");
    assert.equal(manifest.state.nextFileNumber, 5001);
  });

  test("takes one edit at a time, and none behind its close", async () => {
    const { disk } = await writtenManifest(1, 4);
    const manifest = await openOn(disk);
    const edit = editOf({ lastSequence: sequence(1000) });
    const first = manifest.append(edit);
    await assert.rejects(manifest.append(edit), /an edit was appended while another was being written/);
    await assert.rejects(manifest.close(), /closed while an edit was being written/);
    await first;
    await manifest.close();
    await assert.rejects(manifest.append(edit), { code: "stopping" });
    await manifest.close();
    assert.equal(disk.openFileCount, 0);
  });

  test("that whoever opens it refuses is left as it is", async () => {
    const { disk, states } = await writtenManifest(3, 5);
    const before = await contentsOf(disk);
    const refusal = new Error("a table is missing");
    const check = ({ state }: { readonly state: EngineState }): never => {
      assert.equal(shown(state), shown(states[3] as EngineState));
      throw refusal;
    };
    await assert.rejects(Manifest.open(placeOn(disk), fileNumber(50), check), refusal);
    assert.deepEqual(await contentsOf(disk), before);
    assert.equal(disk.openFileCount, 0);
  });

  test("is begun anew when it has grown past its bound, but not before it has doubled", async () => {
    const { disk, edits } = await writtenManifest(60, 8);
    const manifest = await openOn(disk, 10);
    const { rotations, appends } = manifest.stats;
    assert.equal(rotations + appends, 0);
    for (const { applied, lastSequence } of edits) {
      await manifest.append({
        ...(edits[0] as (typeof edits)[number]),
        added: [],
        removed: [],
        switches: [],
        applied,
        lastSequence,
      });
    }
    assert.ok(manifest.stats.rotations >= 1, "it was begun anew");
    assert.ok(manifest.stats.appends > 3 * manifest.stats.rotations, "not at every append");
  });
});

describe("a manifest on a disk that fails", () => {
  const rig = async () => {
    const memory = await emptyDisk();
    const disk = new FaultDisk(memory);
    const { edits, states } = randomStates(4, new Prng(21));
    const manifest = await Manifest.create(placeOn(disk));
    const [first, second, third] = edits as [(typeof edits)[0], (typeof edits)[0], (typeof edits)[0]];
    await manifest.append(first);
    return { memory, disk, manifest, states, second, third };
  };

  test("takes an edit again once a full disk has space, in a new file", async () => {
    const { memory, disk, manifest, states, second, third } = await rig();
    const full = disk.arm({ calls: ["write"], when: 1, times: 3, fault: { kind: "fail", failure: "full" } });
    const before = memory.peek(`${manifestFolder}/manifest-000001`);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await assert.rejects(manifest.append(second), { kind: "full" });
      assert.equal(shown(manifest.state), shown(states[1] as EngineState));
    }
    assert.equal(full.struck, 3);
    assert.deepEqual(memory.peek(`${manifestFolder}/manifest-000001`), before, "the doubtful file is left alone");
    assert.deepEqual(await memory.list(manifestFolder), ["current", "manifest-000001"], "failed attempts are removed");
    assert.equal(shown(await manifest.append(second)), shown(states[2] as EngineState));
    assert.equal(shown(await manifest.append(third)), shown(states[3] as EngineState));
    await manifest.close();
    assert.equal(memory.openFileCount, 0);
    assert.equal(shown((await openOn(memory)).state), shown(states[3] as EngineState));
  });

  test("after a full disk and a crash holds the edit in doubt, or does not", async () => {
    for (const bytes of [0, 7, 30, 1000]) {
      const { memory, disk, manifest, states, second } = await rig();
      disk.arm({ calls: ["write"], when: 1, fault: { kind: "short", bytes } });
      disk.arm({ calls: ["write"], when: 2, fault: { kind: "fail", failure: "full" } });
      if (bytes === 1000) await manifest.append(second);
      else await assert.rejects(manifest.append(second), { kind: "full" });
      const left = memory.cloneAfterKill();
      assert.equal(shown((await openOn(left)).state), shown(states[bytes === 1000 ? 2 : 1] as EngineState));
    }
  });

  test("takes no edit after a failed sync, whatever the disk calls it, and none after a failed write", async () => {
    const faults = [
      { calls: ["syncData"], fault: { kind: "fail", failure: "failed" } },
      { calls: ["syncData"], fault: { kind: "fail", failure: "full" } },
      { calls: ["syncData"], fault: { kind: "fail", failure: "failed", after: true } },
      { calls: ["write"], fault: { kind: "fail", failure: "failed" } },
    ] as const;
    for (const fault of faults) {
      const { memory, disk, manifest, states, second, third } = await rig();
      disk.arm({ ...fault, when: 1 });
      const first = await manifest.append(second).catch((error: unknown) => error);
      assert.ok(first instanceof Error);
      memory.startTrace(manifestFolder);
      await assert.rejects(manifest.append(second), (error: unknown) => error === first);
      await assert.rejects(manifest.append(third), (error: unknown) => error === first);
      assert.equal(shown(manifest.state), shown(states[1] as EngineState));
      await manifest.close();
      assert.deepEqual(memory.takeTrace(), [], "nothing more is written, not even at the end");
      assert.equal(memory.openFileCount, 0);
    }
  });

  test("survives a failure at every step of a new manifest: full is passed over, all else is final", async () => {
    let struck = 0;
    for (const step of failingSteps().filter(({ during }) => during === "begin")) {
      const { memory, disk, manifest, states, second } = await rig();
      disk.arm({ calls: ["write"], when: 1, fault: { kind: "fail", failure: "full" } });
      await assert.rejects(manifest.append(second), { kind: "full" });
      const rule = disk.arm(step.rule);
      const failed = await refused(manifest.append(second));
      rule.disarm();
      assert.equal(failed, rule.struck > 0, step.name);
      struck += rule.struck;
      if (failed) {
        assert.equal(shown(manifest.state), shown(states[1] as EngineState), step.name);
        const left = memory.cloneAfterKill();
        const found = shown((await openOn(left)).state);
        assert.ok(states.slice(1, 3).map(shown).includes(found), `${step.name}, then a crash`);
        assert.equal(await refused(manifest.append(second)), step.isFinal, step.name);
      }
      const present = shown(manifest.state);
      await manifest.close();
      assert.equal(memory.openFileCount, 0);
      if (!step.isFinal) assert.equal(shown((await openOn(memory)).state), present, step.name);
    }
    assert.ok(struck >= 25, `${struck} failures`);
  });

  test("does not mind when the manifest before cannot be removed", async () => {
    const { memory, disk, manifest, states, second } = await rig();
    await manifest.close();
    disk.arm({ calls: ["remove"], when: 1, fault: { kind: "fail", failure: "failed" } });
    const next = await openOn(disk);
    assert.equal(shown(await next.append(second)), shown(states[2] as EngineState));
    await next.close();
    assert.equal((await memory.list(manifestFolder)).length, 3, "it is still there");
    assert.equal(shown((await openOn(memory)).state), shown(states[2] as EngineState));
  });
});

function refused(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    () => true,
  );
}
