// Flags that npm has kept to itself.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { devSchema } from "../../../internal/config/schema.ts";
import { lostToNpm } from "./npm-start.ts";

type Environment = Readonly<Record<string, string>>;

const lost = (environment: Environment, ...commandArguments: readonly string[]): string | undefined =>
  lostToNpm(devSchema, { commandArguments, environment: { npm_lifecycle_event: "start", ...environment } });

describe("npm start without --", () => {
  it("is told with the line that was meant", () => {
    const cases: readonly (readonly [line: string, environment: Environment, ...words: readonly string[]])[] = [
      ["--nodes 5", { npm_config_nodes: "5" }],
      ["--nodes 5", { npm_config_nodes: "true" }, "5"],
      ["--data ./five six", { npm_config_data: "./five six" }],
      ["--nodes <NUMBER> --data <DIR>", { npm_config_nodes: "true", npm_config_data: "true" }, "5", "./five"],
      ["--no-restart", { npm_config_restart: "" }],
      ["--restart --log-level info", { npm_config_restart: "true", npm_config_log_level: "info" }],
      ["--nodes 5 --data ./five", { npm_config_nodes: "5" }, "--data", "./five"],
    ];
    for (const [line, environment, ...words] of cases) {
      const said = lost(environment, ...words)?.replaceAll('"', "");
      assert.ok(said?.endsWith(`; write npm start -- ${line}`), `${line}: ${said}`);
    }
    assert.match(lost({}, "9000") ?? "", /^"9000": npm keeps flags .*; write npm start -- --<name> <value>$/);
  });

  it("is not seen in what npm has for itself, in what was handed on, and where another script runs", () => {
    assert.equal(lost({ npm_config_yes: "", npm_config_cache: "/c", npm_config_loglevel: "silent" }), undefined);
    assert.equal(lost({}, "--nodes", "5"), undefined);
    assert.equal(lost({ npm_lifecycle_event: "test", npm_config_nodes: "5" }), undefined);
    assert.equal(lostToNpm(devSchema, { commandArguments: ["5"], environment: { npm_config_nodes: "5" } }), undefined);
  });
});
