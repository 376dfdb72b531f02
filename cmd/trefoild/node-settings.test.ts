import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readNodeSettings } from "../../internal/config/read-settings.ts";
import type { NodeValues } from "../../internal/config/values.ts";
import { nodeSettingsOf } from "./node-settings.ts";

function valuesOf(...flags: readonly string[]): NodeValues {
  const commandArguments = ["--id=n1", "--data=d", "--peers=n1=a:7400,n2=b:7400,n3=c:7400", ...flags];
  const read = readNodeSettings({ commandArguments, environment: {}, readFile: () => "", mistakeIn: () => "" });
  assert.ok(read.kind === "settings", read.kind === "wrong" ? read.violations.join("\n") : "");
  return read.values;
}

describe("what a node is opened with", () => {
  it("is what the process was told", () => {
    const flags = ["--fsync=interval:20", "--heartbeat=40ms", "--election-timeout=500ms", "--salvage-window=2h"];
    const more = [
      "--default-read=strong",
      "--default-write=fast",
      "--zone=z",
      "--groups=7",
      "--memtable-bytes=32MiB",
      "--max-clock-skew=70ms",
    ];
    const settings = nodeSettingsOf(valuesOf(...flags, ...more), {});
    assert.deepEqual(settings.log.fsync, { kind: "interval", milliseconds: 20 });
    const { tickMilliseconds = 0, raft, salvageWindowMilliseconds } = settings.replica;
    assert.equal((raft?.heartbeatTicks ?? 0) * tickMilliseconds, 40);
    assert.equal((raft?.electionTicks ?? 0) * tickMilliseconds, 500);
    assert.equal(settings.clockSkewMilliseconds, 70);
    assert.equal(salvageWindowMilliseconds, 2 * 3_600_000);
    assert.equal(settings.engine.memtableBytes, 32 * 1024 * 1024);
    assert.deepEqual(settings.defaults, { read: "strong", write: "fast" });
    assert.deepEqual([settings.zone, settings.groups], ["z", 7]);
    assert.deepEqual(
      [...settings.peers],
      [
        ["n1", "a:7400"],
        ["n2", "b:7400"],
        ["n3", "c:7400"],
      ],
    );
  });

  it("advertises what is listened on, with the ports that the system chose, and nothing else", () => {
    const http = { host: "127.0.0.1", port: 43_210 };
    const { addresses } = nodeSettingsOf(valuesOf("--http=127.0.0.1:0", "--advertise=h"), { http });
    assert.deepEqual(addresses, { peer: "a:7400", http: "h:43210", resp: "", grpc: "", admin: "" });
  });
});
