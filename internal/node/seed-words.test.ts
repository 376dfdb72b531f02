// What is said of the addresses by which a process is to find its cluster.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { LogFields } from "../platform/logger.ts";
import { silentLogger } from "../platform/logger.ts";
import { SeedWords } from "./seed-words.ts";

const address = "127.0.0.1:8080";

describe("what came of asking seeds", () => {
  let now: number;
  let warned: (LogFields | undefined)[];
  let words: SeedWords;

  beforeEach(() => {
    now = 0;
    warned = [];
    const clock = { monotonicMilliseconds: () => now, wallMilliseconds: () => now };
    const logger = { ...silentLogger, warn: (_: string, fields?: LogFields) => void warned.push(fields) };
    words = new SeedWords({ addresses: [address, "n2:7400"], flag: "--join", clock, logger });
  });

  const unreachable = (detail: string): void => words.note(address, { kind: "unreachable", detail });

  it("names address, reason and what to do, and says that it was not asked yet", () => {
    assert.equal(words.all, `${address} (not asked yet), n2:7400 (not asked yet)`);
    unreachable("two nodes are called n1: each needs an --id of its own");
    assert.match(words.all, /^127.0.0.1:8080 \(two nodes are called n1: each needs an --id of its own\), n2/);
    unreachable("Protocol error (2026-11-21T21:59:42.945Z)");
    assert.match(
      words.all,
      /8080 \(Protocol error: nothing there talks as nodes do; --join takes the address that is --peer/,
    );
    unreachable("connect ECONNREFUSED 127.0.0.1:8080 (2026-11-21T21:59:42.945Z)");
    assert.match(words.all, /ECONNREFUSED 127.0.0.1:8080: nobody listens there; --join takes/);
    words.note(address, { kind: "answered", payload: new Uint8Array(0) });
    assert.match(words.all, /8080 \(knows of none yet\)/);
  });

  it("warns once when the same went wrong for a while, and again when something else does", () => {
    unreachable("Protocol error (2026-11-21T21:59:42.945Z)");
    assert.deepEqual(warned, []);
    for (now = 1000; now <= 5000; now += 1000) unreachable(`Protocol error (2026-11-21T21:59:4${now / 1000}.945Z)`);
    assert.equal(warned.length, 1);
    assert.deepEqual([warned[0]?.["setting"], warned[0]?.["address"]], ["--join", address]);
    assert.match(String(warned[0]?.["why"]), /^Protocol error: nothing there talks/);
    unreachable("two nodes are called n1: each needs an --id of its own");
    assert.equal(warned.length, 1);
    now += 1000;
    unreachable("two nodes are called n1: each needs an --id of its own");
    assert.match(String(warned[1]?.["why"]), /^two nodes are called n1/);
    for (; now <= 20_000; now += 1000) words.note(address, { kind: "answered", payload: new Uint8Array(0) });
    assert.equal(warned.length, 2);
  });
});
