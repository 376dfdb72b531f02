// The offline reader: it shows everything, names every damage, and changes nothing.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { LogItem } from "../../internal/log/inspect.ts";
import { append, folder, group1, newWorld, open } from "./harness.ts";
import { damageOptions, diskOf, filesOf, inspectAll, logWithEverything } from "./files.ts";

describe("inspectLog", () => {
  it("shows every segment, batch and record with its place", async () => {
    const { world } = await logWithEverything();
    const items = await inspectAll(world.disk);
    const counts = new Map<string, number>();
    for (const item of items) counts.set(item.kind, (counts.get(item.kind) ?? 0) + 1);
    assert.ok((counts.get("segment") ?? 0) > 1 && counts.get("segment") === counts.get("end"));
    assert.ok((counts.get("batch") ?? 0) > 5 && (counts.get("record") ?? 0) > (counts.get("batch") ?? 0));
    assert.equal(counts.get("damage"), undefined);
    const last = items.findLast((item) => item.kind === "record");
    assert.ok(last?.record.type === "entry");
    assert.equal(utf8Text(last.record.entry.payload), "the last one");
    const state = items.findLast((item) => item.kind === "record" && item.record.type === "groupState");
    assert.ok(state?.kind === "record" && state.record.type === "groupState");
    // Places are offsets in the file: the record's own length stands there.
    const file = world.disk.peek(last.path) as Uint8Array;
    assert.equal(file[last.offset], last.bytes);
  });

  it("shows one segment when it is given one", async () => {
    const { world } = await logWithEverything();
    const [first] = (await world.disk.list(folder)).filter((name) => name.endsWith(".log"));
    const path = `${folder}/${first ?? ""}`;
    const items = await inspectAll(world.disk, path);
    assert.ok(items.length > 2 && items.every((item) => item.path === path));
  });

  it("goes on behind damage, and says where it was", async () => {
    const { world } = await logWithEverything();
    const files = await filesOf(world.disk);
    const items = await inspectAll(world.disk);
    const batches = items.filter((item) => item.kind === "batch");
    const hit = batches.at(-3) as Extract<LogItem, { kind: "batch" }>;
    const bytes = files.get(hit.path.slice(folder.length + 1)) as Uint8Array;
    bytes[hit.offset + 40] = (bytes[hit.offset + 40] as number) ^ 1;
    const disk = diskOf(files);
    const seen = await inspectAll(disk);
    const damage = seen.filter((item) => item.kind === "damage");
    assert.equal(damage.length, 1);
    assert.deepEqual([damage[0]?.path, damage[0]?.offset], [hit.path, hit.offset]);
    assert.match(damage[0]?.detail ?? "", /were good once/);
    assert.equal(seen.filter((item) => item.kind === "batch").length, batches.length - 1);
    assert.equal(disk.operations, 0);
  });

  it("names missing segments and files that are no part of the log", async () => {
    const world = newWorld();
    const log = await open(world, { ...damageOptions, logBytesMax: 1_000_000, flushWantedBytes: 1_000_000 });
    for (let n = 0; n < 60; n++) await log.whenDurable(append(log.group(group1), "x".repeat(200)));
    const files = await filesOf(world.disk);
    files.delete("00000002.log");
    files.set("notes.txt", utf8("hello"));
    files.set("00000099.new", utf8("draft"));
    files.set("00000001.spare", utf8("spare"));
    const items = await inspectAll(diskOf(files));
    const damage = items.filter((item) => item.kind === "damage");
    assert.match(damage[0]?.detail ?? "", /segments 2 to 2 are missing/);
    assert.deepEqual(
      items.filter((item) => item.kind === "other").map((item) => item.what),
      ["spare", "draft", "foreign"],
    );
  });

  it("says what a file is not, and that a path is not there", async () => {
    const disk = diskOf(new Map([["00000001.log", utf8("no log at all".repeat(100))]]));
    const [item] = await inspectAll(disk);
    assert.ok(item?.kind === "damage" && item.detail.includes("another program's file"));
    await assert.rejects(inspectAll(disk, "/nowhere"), (reason: unknown) => {
      return reason instanceof TrefoilError && reason.code === "not_found" && reason.message.includes("/nowhere");
    });
  });
});
