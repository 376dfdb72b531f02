import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { corruption, TrefoilError } from "../../internal/base/errors.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import { failureWords, isOfTheWorld, listenFailure } from "./failure-words.ts";

describe("the words of a failure that ends a node", () => {
  it("say what happened, to what, and what to do about it", () => {
    const eio = Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
    const sync = new DiskFailure("failed", "syncData", "/data/n1/log/000001.log", eio);
    assert.match(failureWords(sync), /^syncData \/data\/n1\/log\/000001\.log: EIO.*; look after the disk/);
    const wrapped = new TrefoilError("internal", "the log has failed", { cause: sync });
    assert.match(failureWords(wrapped), /^the log has failed \(syncData .*EIO.*\); look after the disk/);
    const full = new DiskFailure("full", "write", "/data/n1/engine/000004.table", new Error("ENOSPC"));
    assert.match(failureWords(full), /; make room on the disk, then start again$/);
    const taken = new DiskFailure("in_use", "lockFolder", "/data/n1", new Error("in use by another process (7)"));
    assert.equal(
      failureWords(new TrefoilError("conflict", "words with advice", { cause: taken })),
      "words with advice",
    );
    const made = new DiskFailure("not_found", "makeFolder", "/proc/x", new Error("ENOENT"));
    assert.match(failureWords(made), /^makeFolder \/proc\/x: ENOENT; name a folder that can be made/);
    assert.match(failureWords(corruption("block 3 of x.table")), /^block 3 of x\.table; trefoil inspect shows/);
    assert.match(failureWords(new Error("x is undefined")), /^x is undefined; this is a fault of Trefoil/);
    assert.equal(failureWords(new TrefoilError("conflict", "words with advice")), "words with advice");
  });

  it("are all that there is to say of what the world does: where it came to light is told of faults of ours alone", () => {
    const sync = new DiskFailure("failed", "syncData", "/data/n1/map", new Error("EIO"));
    const failures = [
      sync,
      new Error("the engine failed", { cause: sync }),
      corruption("block 3"),
      new Error("x is undefined"),
    ];
    assert.deepEqual(failures.map(isOfTheWorld), [true, true, true, false]);
  });

  it("name the flag of an address that cannot be taken, whoever said so in whatever words", () => {
    const taken = Object.assign(new Error("listen EADDRINUSE: address already in use"), { code: "EADDRINUSE" });
    assert.match(
      listenFailure("http", "127.0.0.1:8080", taken).message,
      /^--http 127\.0\.0\.1:8080: another process .* with --http$/,
    );
    const grpc = new Error(
      "No address added out of total 1 resolved errors: [listen EACCES: permission denied 127.0.0.1:80]",
    );
    assert.match(
      listenFailure("peer", "127.0.0.1:80", grpc).message,
      /^--peer 127\.0\.0\.1:80: the system does not let this user/,
    );
    assert.match(
      listenFailure("admin", "x:1", new Error("something else")).message,
      /^--admin x:1: something else; look at --admin$/,
    );
  });
});
