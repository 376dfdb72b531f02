// What every Background must do. Each implementation's test calls this with a factory.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionFailure } from "../../internal/base/assert.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { Background } from "../../internal/platform/background.ts";
import { DiskFailure, readFully, writeFully, type Disk } from "../../internal/platform/disk.ts";
import {
  copyJob,
  echoJob,
  failJob,
  handedOverJob,
  handOverJob,
  plainSetJob,
  spinJob,
  urgentSetJob,
  type FailureWanted,
} from "./test-jobs.ts";

export interface BackgroundUnderTest {
  readonly background: Background;
  /** The disk on which its jobs work, and an empty folder there. */
  readonly disk: Disk;
  readonly folder: string;
  dispose(): Promise<void>;
}

export interface BackgroundTraits {
  /** Whether steps of several jobs alternate; else each runs to its end at once. */
  readonly interleaves: boolean;
}

type Run = (made: BackgroundUnderTest) => Promise<void>;
type Check = (name: string, run: Run) => void;

export function describeBackground(
  name: string,
  make: () => Promise<BackgroundUnderTest>,
  traits: BackgroundTraits,
): void {
  const check: Check = (what, run) => {
    it(what, async () => {
      const made = await make();
      try {
        await run(made);
      } finally {
        await made.background.close();
        await made.dispose();
      }
    });
  };
  describe(`background: ${name}`, () => {
    checkData(check);
    checkFailures(check);
    checkEnding(check, traits);
    if (traits.interleaves) checkTurns(check);
  });
}

function checkData(check: Check): void {
  check("input and output are copies", async ({ background }) => {
    const input = { text: "é", bytes: Uint8Array.of(1, 2, 3), numbers: [1, -1, 0.5] };
    const output = await background.run(echoJob, input);
    assert.deepEqual(output, input);
    output.bytes[0] = 9;
    assert.equal(input.bytes[0], 1);
  });

  check("shared memory is shared", async ({ background }) => {
    const cells = new Int32Array(new SharedArrayBuffer(16));
    await background.run(urgentSetJob, { cells, at: 3 });
    assert.equal(cells[3], 1);
  });

  check("a large output is handed over", async ({ background }) => {
    const output = await background.run(handOverJob, { bytes: 1_000_000 });
    assert.equal(output.length, 1_000_000);
    assert.ok(output.every((byte) => byte === 1));
    assert.equal(await background.run(handedOverJob, {}), 0);
  });

  check("jobs work on the files of the disk", async ({ background, disk, folder }) => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, at) => at % 251);
    const file = await disk.openFile(`${folder}/a`, { access: "write", create: "must" });
    await writeFully(file, bytes, 0);
    await file.close();
    assert.equal(await background.run(copyJob, { from: `${folder}/a`, to: `${folder}/b`, stepBytes: 777 }), 10_000);
    const copy = await disk.openFile(`${folder}/b`, { access: "read" });
    const target = new Uint8Array(10_000);
    assert.equal(await readFully(copy, target, 0), 10_000);
    assert.deepEqual(target, bytes);
    await copy.close();
  });

  check("many jobs at once all come to their end", async ({ background }) => {
    const jobs = Array.from({ length: 40 }, (_, at) => {
      const text = `job ${at}`;
      return background.run(echoJob, { text, bytes: new Uint8Array(at), numbers: [] });
    });
    const outputs = await Promise.all(jobs);
    assert.deepEqual(
      outputs.map((output) => output.text),
      outputs.map((_, at) => `job ${at}`),
    );
  });
}

function checkFailures(check: Check): void {
  const fail = async (made: BackgroundUnderTest, wanted: FailureWanted): Promise<unknown> => {
    const path = `${made.folder}/absent`;
    const reason = await made.background.run(failJob, { wanted, path }).then(
      () => assert.fail("it came to a good end"),
      (thrown: unknown) => thrown,
    );
    // One failed job is no reason for the next to fail.
    const input = { text: wanted, bytes: new Uint8Array(0), numbers: [] };
    assert.equal((await made.background.run(echoJob, input)).text, wanted);
    return reason;
  };

  check("failures arrive as themselves", async (made) => {
    const disk = await fail(made, "disk");
    assert.ok(disk instanceof DiskFailure);
    assert.equal(disk.kind, "not_found");
    assert.equal(disk.path, `${made.folder}/absent`);
    const trefoil = await fail(made, "trefoil");
    assert.ok(trefoil instanceof TrefoilError);
    assert.equal(trefoil.code, "corruption");
    assert.equal(trefoil.message, "block 7");
    assert.ok(trefoil.cause instanceof Error && trefoil.cause.message === "crc");
    const assertion = await fail(made, "assertion");
    assert.ok(assertion instanceof AssertionFailure);
    assert.equal(assertion.message, "levels overlap (level=3)");
    const range = await fail(made, "range");
    assert.ok(range instanceof Error);
    assert.equal(range.message, "out of range");
    const late = await fail(made, "late");
    assert.ok(late instanceof Error && late.message === "late");
  });

  check("what cannot be cloned is refused, on the way in and on the way out", async (made) => {
    const reason = await fail(made, "unclonable");
    assert.ok(reason instanceof Error && reason.name === "DataCloneError", String(reason));
    const input = { text: "", bytes: new Uint8Array(0), numbers: (() => undefined) as unknown as number[] };
    await assert.rejects(made.background.run(echoJob, input), { name: "DataCloneError" });
  });
}

function checkEnding(check: Check, traits: BackgroundTraits): void {
  check("after close everything is refused; closing again does nothing", async ({ background }) => {
    await background.close();
    await background.close();
    const input = { text: "", bytes: new Uint8Array(0), numbers: [] };
    await assert.rejects(background.run(echoJob, input), isStopping);
  });

  if (!traits.interleaves) return;
  check("close ends running jobs", async ({ background }) => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const spins = [background.run(spinJob, { cells, bytes: 0 }), background.run(spinJob, { cells, bytes: 0 })];
    const ended = Promise.all(spins.map((spin) => assert.rejects(spin, isStopping)));
    await until(() => Atomics.load(cells, 0) > 10);
    await background.close();
    await ended;
  });
}

function checkTurns(check: Check): void {
  check("jobs take turns", async ({ background }) => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const spins = [1, 2, 3].map(() => background.run(spinJob, { cells, bytes: 0 }));
    await background.run(plainSetJob, { cells, at: 1 });
    await Promise.all(spins);
  });

  check("an urgent job goes before others", async ({ background }) => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const spins = [1, 2].map(() => background.run(spinJob, { cells, bytes: 0 }));
    await until(() => Atomics.load(cells, 0) > 10);
    assert.equal(await background.run(urgentSetJob, { cells, at: 1 }), 0);
    await Promise.all(spins);
  });
}

function isStopping(reason: unknown): boolean {
  assert.ok(reason instanceof TrefoilError, String(reason));
  assert.equal(reason.code, "stopping");
  return true;
}

/** Waits for a condition, turn by turn; the test runner's own limit bounds it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
