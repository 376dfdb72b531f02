// `trefoil config print`: settings of every command that has some, each with its origin.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Trefoil } from "./run-trefoil.ts";

const trefoil = new Trefoil("127.0.0.1:1", { TREFOIL_ZONE: "z" });

describe("trefoil config print", () => {
  it("prints what a node would run with, and where each setting comes from", async () => {
    const node = ["--id=n1", "--data=d", "--join=a:7400"];
    const { code, out, errors } = await trefoil.run(["config", "print", "--origin", ...node]);
    assert.deepEqual([code, errors], [0, ""]);
    assert.match(out, /^id +n1 +flag --id$/m);
    assert.match(out, /^zone +z +environment TREFOIL_ZONE$/m);
    assert.match(out, /^http +127\.0\.0\.1:8080 +default$/m);
    const plain = await trefoil.run(["config", "print", "node", ...node]);
    assert.match(plain.out, /^id +n1$/m);
  });

  it("prints those of a cluster for development and of a gateway", async () => {
    const [dev, gateway] = await Promise.all([
      trefoil.run(["config", "print", "dev", "--nodes", "5"]),
      trefoil.run(["config", "print", "gateway", "--json", "--origin", "--seeds", "a:7400"]),
    ]);
    assert.deepEqual([dev.code, gateway.code], [0, 0], dev.errors + gateway.errors);
    assert.match(dev.out, /^nodes +5$/m);
    const printed = JSON.parse(gateway.out) as Record<string, unknown>;
    assert.deepEqual(printed["seeds"], { value: "a:7400", origin: "flag", place: "--seeds" });
  });

  it("tells everything that is wrong, and prints nothing", async () => {
    const { code, out, errors } = await trefoil.run(["config", "print", "gateway", "--nodes=5"]);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(errors, /"--nodes": there is no such setting/);
    assert.match(errors, /--seeds is missing/);
  });
});
