// abstract-level's own suite, as it is published, over the small store on a real disk.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { AbstractDatabaseOptions } from "abstract-level";
import { tinyOptions } from "../engine/engine-rig.ts";
import { realSeams } from "../store/real-seams.ts";
import { StoreLevel } from "./store-level.ts";

/** The part of tape that is used here. */
interface Tape {
  createHarness(): TapeHarness;
}

interface TapeHarness {
  createStream(options: { objectMode: true }): NodeJS.ReadableStream;
}

interface TapeRow {
  readonly type: "test" | "assert" | "end";
  readonly id?: number;
  readonly test?: number;
  readonly name?: string;
  readonly ok?: boolean;
  readonly error?: { readonly message: string };
}

type Suite = (options: {
  test: TapeHarness;
  factory: (options?: AbstractDatabaseOptions<string, string>) => StoreLevel;
}) => void;

const require = createRequire(import.meta.url);
const { createHarness } = require("tape") as Tape;
const suite = require("abstract-level/test") as Suite;

test("abstract-level's published suite passes over the small store", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "trefoil-level-"));
  const seams = realSeams();
  let databases = 0;
  const harness = createHarness();
  const rows = harness.createStream({ objectMode: true });
  const settings = {
    seams,
    store: { engine: tinyOptions, log: { segmentBytes: 64 * 1024, cacheBytesMax: 64 * 1024, batchBytesMax: 8192 } },
  };
  suite({ test: harness, factory: (options) => new StoreLevel(join(root, String(++databases)), settings, options) });
  const names = new Map<number, string>();
  const failures: string[] = [];
  let assertions = 0;
  rows.on("data", (row: TapeRow) => {
    if (row.type === "test") names.set(row.id ?? 0, row.name ?? "");
    if (row.type !== "assert") return;
    assertions++;
    if (row.ok === true) return;
    failures.push(`${names.get(row.test ?? 0) ?? "?"}: ${row.name ?? ""} ${row.error?.message ?? ""}`);
  });
  await once(rows, "end");
  await seams.close();
  await rm(root, { recursive: true, force: true });
  t.diagnostic(`assertions ${assertions}, tests ${names.size}, databases ${databases}`);
  assert.deepEqual(failures, []);
  assert.ok(assertions > 1000 && names.size > 300, `only ${assertions} assertions in ${names.size} tests`);
});
