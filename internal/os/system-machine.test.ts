import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBootId, systemMachine } from "./system-machine.ts";

describe("system machine", () => {
  it("has one boot id as long as it runs, on Linux", () => {
    if (process.platform !== "linux") return;
    assert.match(systemMachine.bootId ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(readBootId("/proc/sys/kernel/random/boot_id"), systemMachine.bootId);
  });

  it("says that it cannot tell where the system does not", () => {
    assert.equal(readBootId("/proc/does-not-exist"), undefined);
    assert.equal(readBootId("/dev/null"), undefined);
  });
});
