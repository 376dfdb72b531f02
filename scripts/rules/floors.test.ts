import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeFinding } from "./finding.ts";
import { checkFloors } from "./floors.ts";

function check(path: string, text: string): string[] {
  return checkFloors({ path, text }).map(describeFinding);
}

describe("the floor rule", () => {
  it("lets a file import from lower floors and from its own folder", () => {
    const text = `
      import { crc } from "../base/checksum.ts";
      import type { Disk } from "../platform/disk.ts";
      import { record } from "./record.ts";
      export { segment } from "./parts/segment.ts";
    `;
    assert.deepEqual(check("internal/log/log.ts", text), []);
    assert.deepEqual(check("internal/log/parts/segment.ts", `import { crc } from "../../base/checksum.ts";`), []);
    assert.deepEqual(check("cmd/trefoil/main.ts", `import { open } from "../../internal/store/store.ts";`), []);
    assert.deepEqual(check("cmd/trefoil/main.ts", `import { usage } from "../usage.ts";`), []);
  });

  it("forbids a higher floor, and names both floors and the line", () => {
    const text = `\nimport { open } from "../engine/engine.ts";\n`;
    assert.deepEqual(check("internal/base/bytes.ts", text), [
      "internal/base/bytes.ts:2: internal/base (floor 0) imports from internal/engine (floor 2): " +
        "a file imports only from lower floors or from its own folder",
    ]);
  });

  it("forbids a neighbour on the same floor, however the path is written", () => {
    for (const specifier of ["../engine/engine.ts", "./../engine/engine.ts", "../../internal/engine/engine.ts"]) {
      const found = check("internal/log/log.ts", `import { open } from "${specifier}";`);
      assert.equal(found.length, 1, specifier);
      assert.match(found[0] as string, /internal\/log \(floor 2\) imports from internal\/engine \(floor 2\)/);
    }
  });

  it("sees every way to import", () => {
    const ways = [
      `import "../node/node.ts";`,
      `import type { N } from "../node/node.ts";`,
      `export * from "../node/node.ts";`,
      `export { n } from "../node/node.ts";`,
      `const n = await import("../node/node.ts");`,
      `type N = import("../node/node.ts").N;`,
    ];
    for (const way of ways) assert.equal(check("internal/store/store.ts", way).length, 1, way);
    assert.match(check("internal/store/store.ts", "await import(name);")[0] as string, /computed import/);
  });

  it("is not misled by imports in comments, strings and templates", () => {
    const text = [
      `// import { a } from "../node/a.ts";`,
      `/* import { a } from "../node/a.ts"; */`,
      `export const s = 'import { a } from "../node/a.ts"';`,
      'export const t = `import { a } from "../node/a.ts"; ${s}`;',
    ].join("\n");
    assert.deepEqual(check("internal/base/a.ts", text), []);
  });

  it("forbids Node's modules and packages below floor 6, save those named in the table", () => {
    assert.equal(check("internal/engine/a.ts", `import { open } from "node:fs/promises";`).length, 1);
    assert.equal(check("internal/node/a.ts", `import { setTimeout } from "node:timers/promises";`).length, 1);
    assert.equal(check("internal/log/a.ts", `import { crc32 } from "node:zlib";`).length, 1);
    assert.equal(check("internal/replica/a.ts", `import grpc from "@grpc/grpc-js";`).length, 1);
    assert.deepEqual(check("internal/base/a.ts", `import { crc32 } from "node:zlib";`), []);
    assert.deepEqual(check("internal/ring/a.ts", `import xxhash from "xxhashjs";`), []);
    assert.deepEqual(check("internal/os/a.ts", `import { open } from "node:fs/promises";`), []);
  });

  it("keeps promises out of the Raft core, and only there", () => {
    const samples = [
      "export async function tick(): void {}",
      "export const tick = async () => {};",
      "export class Core { async tick() {} }",
      "export function tick(): Promise<void> { return later; }",
      "export const done = Promise.resolve();",
    ];
    for (const text of samples) {
      assert.ok(check("internal/raft/core.ts", text).length > 0, text);
      assert.deepEqual(check("internal/replica/core.ts", text), [], text);
    }
    assert.deepEqual(check("internal/raft/core.ts", "export function tick(): void {}"), []);
  });

  it("leaves tests, benches and scripts alone, but not what they are imported by", () => {
    const text = `import { n } from "../node/node.ts";\nimport fs from "node:fs";`;
    assert.deepEqual(check("internal/base/a.test.ts", text), []);
    assert.deepEqual(check("internal/engine/a.bench.ts", text), []);
    assert.deepEqual(check("test/support/disk.ts", text), []);
    assert.match(check("internal/base/a.ts", `import { t } from "./a.test.ts";`)[0] as string, /stays in tests/);
    assert.match(check("cmd/trefoil/a.ts", `import { t } from "../../test/disk.ts";`)[0] as string, /stays in tests/);
    assert.match(check("internal/os/a.ts", `import { t } from "../../scripts/steps.ts";`)[0] as string, /on no floor/);
  });

  it("reports a folder that has no floor", () => {
    assert.match(check("internal/misc/a.ts", "")[0] as string, /internal\/misc is not in the table of floors/);
  });
});
