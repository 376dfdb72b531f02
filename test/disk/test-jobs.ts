// Jobs that exercise a Background, and a worker's script that knows them.

import { AssertionFailure } from "../../internal/base/assert.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { Job, JobSteps } from "../../internal/platform/background.ts";
import { readFullyNow, writeFullyNow } from "../../internal/platform/disk.ts";

export interface EchoInput {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly numbers: readonly number[];
}

/** Answers what it was given. */
export const echoJob: Job<EchoInput, EchoInput> = {
  name: "echo",
  urgent: false,
  *run(input) {
    yield 0;
    return input;
  },
};

/** Copies a file, some bytes a step; answers how many there were. */
export const copyJob: Job<{ from: string; to: string; stepBytes: number }, number> = {
  name: "copy",
  urgent: false,
  *run({ from, to, stepBytes }, disk) {
    const source = disk.openFile(from);
    const target = disk.createFile(to);
    const buffer = new Uint8Array(stepBytes);
    let at = 0;
    for (;;) {
      const bytes = readFullyNow(source, buffer, at);
      writeFullyNow(target, buffer.subarray(0, bytes), at);
      at += bytes;
      if (bytes < stepBytes) break;
      yield bytes;
    }
    target.syncData();
    target.close();
    source.close();
    return at;
  },
};

/** Counts its steps in cells[0] and goes on until cells[1] is set; says that each step wrote `bytes`. */
export const spinJob: Job<{ cells: Int32Array; bytes: number }, number> = {
  name: "spin",
  urgent: false,
  *run({ cells, bytes }) {
    while (Atomics.load(cells, 1) === 0) {
      Atomics.add(cells, 0, 1);
      yield bytes;
    }
    return Atomics.load(cells, 0);
  },
};

function* setCell({ cells, at }: { cells: Int32Array; at: number }): JobSteps<number> {
  yield 1 << 30;
  const before = Atomics.load(cells, 0);
  yield 1 << 30;
  yield 1 << 30;
  const stepsOfOthers = Atomics.load(cells, 0) - before;
  Atomics.store(cells, at, 1);
  return stepsOfOthers;
}

/** Takes steps that claim to have written a lot, sets a cell, and answers by how much cells[0] grew meanwhile. */
export const urgentSetJob: Job<{ cells: Int32Array; at: number }, number> = {
  name: "urgent-set",
  urgent: true,
  run: setCell,
};
export const plainSetJob: Job<{ cells: Int32Array; at: number }, number> = {
  name: "plain-set",
  urgent: false,
  run: setCell,
};

let handedOver = new Uint8Array(0);

/** Answers with a buffer of `bytes` ones, handed over. */
export const handOverJob: Job<{ bytes: number }, Uint8Array> = {
  name: "hand-over",
  urgent: false,
  *run({ bytes }) {
    yield 0;
    handedOver = new Uint8Array(bytes).fill(1);
    return handedOver;
  },
  transfers: () => [handedOver.buffer],
};

/** Answers how many bytes the side of the jobs still sees of what it handed over last. */
export const handedOverJob: Job<object, number> = {
  name: "handed-over",
  urgent: false,
  *run() {
    yield 0;
    return handedOver.length;
  },
};

export type FailureWanted = "disk" | "trefoil" | "assertion" | "range" | "late" | "unclonable";

/** Fails in one way or another. */
export const failJob: Job<{ wanted: FailureWanted; path: string }, unknown> = {
  name: "fail",
  urgent: false,
  *run({ wanted, path }, disk) {
    yield 0;
    switch (wanted) {
      case "disk":
        return disk.openFile(path);
      case "trefoil":
        throw new TrefoilError("corruption", "block 7", { cause: new Error("crc") });
      case "assertion":
        throw new AssertionFailure("levels overlap", { level: 3 });
      case "range":
        throw new RangeError("out of range");
      case "late":
        for (let step = 0; step < 20; step++) yield 10;
        throw new Error("late");
      case "unclonable":
        return () => undefined;
      default:
        return undefined;
    }
  },
};

/** Ends the thread it runs in. */
export const dieJob: Job<object, void> = {
  name: "die",
  urgent: false,
  *run() {
    yield 0;
    // In a worker thread this ends the thread alone.
    process.exit(3);
  },
};

export const testJobs: readonly Job<unknown, unknown>[] = [
  echoJob,
  copyJob,
  spinJob,
  urgentSetJob,
  plainSetJob,
  handOverJob,
  handedOverJob,
  failJob,
  dieJob,
];
